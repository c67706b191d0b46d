"""The tables: people and outcomes. Content that people edit is in issue folders instead."""

from newsletter.store.schema.issues import (
    alerts,
    approvals,
    batches,
    corrections,
    deliveries,
    issue_texts,
    occurrences,
    sends,
    used_links,
)
from newsletter.store.schema.people import (
    facts,
    lists,
    searches,
    signups,
    subscribers,
    subscriptions,
    suppressions,
)
from newsletter.store.schema.reported import events, figures, list_days, reports

__all__ = [
    "alerts",
    "approvals",
    "batches",
    "corrections",
    "deliveries",
    "events",
    "facts",
    "figures",
    "issue_texts",
    "list_days",
    "lists",
    "occurrences",
    "reports",
    "searches",
    "sends",
    "signups",
    "subscribers",
    "subscriptions",
    "suppressions",
    "used_links",
]
