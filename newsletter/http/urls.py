"""Parse and format the addresses of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.errors import FetchError

if TYPE_CHECKING:
    import httpx


def parse(url: str) -> httpx.URL:
    """An address as a person typed it. Raises FetchError when it is not a web address."""
    import httpx

    try:
        return httpx.URL(url.strip())
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchError(
            f"{url!r} is not a web address: {error}; correct it in newsletter.toml."
        ) from None


def redirect_target(url: httpx.URL, response: httpx.Response) -> httpx.URL:
    """The address that a redirect names. Raises FetchError when it names none."""
    import httpx

    location = response.headers.get("location", "")
    try:
        if location:
            return url.join(location)
    except (httpx.InvalidURL, ValueError):
        pass
    raise FetchError(
        f"{without_credentials(url)} redirects (status {response.status_code}) to "
        f"{location[:200]!r}, which is not an address; find the right one."
    )


def origin(url: httpx.URL) -> tuple[str, str, int]:
    """Scheme, host and port; credentials are sent only to the same origin."""
    return url.scheme, url.host, port(url)


def port(url: httpx.URL) -> int:
    """The port, or the default port of the scheme."""
    return url.port or (443 if url.scheme == "https" else 80)


def without_credentials(url: httpx.URL) -> str:
    """The address without user name, password and fragment."""
    return str(url.copy_with(userinfo=b"", fragment=None))


def host_port(url: httpx.URL) -> str:
    """``host:port``, as allow_hosts names it."""
    host = url.raw_host.decode("ascii", "replace").lower()
    return f"[{host}]:{port(url)}" if ":" in host else f"{host}:{port(url)}"
