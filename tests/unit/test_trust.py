"""Whom a connection trusts: nobody that an authority does not vouch for."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

import httpx
import pytest
import trustme

from newsletter.errors import ConfigError, FetchError
from newsletter.http.certificates import ssl_context
from newsletter.http.webhooks import ping
from tests.patient import PATIENCE


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def greeted(authority: trustme.CA, ours: ssl.SSLContext) -> None:
    """Shake hands with a server for which that authority vouches."""
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(theirs)
    here, there = socket.socketpair()

    def answer() -> None:
        try:
            theirs.wrap_socket(there, server_side=True).close()
        except OSError:
            there.close()

    server = threading.Thread(target=answer)
    server.start()
    try:
        ours.wrap_socket(here, server_hostname="localhost").close()
    finally:
        here.close()
        server.join(PATIENCE)


def test_an_authority_that_nobody_knows_is_not_trusted(authority: trustme.CA) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        greeted(authority, ssl_context())


def test_the_environment_names_others_beside_the_usual_ones(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ours.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ours.pem"))
    greeted(authority, ssl_context())
    usual = httpx.create_ssl_context(trust_env=False).get_ca_certs()
    assert len(usual) > 100
    assert all(each in ssl_context().get_ca_certs() for each in usual)


@pytest.mark.parametrize(
    ("variable", "name", "why"),
    [
        ("SSL_CERT_FILE", "gone.pem", "No such file or directory"),
        ("SSL_CERT_FILE", "folder", "Is a directory"),
        ("SSL_CERT_FILE", "notes.pem", "it holds no readable certificate"),
        ("SSL_CERT_DIR", "gone", "it is not a folder"),
        ("SSL_CERT_DIR", "notes.pem", "it is not a folder"),
    ],
)
def test_what_names_no_authorities_is_said(
    variable: str, name: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "notes.pem").write_text("no certificate")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv(variable, str(tmp_path / name))
    with pytest.raises(ConfigError, match=f"^{variable} names .*/{name}.*: {why}"):
        ssl_context()
    with pytest.raises(FetchError, match=f"^The ping cannot be reached: {variable} names"):
        ping("https://127.0.0.1:9/secret", "The ping")


def test_they_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    assert ssl_context() is ssl_context("http") is not ssl_context("smtp")
