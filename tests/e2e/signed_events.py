"""What the tests of events share: a provider that signs, and a server that takes what it posts."""

from __future__ import annotations

import base64
import contextlib
import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests import patient
from tests.e2e.send_processes import running, until
from tests.e2e.servers import closed_port
from tests.newsroom import Newsroom
from tests.patient import PATIENCE

STAMP = "1751900000"


@dataclass(frozen=True)
class Signer:
    """The provider's key."""

    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def public(self) -> str:
        """As SendGrid shows it."""
        der = self.private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(der).decode()

    def headers(self, body: bytes) -> dict[str, str]:
        signature = self.private.sign(STAMP.encode() + body, ec.ECDSA(hashes.SHA256()))
        return {
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": STAMP,
        }


@dataclass(frozen=True)
class Door:
    """A server that takes events."""

    url: str
    process: subprocess.Popen[str]
    signer: Signer

    def post(self, told: Sequence[dict[str, Any]]) -> int:
        """The status; 0 where there was no answer."""
        body = json.dumps(list(told)).encode()
        try:
            answer = patient.post(
                f"{self.url}/events/sendgrid", content=body, headers=self.signer.headers(body),
                timeout=PATIENCE,
            )  # fmt: skip
        except httpx.HTTPError:
            return 0
        return answer.status_code


@contextlib.contextmanager
def door(room: Newsroom, signer: Signer) -> Iterator[Door]:
    """``newsletter serve`` as a process."""
    room.environment["SENDGRID_EVENT_PUBLIC_KEY"] = signer.public()
    port = closed_port()
    url = f"http://127.0.0.1:{port}"

    def up() -> bool:
        try:
            return patient.get(f"{url}/openapi.json").status_code == 200
        except httpx.HTTPError:
            return False

    with running(room, "serve", "--port", str(port)) as process:
        until(up)
        yield Door(url, process, signer)
