"""Send the alerts that wait: a mail to the editor, and a post to the webhook if there is one.

A lost alert is worse than one that comes twice. If the program is killed after a mail left and
before the database knows, the mail is sent again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from email.utils import parseaddr
from itertools import groupby

from newsletter.app import logs
from newsletter.app.alerts.queue import AlertKind
from newsletter.app.approval import approval_links
from newsletter.app.desk import Desk
from newsletter.app.mail import unledgered_send
from newsletter.app.recipients import mailbox_and_name
from newsletter.config import secret
from newsletter.errors import NewsletterError
from newsletter.links import signed_links
from newsletter.model import Recipient
from newsletter.render import Button
from newsletter.store import alerts
from newsletter.store.alerts import Alert

log = logging.getLogger(__name__)

WEBHOOK = "ALERTS_WEBHOOK_URL"
_GROUPED_KINDS = frozenset({AlertKind.SOURCE, AlertKind.MISSED})  # several share one mail
_SLACK_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def send_all(desk: Desk, checkpoint: Callable[[str], None] = lambda _: None) -> None:
    """Send the alerts that are due; those that fail are retried later.

    ``checkpoint`` gets the name of each step.
    """
    with desk.reading() as connection:
        if not alerts.has_due(connection, desk.name, desk.clock()):
            return
    with desk.writing() as connection:
        claimed = alerts.claim(connection, desk.name, desk.clock())
    checkpoint("alert claimed")
    for group in _grouped(claimed):
        with logs.context(issue=str(group[0].issue)):
            _send(desk, group, checkpoint)
        checkpoint("alert sent")


def _grouped(claimed: Iterable[Alert]) -> list[list[Alert]]:
    """The alerts of one mail and one post each."""

    def group_key(alert: Alert) -> tuple[str, int, bool, bool]:
        number = 0 if alert.kind in _GROUPED_KINDS else alert.id
        return alert.kind, number, alert.mailed, alert.posted

    return [list(group) for _, group in groupby(sorted(claimed, key=group_key), group_key)]


def _send(desk: Desk, group: Sequence[Alert], checkpoint: Callable[[str], None]) -> None:
    """Mail and post the group; if one of the two fails, the other is not repeated."""
    ids = [alert.id for alert in group]
    faults = []
    for is_done, deliver_group, mark_done in (
        (group[0].mailed, _mail, alerts.mark_mailed),
        (group[0].posted, _post, alerts.mark_posted),
    ):
        if is_done:
            continue
        try:
            deliver_group(desk, group)
        except NewsletterError as error:
            faults.append(str(error))
        except Exception as error:
            log.exception("An alert could not be sent")
            faults.append(f"{type(error).__name__}: {error}")
        else:
            checkpoint("alert left")
            with desk.writing() as connection:
                mark_done(connection, ids, desk.clock())
    with desk.writing() as connection:
        if faults:
            alerts.mark_failed(connection, group, desk.clock(), " ".join(faults))
        else:
            alerts.mark_done(connection, ids, desk.clock())
    _log_result(desk, group, faults)


def _log_result(desk: Desk, group: Sequence[Alert], faults: Sequence[str]) -> None:
    alert = group[0]
    if faults:
        log.warning("An alert (%s) will be retried: %s", alert.kind, " ".join(faults))
    elif desk.config.alerts_to or secret(WEBHOOK):
        log.info("An alert was sent: %s %s", alert.kind, alert.issue)
    else:
        log.warning(
            "An alert (%s %s) appears only here, because neither [editor] email nor [alerts] email "
            "is set: %s",
            alert.kind,
            alert.issue,
            "\n".join(_paragraphs(group)),
        )


def _title(desk: Desk, alert: Alert) -> str:
    date = desk.language.short_date(alert.issue.date)
    return desk.language.say(AlertKind(alert.kind).title_key, date=date)


def _paragraphs(group: Sequence[Alert]) -> list[str]:
    """The paragraphs of all alerts, without repetitions."""
    return list(dict.fromkeys(line for alert in group for line in alert.text.splitlines() if line))


def _mail(desk: Desk, group: Sequence[Alert]) -> None:
    """Mail the group to the editor. Raises NewsletterError unless the mail was accepted."""
    from newsletter import deliver
    from newsletter.render import alert_mail

    address = desk.config.alerts_to
    if not address:
        return
    first, newsletter = group[0], desk.config.newsletter
    rendered = alert_mail(
        desk.config, _title(desk, first), _paragraphs(group), _approve_button(desk, first)
    )
    alert_id = f"{first.issue}-{first.kind}-{first.id}"
    send = replace(unledgered_send(desk, first.issue, rendered), test=True, alert=alert_id)
    mailbox, name = mailbox_and_name(desk, address)
    unsubscribe = signed_links.unsubscribe_mailto(
        parseaddr(newsletter.reply_to or newsletter.sender)[1]
    )
    deliver.submit_alert(desk.alerts_provider, send, Recipient(0, mailbox, name, unsubscribe, {}))


def _approve_button(desk: Desk, alert: Alert) -> Button | None:
    """The button that approves the bytes that the alert is about; None if there are none."""
    if alert.hash is None:
        return None
    issue, say = alert.issue, desk.language.say
    try:
        link = approval_links.new_link(desk, issue, alert.hash)
    except NewsletterError as error:  # the alert itself must go out all the same
        log.warning("An alert is sent without its approval link: %s", error)
        return None
    if link is None:
        return None
    expires = desk.language.moment(approval_links.expiry(desk, issue).astimezone(desk.config.zone))
    return Button(say("alert_approve"), link, say("alert_approve_link", expires=expires))


def _post(desk: Desk, group: Sequence[Alert]) -> None:
    """Post the group to the webhook. Raises NewsletterError.

    The post has no approval link: not everyone in a channel may approve.
    """
    from newsletter.http.webhooks import post_json

    url = secret(WEBHOOK)
    if not url:
        return
    text = "\n".join([f"*{_title(desk, group[0])}* ({desk.name})", *_paragraphs(group)])
    post_json(url, {"text": text.translate(_SLACK_ESCAPES)}, f"The webhook ({WEBHOOK})")
