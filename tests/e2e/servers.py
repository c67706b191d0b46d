"""Real servers on loopback in the place of SendGrid and of a newsroom's mail server.

Each is a context manager, listens on a port that the system chose, keeps what it was given, and
can be told to misbehave.
"""

from tests.e2e.mail_server import (
    MailServer,
    ReceivedMail,
    authority,
    closed_port,
    dripping_server,
    injecting_server,
    line_server,
    mail_server,
)
from tests.e2e.sendgrid_server import (
    KEY,
    PersonalMail,
    SendgridServer,
    Step,
    bad_address,
    half_answer,
    hang,
    rate_limited,
    redirect,
    refused,
    reset,
    sendgrid_server,
)

__all__ = [
    "KEY",
    "MailServer",
    "PersonalMail",
    "ReceivedMail",
    "SendgridServer",
    "Step",
    "authority",
    "bad_address",
    "closed_port",
    "dripping_server",
    "half_answer",
    "hang",
    "injecting_server",
    "line_server",
    "mail_server",
    "rate_limited",
    "redirect",
    "refused",
    "reset",
    "sendgrid_server",
]
