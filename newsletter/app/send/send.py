"""Freeze an approved issue, and deliver it to every reader exactly once."""

from __future__ import annotations

from newsletter.app.desk import Desk
from newsletter.app.issue import correction_mail
from newsletter.app.send import receipts
from newsletter.app.send.delivery import SendObserver, deliver, doubt_policy
from newsletter.app.send.plan import Plan, corrected_send
from newsletter.errors import NotReadyError
from newsletter.model import Doubt, IssueName, Receipt
from newsletter.render import issue_text
from newsletter.sanitize import canonical
from newsletter.store import archive, send_missing, sends
from newsletter.store.sends import DeliveryState, FrozenSend, SendState


def send(desk: Desk, planned: Plan, observer: SendObserver | None = None) -> Receipt:
    """Carry out the plan: freeze and deliver the issue, or resume its send."""
    observer = observer or SendObserver()
    provider = desk.provider  # raises ConfigError for a missing key before anything is frozen
    policy = doubt_policy(desk)
    frozen = planned.frozen or _freeze(desk, planned, provider.batch_size, policy)
    observer.checkpoint("frozen")
    if planned.to_missing:
        with desk.writing() as connection:
            send_missing.resume(connection, frozen, provider.batch_size, desk.clock())
    elif frozen.state is SendState.DONE:
        return receipts.receipt(desk, planned.issue)
    deliver(desk, frozen, observer)
    return _receipt(desk, planned.issue, observer)


def recall(desk: Desk, issue: IssueName, observer: SendObserver | None = None) -> Receipt:
    """Recall what the provider has not released of a cancelled send, and wait for other processes.

    Any installation may do that: it does not count as sending from here. Raises NotReadyError if
    the issue was never sent.
    """
    frozen = desk.require_sent(issue)
    observer = observer or SendObserver()
    deliver(desk, frozen, observer, record=False)
    return _receipt(desk, issue, observer)


def _receipt(desk: Desk, issue: IssueName, observer: SendObserver) -> Receipt:
    """The final receipt, which the observer gets too: counting a million readers takes a while."""
    receipt = receipts.receipt(desk, issue)
    if observer.progress:
        observer.progress({state.value: getattr(receipt, state) for state in DeliveryState})
    return receipt


def _freeze(desk: Desk, planned: Plan, batch_size: int, policy: Doubt) -> FrozenSend:
    """Freeze the built mail and its recipients, unless another process has done so already."""
    built, issue = planned.built, planned.issue
    if built is None:  # a plan without a send has a mail
        raise NotReadyError("Nothing was planned. Run the command again.")
    newsletter, now = desk.config.newsletter, desk.clock()
    articles = [
        (story.article.id, canonical(story.article.url) if story.article.url else None)
        for story in built.issue.stories
    ]
    with desk.writing() as connection:
        sends.lock_list(connection, newsletter.list)
        frozen = sends.find(connection, desk.name, issue)
        if frozen is None:
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
            frozen = sends.find(connection, desk.name, issue)
            if frozen and not built.issue.corrects:
                text = issue_text(built.issue, desk.config)
                archive.save_text(connection, frozen.send.id, text, newsletter.language)
    if frozen is None:
        raise NotReadyError(f"Issue {issue} could not be frozen. Run the command again.")
    return frozen
