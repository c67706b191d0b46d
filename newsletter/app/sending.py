"""From an approved issue to every reader, once; tests before it, receipts after it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from email.utils import parseaddr

from newsletter import deliver, links, providers, tokens
from newsletter.app.desk import Desk
from newsletter.app.editing import Built, compose, require_no_errors
from newsletter.app.freshness import look_again
from newsletter.errors import NotReadyError, UsageError
from newsletter.foreign import canonical
from newsletter.model import Finding, Receipt, Recipient, Rendered, Send
from newsletter.store import approvals, doubt, sends
from newsletter.store.ledger import Reader
from newsletter.store.sends import Frozen, State
from newsletter.store.subscribers import ACTIVE, People

TEST_READER = 0  # in the links of a test: nobody
LOOK_AGAIN = 1.0  # seconds between two looks at a send that waits: another may have finished it


@dataclass(frozen=True)
class Plan:
    """What a send would do now. ``frozen``: it was started already, and only goes on."""

    issue: date
    built: Built | None
    frozen: Frozen | None
    readers: int
    findings: tuple[Finding, ...] = ()  # warnings of the last look at the stories


def send_test(desk: Desk, issue: date, to: str | None = None) -> tuple[str, Built]:
    """Send the exact bytes to an editor; the subject is marked, nothing else differs."""
    address = to or desk.config.editor.email
    if not address:
        raise UsageError(
            "There is nobody to send the test to. Set email in [editor], or name an address: "
            "newsletter test --to ADDRESS"
        )
    built = compose(desk, issue)
    send = _send_of(desk, issue, built.rendered)
    subject = desk.language.say("test", subject=built.rendered.subject)
    name, mailbox = parseaddr(address)
    editor = desk.config.editor
    name = name or (editor.name if editor.email and mailbox == parseaddr(editor.email)[1] else "")
    key = links.signing_key(desk.folder)
    recipient = _personal(desk, key, Reader(0, TEST_READER, mailbox, name), 0)
    deliver.submit_test(desk.provider, replace(send, subject=subject, test=True), [recipient])
    return mailbox, built


def as_mail(desk: Desk, built: Built) -> bytes:
    """The mail as it would lie in the editor's own mailbox."""
    editor = desk.config.editor
    reader = Reader(0, TEST_READER, parseaddr(editor.email or "reader@example.com")[1], editor.name)
    send = _send_of(desk, built.issue.date, built.rendered)
    key = links.signing_key(desk.folder)
    return providers.as_mail(send, _personal(desk, key, reader, 0), desk.clock())


def plan(desk: Desk, issue: date, *, approved: bool = False) -> Plan:
    """What sending the issue now means. Raises NotReadyError where it must not start.

    The stories of a send that has not started are looked at once more at their sources.
    ``approved=True`` is for a timetable that sends without a person.
    """
    name = issue.isoformat()
    with desk.database.begin() as connection:
        frozen = sends.find(connection, desk.name, name)
        approval = approvals.find(connection, desk.name, name)
        people = list(People(connection, desk.config.newsletter.list).everyone())
        other = sends.under_another_name(connection, desk.name, name, desk.config.newsletter.list)
        numbers = doubt.progress(connection, frozen.send.id) if frozen else {}
    if frozen:
        return Plan(issue, None, frozen, sum(numbers.values()))
    if other:
        raise NotReadyError(
            f"The list {desk.config.newsletter.list!r} was already sent an issue of {issue}, under "
            f"the name {other!r}. Give [newsletter] name back that name, or choose another list."
        )
    built = compose(desk, issue)
    require_no_errors(built, "sent")
    automatic = approved or desk.config.schedule.approval == "automatic"
    if approval is None and not automatic:
        raise NotReadyError(
            f"Issue {issue} is not approved. Look at it with `newsletter preview {issue}`, then: "
            f"newsletter approve {issue}"
        )
    if approval and approval.hash != built.rendered.hash and not automatic:
        raise NotReadyError(
            f"Issue {issue} has changed since {approval.by} approved it. Look at it again: "
            f"newsletter build {issue}, then newsletter approve {issue}"
        )
    readers = sum(person.status == ACTIVE and not person.suppressed for person in people)
    if not readers:
        raise NotReadyError(
            f"The list {desk.config.newsletter.list!r} has no active subscribers. "
            f"Add some with: newsletter subscribers import FILE"
        )
    findings = look_again(desk, built)
    require_no_errors(replace(built, findings=findings), "sent")
    return Plan(issue, built, None, readers, findings)


def send(
    desk: Desk,
    planned: Plan,
    report: Callable[[dict[str, int]], None] = lambda _: None,
    waiting: Callable[[datetime], None] = lambda _: None,
) -> Receipt:
    """Freeze what is planned, and deliver it; or go on with a send that was started.

    ``report`` gets the numbers after every batch, ``waiting`` the moment that is waited for.
    """
    provider = desk.provider  # a missing key is said before anything is frozen
    key = links.signing_key(desk.folder)
    frozen = planned.frozen or _freeze(desk, planned, provider.batch_size)
    if frozen.state is not State.DONE:
        deliver.run(
            desk.database,
            provider,
            frozen,
            lambda reader: _personal(desk, key, reader, frozen.list_id),
            clock=desk.clock,
            wait=_Waiter(desk, waiting),
            report=report,
        )
    return receipt(desk, planned.issue)


def receipt(desk: Desk, issue: date) -> Receipt:
    """Who got the issue. Raises NotReadyError where it was never sent."""
    with desk.database.begin() as connection:
        found = sends.find(connection, desk.name, issue.isoformat())
        if found is None:
            raise NotReadyError(
                f"Issue {issue} was not sent, so there is no receipt. "
                f"Send it with: newsletter send {issue}"
            )
        return sends.receipt(connection, found)


def held(desk: Desk, issue: date) -> list[tuple[int, int]]:
    """The batches of the issue that are in doubt: number, readers."""
    with desk.database.begin() as connection:
        found = sends.find(connection, desk.name, issue.isoformat())
        return doubt.held(connection, found.send.id) if found else []


def resolve(desk: Desk, issue: date, batch: int, *, sent: bool) -> int:
    """A person's word on a batch in doubt; how many readers it settles."""
    with desk.database.begin() as connection:
        found = sends.find(connection, desk.name, issue.isoformat())
        count = (
            doubt.resolve(connection, found.send.id, batch, sent=sent, now=desk.clock())
            if found
            else None
        )
        if found is None or count is None:
            raise UsageError(
                f"Issue {issue} has no batch {batch} in doubt. "
                f"See which it has: newsletter receipt {issue}"
            )
        if not sent:
            sends.set_state(connection, found.send.id, State.SENDING, desk.clock())
    return count


def latest(desk: Desk) -> str | None:
    """The newest issue that was sent, or is being sent."""
    with desk.database.begin() as connection:
        return next(reversed(sends.issues(connection, desk.name)), None)


def _freeze(desk: Desk, planned: Plan, batch_size: int) -> Frozen:
    built = planned.built
    if built is None:  # a plan has one of the two
        raise NotReadyError("Nothing was planned. Run the command again.")
    newsletter = desk.config.newsletter
    articles = [
        (story.article.id, canonical(story.article.url) if story.article.url else None)
        for story in built.issue.stories
    ]
    name = planned.issue.isoformat()
    with desk.database.begin() as connection:
        found = sends.find(connection, desk.name, name)
        if found is None:  # another process may have been quicker
            sends.freeze(
                connection,
                built.rendered,
                newsletter=desk.name,
                issue=name,
                list_name=newsletter.list,
                sender=newsletter.sender,
                reply_to=newsletter.reply_to,
                articles=articles,
                provider=desk.config.provider.type,
                batch_size=batch_size,
                now=desk.clock(),
            )
            found = sends.find(connection, desk.name, name)
    if found is None:
        raise NotReadyError(f"Issue {name} could not be frozen. Run the command again.")
    return found


def _send_of(desk: Desk, issue: date, rendered: Rendered) -> Send:
    newsletter = desk.config.newsletter
    return Send(
        issue=issue.isoformat(),
        newsletter=desk.name,
        list=newsletter.list,
        subject=rendered.subject,
        html=rendered.html,
        text=rendered.text,
        hash=rendered.hash,
        sender=newsletter.sender,
        reply_to=newsletter.reply_to,
    )


def _personal(desk: Desk, key: bytes, reader: Reader, list_: int) -> Recipient:
    """A reader's own parts of the mail."""
    newsletter = desk.config.newsletter
    mailbox = parseaddr(newsletter.reply_to or newsletter.sender)[1]
    base, who = newsletter.base_url, reader.subscriber
    url = links.unsubscribe_url(base, mailbox, key, who, list_)
    preferences = links.preferences_url(base, key, who, list_) if base else url
    return Recipient(
        delivery=reader.delivery,
        email=reader.email,
        name=reader.name,
        unsubscribe_url=url,
        tokens=tokens.values(greeting(desk, reader.name), url, preferences),
    )


def greeting(desk: Desk, name: str) -> str:
    """How the letter begins for somebody of that name; nobody's name: for everybody."""
    say = desk.language.say
    return say("greeting_named", name=name) if name else say("greeting")


def sample(desk: Desk) -> dict[str, str]:
    """What stands for the personal parts in the preview."""
    base = desk.config.newsletter.base_url or "https://www.example.com"
    name = greeting(desk, desk.config.editor.name)
    return tokens.values(name, f"{base}/unsubscribe/preview", f"{base}/preferences/preview")


class _Waiter:
    """Sleeps a little at a time, and says once what for."""

    def __init__(self, desk: Desk, waiting: Callable[[datetime], None]) -> None:
        self._desk = desk
        self._waiting = waiting
        self._said: datetime | None = None

    def __call__(self, moment: datetime) -> None:
        seconds = (moment - self._desk.clock()).total_seconds()
        if seconds > LOOK_AGAIN and moment != self._said:
            self._waiting(moment)
            self._said = moment
        time.sleep(min(max(seconds, 0), LOOK_AGAIN))
