"""The same readers without a ledger: ready-made bodies, and the sendgrid package by itself."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
from sqlalchemy import text

from bench.delivering import BATCH, ISSUE, KEY, SAMPLE, address, open_folder


def bodies(folder: Path, url: str) -> list[bytes]:
    """The bodies of the first requests, as they were sent."""
    from newsletter.app import recipients
    from newsletter.providers.sendgrid import payload, personalizations
    from newsletter.store.ledger import Addressee

    desk = open_folder(folder, url)
    frozen = desk.require_sent(ISSUE)
    make = recipients.personalizer(desk, frozen.list_id)
    found = []
    for first in range(1, SAMPLE * BATCH, BATCH):
        numbers = range(first, first + BATCH)
        people = make([Addressee(i, i, address(i), f"Reader {i}") for i in numbers])
        _, entries, _ = personalizations.personalizations(frozen.send, people)
        found.append(payload.request(frozen.send, entries))
    return found


def bare(folder: Path, readers: int, url: str) -> dict[str, float]:
    """One keep-alive connection posts prebuilt bodies."""
    prebuilt = bodies(folder, url)
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    # It trusts whom SSL_CERT_FILE names, as the others do.
    verify = httpx.create_ssl_context(trust_env=True)
    with httpx.Client(headers=headers, trust_env=False, verify=verify) as client:
        started = time.perf_counter()
        for number in range(readers // BATCH):
            assert (
                client.post(f"{url}/v3/mail/send", content=prebuilt[number % SAMPLE]).status_code
                == 202
            )
        return {"seconds": time.perf_counter() - started}


def package(folder: Path, readers: int, url: str) -> dict[str, float]:
    """The sendgrid package as its documentation shows it: helpers, a request for each batch.

    Such a script reads its readers and makes their links as we do, and keeps no ledger.
    """
    import sendgrid
    from sendgrid.helpers.mail import CustomArg, Header, Mail, Personalization, Substitution, To

    from newsletter.app import recipients
    from newsletter.store.ledger import Addressee

    desk = open_folder(folder, url)
    frozen = desk.require_sent(ISSUE)
    make, send = recipients.personalizer(desk, frozen.list_id), frozen.send
    client = sendgrid.SendGridAPIClient(KEY, host=url)
    started = time.perf_counter()
    for first in range(1, readers + 1, BATCH):
        mail = Mail("bench@example.com", None, send.subject, send.text, send.html)
        with desk.database.read() as connection:
            rows = connection.execute(_SOME, {"first": first, "last": first + BATCH - 1}).all()
        for recipient in make([Addressee(id_, id_, *who) for id_, *who in rows]):
            person = Personalization()
            person.add_to(To(recipient.email, recipient.name))
            for key, value in recipient.tokens.items():
                person.add_substitution(Substitution(key, value))
            person.add_custom_arg(CustomArg("nb_delivery", str(recipient.delivery)))
            person.add_header(Header("List-Unsubscribe", f"<{recipient.unsubscribe_url}>"))
            person.add_header(Header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
            mail.add_personalization(person)
        assert client.send(mail).status_code == 202
    return {"seconds": time.perf_counter() - started}


def singly(folder: Path, readers: int, url: str) -> dict[str, float]:
    """The package as its README begins: a mail, and a request, for each reader."""
    import sendgrid
    from sendgrid.helpers.mail import Mail

    from newsletter.app import recipients
    from newsletter.links.tokens import fill
    from newsletter.store.ledger import Addressee

    desk = open_folder(folder, url)
    frozen = desk.require_sent(ISSUE)
    make, send = recipients.personalizer(desk, frozen.list_id), frozen.send
    client = sendgrid.SendGridAPIClient(KEY, host=url)
    started = time.perf_counter()
    with desk.database.read() as connection:
        rows = connection.execute(_SOME, {"first": 1, "last": readers}).all()
    for reader in (Addressee(id_, id_, *who) for id_, *who in rows):
        values = make([reader])[0].tokens
        texts = fill(send.text, values), fill(send.html, values)
        mail = Mail("bench@example.com", reader.email, send.subject, *texts)
        assert client.send(mail).status_code == 202
    return {"seconds": time.perf_counter() - started}


_SOME = text("SELECT id, email, name FROM subscribers WHERE id BETWEEN :first AND :last")
