"""Whom a connection trusts: nobody that an authority does not vouch for."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

import pytest
import trustme

from newsletter.http.trust import trusted


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
        server.join(10)


def test_an_authority_that_nobody_knows_is_not_trusted(authority: trustme.CA) -> None:
    for ours in (trusted(), trusted(by_environment=True)):
        with pytest.raises(ssl.SSLCertVerificationError):
            greeted(authority, ours)


def test_the_environment_names_others_where_it_is_asked(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ours.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ours.pem"))
    greeted(authority, trusted(by_environment=True))
    with pytest.raises(ssl.SSLCertVerificationError):
        greeted(authority, trusted())


def test_they_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    assert trusted() is trusted(by_environment=True)
