"""Freeze an approved issue, and deliver it to every reader once."""

from __future__ import annotations

from newsletter.app.desk import Desk
from newsletter.app.issue import correction_mail
from newsletter.app.send import receipts
from newsletter.app.send.delivery import SendObserver, deliver, doubt_policy
from newsletter.app.send.plan import Plan, corrected_send
from newsletter.errors import NotReadyError
from newsletter.model import Doubt, IssueName, Receipt
from newsletter.render import said
from newsletter.sanitize import canonical
from newsletter.store import archive, send_missing, sends
from newsletter.store.sends import DeliveryState, Frozen, SendState


def send(desk: Desk, planned: Plan, observer: SendObserver | None = None) -> Receipt:
    """Freeze what is planned, and deliver it; or go on with a send that was started."""
    observer = observer or SendObserver()
    provider = desk.provider  # a missing key is said before anything is frozen
    policy = doubt_policy(desk)
    frozen = planned.frozen or _freeze(desk, planned, provider.batch_size, policy)
    observer.checkpoint("frozen")
    if planned.to_missing:
        with desk.writing() as connection:
            send_missing.go_on(connection, frozen, provider.batch_size, desk.clock())
    if not planned.to_missing and frozen.state is SendState.DONE:
        return receipts.receipt(desk, planned.issue)
    deliver(desk, frozen, observer)
    return _receipt(desk, planned.issue, observer)


def recall(desk: Desk, issue: IssueName, observer: SendObserver | None = None) -> Receipt:
    """Of a cancelled send, take back what the provider has not let go yet, and wait for what is
    in another process's hands. Anybody may do that: it does not make this the one that sends.
    """
    frozen = desk.require_sent(issue)
    observer = observer or SendObserver()
    deliver(desk, frozen, observer, sign=False)
    return _receipt(desk, issue, observer)


def _receipt(desk: Desk, issue: IssueName, observer: SendObserver) -> Receipt:
    """At the end. Whoever looked on hears it as well: a million readers are counted only once."""
    found = receipts.receipt(desk, issue)
    if observer.progress:
        observer.progress({state.value: getattr(found, state) for state in DeliveryState})
    return found


def _freeze(desk: Desk, planned: Plan, batch_size: int, policy: Doubt) -> Frozen:
    built = planned.built
    if built is None:  # a plan has one of the two
        raise NotReadyError("Nothing was planned. Run the command again.")
    newsletter, now = desk.config.newsletter, desk.clock()
    articles = [
        (story.article.id, canonical(story.article.url) if story.article.url else None)
        for story in built.issue.stories
    ]
    issue = planned.issue
    with desk.writing() as connection:
        sends.take_turns(connection, newsletter.list)
        found = sends.find(connection, desk.name, issue)
        if found is None:  # another process may have been quicker
            correction_mail.refuse_withdrawn(connection, desk.name, issue)
            sends.freeze(
                connection,
                built.rendered,
                newsletter=desk.name,
                issue=issue,
                list_name=newsletter.list,
                sender=newsletter.sender,
                reply_to=newsletter.reply_to,
                articles=articles,
                provider=desk.config.provider.type,
                batch_size=batch_size,
                send_at=now + desk.config.delivery.ahead if policy is Doubt.RECALL else None,
                now=now,
                corrects=corrected_send(desk, connection, issue),
            )
            found = sends.find(connection, desk.name, issue)
            if found and not built.issue.corrects:
                text = said(built.issue, desk.config)
                archive.keep(connection, found.send.id, text, newsletter.language)
    if found is None:
        raise NotReadyError(f"Issue {issue} could not be frozen. Run the command again.")
    return found
