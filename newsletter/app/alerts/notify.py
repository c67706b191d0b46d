"""Send the alerts that wait: a mail to the editor, and a post to the webhook where there is one.

One that is lost is worse than one that comes twice: who is killed right after a mail has left, and
before that is written down, leaves it to be sent once more.
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
_TOGETHER = frozenset({AlertKind.SOURCE, AlertKind.MISSED})  # several of these are one mail
_SLACK = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def send_all(desk: Desk, checkpoint: Callable[[str], None] = lambda _: None) -> None:
    """Send what waits to be sent; what cannot be sent now is tried again later.

    ``checkpoint`` hears where it is.
    """
    with desk.reading() as connection:
        if not alerts.waiting(connection, desk.name, desk.clock()):
            return
    with desk.writing() as connection:
        claimed = alerts.claim(connection, desk.name, desk.clock())
    checkpoint("alert claimed")
    for group in _grouped(claimed):
        with logs.context(issue=str(group[0].issue)):
            _send(desk, group, checkpoint)
        checkpoint("alert sent")


def _grouped(claimed: Iterable[Alert]) -> list[list[Alert]]:
    """What goes together, in one mail and one post."""

    def together(alert: Alert) -> tuple[str, int, bool, bool]:
        own = 0 if alert.kind in _TOGETHER else alert.id
        return alert.kind, own, alert.mailed, alert.posted

    return [list(group) for _, group in groupby(sorted(claimed, key=together), together)]


def _send(desk: Desk, group: Sequence[Alert], checkpoint: Callable[[str], None]) -> None:
    """One mail and one post; what one of them has done is kept when the other fails."""
    ids = [alert.id for alert in group]
    faults = []
    for was_done, act, keep in (
        (group[0].mailed, _mail, alerts.mailed),
        (group[0].posted, _post, alerts.posted),
    ):
        if was_done:
            continue
        try:
            act(desk, group)
        except NewsletterError as error:
            faults.append(str(error))
        except Exception as error:
            log.exception("an alert could not be sent")
            faults.append(f"{type(error).__name__}: {error}")
        else:
            checkpoint("alert left")
            with desk.writing() as connection:
                keep(connection, ids, desk.clock())
    with desk.writing() as connection:
        if faults:
            alerts.failed(connection, group, desk.clock(), " ".join(faults))
        else:
            alerts.done(connection, ids, desk.clock())
    if faults:
        log.warning("An alert (%s) is tried again: %s", group[0].kind, " ".join(faults))
    elif desk.config.alerts_to or secret(WEBHOOK):
        log.info("An alert was sent: %s %s", group[0].kind, group[0].issue)
    else:
        log.warning(
            "Nobody hears of this (%s %s), as there is no [editor] email and no [alerts] email: %s",
            group[0].kind,
            group[0].issue,
            "\n".join(_paragraphs(group)),
        )


def _title(desk: Desk, alert: Alert) -> str:
    date_ = desk.language.short_date(alert.issue.date)
    return desk.language.say(AlertKind(alert.kind).words, date=date_)


def _paragraphs(group: Sequence[Alert]) -> list[str]:
    """The lines of all, each once."""
    return list(dict.fromkeys(line for alert in group for line in alert.text.splitlines() if line))


def _mail(desk: Desk, group: Sequence[Alert]) -> None:
    """Raises NewsletterError where it was not surely taken."""
    from newsletter import deliver
    from newsletter.render import alert as render_alert

    address = desk.config.alerts_to
    if not address:
        return
    first, newsletter = group[0], desk.config.newsletter
    rendered = render_alert(
        desk.config, _title(desk, first), _paragraphs(group), _button(desk, first)
    )
    about = f"{first.issue}-{first.kind}-{first.id}"
    send = replace(unledgered_send(desk, first.issue, rendered), test=True, alert=about)
    mailbox, name = mailbox_and_name(desk, address)
    leave = signed_links.leaving_by_mail(parseaddr(newsletter.reply_to or newsletter.sender)[1])
    deliver.submit_alert(desk.alerts_provider, send, Recipient(0, mailbox, name, leave, {}))


def _button(desk: Desk, alert: Alert) -> Button | None:
    """The way to approve what the alert is about, where there is one."""
    if alert.hash is None:
        return None
    issue, say = alert.issue, desk.language.say
    try:
        link = approval_links.new_link(desk, issue, alert.hash)
    except NewsletterError as error:  # the word itself must go out all the same
        log.warning("An alert goes without its link: %s", error)
        return None
    if link is None:
        return None
    until = desk.language.moment(approval_links.expiry(desk, issue).astimezone(desk.config.zone))
    return Button(say("alert_approve"), link, say("alert_approve_link", expires=until))


def _post(desk: Desk, group: Sequence[Alert]) -> None:
    """Without the link: in a channel are more people than may approve. Raises NewsletterError."""
    from newsletter.http.webhooks import post_json

    url = secret(WEBHOOK)
    if not url:
        return
    words = "\n".join([f"*{_title(desk, group[0])}* ({desk.name})", *_paragraphs(group)])
    post_json(url, {"text": words.translate(_SLACK)}, f"The webhook ({WEBHOOK})")
