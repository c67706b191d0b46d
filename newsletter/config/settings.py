"""The tables of newsletter.toml: their keys and default values."""

from __future__ import annotations

from datetime import date, time, timedelta
from ipaddress import ip_network
from typing import Literal

from pydantic import Field, field_validator, model_validator

from newsletter.model import Doubt
from newsletter.toml_file.recurring_times import (
    ParsedTime,
    ParsedTimes,
    RecurringTime,
    default_gather,
    find_conflict,
)
from newsletter.toml_file.tables import Table
from newsletter.toml_file.values import (
    BaseUrl,
    Colour,
    Day,
    Duration,
    FunctionName,
    Mailbox,
    Network,
    WebUrl,
    ZoneName,
)


class Newsletter(Table):
    """``[newsletter]``: its name, its sender and its template."""

    name: str = Field(min_length=1, max_length=200)
    sender: Mailbox = Field(alias="from")
    address: str = Field(min_length=1)
    language: str = Field("en", pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")
    timezone: ZoneName = "UTC"
    reply_to: Mailbox | None = None
    base_url: BaseUrl | None = None
    template: str = Field("weekly", pattern=r"^[A-Za-z0-9_-]+$")
    list: str = Field("weekly", min_length=1, max_length=200)
    stories: int = Field(15, ge=1, strict=True)
    images: Literal["host", "link"] = "host"
    accent: Colour = "#9b1c2e"


class Editor(Table):
    """``[editor]``: the address for tests and alerts, and the box about the editor in the mail."""

    name: str = ""
    email: Mailbox | None = None
    bio: str = ""
    picture: str | None = Field(None, min_length=1)


class Skip(Table):
    """``[[schedule.skip]]``: a day or a range of days on which no issue goes out."""

    day: Day | None = Field(None, alias="date")
    start: Day | None = Field(None, alias="from")
    end: Day | None = Field(None, alias="to")
    reason: str = ""

    @model_validator(mode="after")
    def _check_days(self) -> Skip:
        ends = (self.start, self.end)
        if (None in ends) if self.day is None else (ends != (None, None)):
            raise ValueError("expected either date, or from and to")
        if self.last < self.first:
            raise ValueError(f"to ({self.last}) comes before from ({self.first})")
        if self.last - self.first > timedelta(days=366):
            raise ValueError("expected a year at most")
        return self

    @property
    def first(self) -> date:
        """The first day."""
        return self.day or self.start or date.max

    @property
    def last(self) -> date:
        """The last day."""
        return self.day or self.end or date.min


class Schedule(Table):
    """``[schedule]``: the timetable (in the newsletter's time zone) and the rules for a send."""

    send: ParsedTime = RecurringTime(frozenset({0}), time(7))
    gather: ParsedTimes = ()
    remind: ParsedTime | None = None
    deadline: ParsedTime | None = None
    skip: tuple[Skip, ...] = ()
    approval: Literal["required", "automatic"] = "required"
    if_unapproved: Literal["hold", "skip", "send"] = "hold"
    grace: Duration = timedelta(hours=6)
    min_stories: int = Field(1, ge=0, strict=True)

    @model_validator(mode="after")
    def _check_order(self) -> Schedule:
        if conflict := find_conflict(self.send, self.gathers, self.remind, self.deadline):
            raise ValueError(conflict)
        return self

    @property
    def gathers(self) -> tuple[RecurringTime, ...]:
        """When to gather. The default is some time before each send."""
        return self.gather or (default_gather(self.send),)

    def skipped(self, day: date) -> Skip | None:
        """The entry that skips the issue of that day, or None."""
        return next((skip for skip in self.skip if skip.first <= day <= skip.last), None)


class Gather(Table):
    """``[gather]``: exceptions from the rules for fetching."""

    allow_hosts: tuple[str, ...] = ()  # host:port of feeds in one's own network


class Dateline(Table):
    """``[dateline]``: the city below the masthead, and the source of its temperature."""

    city: str
    url: str = Field("https://api.open-meteo.com/v1/forecast", pattern=r"^https?://")  # Open-Meteo
    latitude: float | None = Field(None, ge=-90, le=90)
    longitude: float | None = Field(None, ge=-180, le=180)
    unit: Literal["F", "C"] = "F"


class Database(Table):
    """``[database]``: DATABASE_URL in the environment overrides it."""

    url: str = "sqlite:///newsletter.db"


class Delivery(Table):
    """``[delivery]``: how batches in doubt are settled."""

    doubt: Doubt | None = None
    """By default, batches are recalled if the provider can do that, and held otherwise."""
    ahead: Duration = timedelta(minutes=20)
    """How long before they go out mails are handed over, to leave time for a recall."""

    @field_validator("ahead")
    @classmethod
    def _check_ahead(cls, value: timedelta) -> timedelta:
        if not timedelta(minutes=15) <= value <= timedelta(hours=70):
            raise ValueError('expected a duration from "15m" to "70h"')
        return value


class Alerts(Table):
    """``[alerts]``: where alerts go, and how a monitor learns that the service works."""

    email: Mailbox | None = None  # by default that of the editor
    ping_url: WebUrl | None = None  # requested after each successful tick


class Checks(Table):
    """``[checks]``: the newsroom's own checks."""

    own: tuple[FunctionName, ...] = ()  # package.module:function


class Public(Table):
    """``[public]``: the pages for readers. A network is a /24 of IPv4 or a /64 of IPv6."""

    trusted_proxies: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1"))
    hsts: bool = Field(True, strict=True)
    signups_per_network: int = Field(20, ge=1, strict=True)  # most in an hour
    signups_per_hour: int = Field(200, ge=1, strict=True)  # most confirmation mails in an hour
    searches_per_network: int = Field(600, ge=1, strict=True)  # most in an hour


class Privacy(Table):
    """``[privacy]``: what is stored about readers, and for how long."""

    per_reader: bool = Field(False, strict=True)
    """Whether it is stored which reader opened and clicked."""
    keep_events: Duration = timedelta(days=90)
    """How long the events of a send are stored. After that only its figures are left."""

    @field_validator("keep_events")
    @classmethod
    def _check_keep_events(cls, value: timedelta) -> timedelta:
        # Providers may repeat an event for a day.
        if not timedelta(days=3) <= value <= timedelta(days=400):
            raise ValueError('expected a duration from "3d" to "400d"')
        return value


class SourceOptions(Table):
    """The keys of every ``[[sources]]`` block. Each type adds its own."""

    type: str
    section: str | None = None
    timezone: ZoneName | None = None
    stale_after: Duration | None = None

    @property
    def key(self) -> Literal["url", "path"]:
        """The key that contains the source's address or path."""
        return "url" if getattr(self, "url", None) else "path"

    @property
    def name(self) -> str:
        """The source's address or path as configured."""
        return str(getattr(self, self.key, None) or self.type)


class LimitedSourceOptions(SourceOptions):
    """The keys of a source that may have more articles than an issue needs."""

    limit: int = Field(20, ge=1, strict=True)  # the newest articles that are used


class ProviderOptions(Table):
    """The keys of ``[provider]`` for every type. Each type adds its own."""

    type: str = Field(max_length=100)
    batch_size: int | None = Field(None, ge=1, strict=True)  # most recipients in one request


class TrackingOptions(ProviderOptions):
    """The keys of a provider that can track opens and clicks."""

    open_tracking: bool = False
    click_tracking: bool = False


class Tables(Table):
    """All tables except [[sources]] and [provider], whose keys depend on their type."""

    newsletter: Newsletter
    editor: Editor = Editor()
    schedule: Schedule = Schedule()
    gather: Gather = Gather()
    dateline: Dateline | None = None
    delivery: Delivery = Delivery()
    alerts: Alerts = Alerts()
    checks: Checks = Checks()
    public: Public = Public()
    database: Database = Database()
    privacy: Privacy = Privacy()
