"""What the door asks of an address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.errors import FetchError

if TYPE_CHECKING:
    import httpx


def parsed(url: str) -> httpx.URL:
    """The address as typed by a person; raises FetchError for what is none."""
    import httpx

    try:
        return httpx.URL(url.strip())
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchError(
            f"{url!r} is not a web address: {error}; mend it in newsletter.toml."
        ) from None


def target(url: httpx.URL, response: httpx.Response) -> httpx.URL:
    """Where a redirect leads; raises FetchError where it names no address."""
    import httpx

    said = response.headers.get("location", "")
    try:
        if said:
            return url.join(said)
    except (httpx.InvalidURL, ValueError):
        pass
    raise FetchError(
        f"{shown(url)} redirects (status {response.status_code}) to {said[:200]!r}, "
        f"which is no address; look for the right one."
    )


def origin(url: httpx.URL) -> tuple[str, str, int]:
    """Scheme, host and port: whom a secret header belongs to."""
    return url.scheme, url.host, port(url)


def port(url: httpx.URL) -> int:
    """The port, also where the address does not say it."""
    return url.port or (443 if url.scheme == "https" else 80)


def shown(url: httpx.URL) -> str:
    """The address without a name and password in it."""
    return str(url.copy_with(userinfo=b"", fragment=None))


def place(url: httpx.URL) -> str:
    """``host:port``, as allow_hosts names it."""
    host = url.raw_host.decode("ascii", "replace").lower()
    return f"[{host}]:{port(url)}" if ":" in host else f"{host}:{port(url)}"
