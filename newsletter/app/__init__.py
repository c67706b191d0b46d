"""The use cases: the only place that knows every part. Its rooms stand in the order of the work.

``desk`` opens a newsletter; ``mail``, ``recipients``, ``identity`` and ``logs`` serve every room.

timetable   when an issue is sent, who has moved it, until when it may be approved
issue       gather, build, pictures, recheck, sources
approval    whether an issue may go, approval links, the test mail
alerts      what the editor is told, and how
send        plan, delivery, receipts, pause and cancel, clone guard
readers     lists, sign-up, what a reader's link does
feedback    provider events, bounced mail, figures
archive     past issues on the web, corrections
pipeline    the whole job, as one line; `demo` runs it
clock       one pass over the timetable, the duties behind it, status
service     the process behind ``newsletter run``
setup       init, demo, migrate-database, rehearsal
"""

from newsletter.app.desk import Desk, open_desk

__all__ = ["Desk", "open_desk"]
