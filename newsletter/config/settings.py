"""The tables of newsletter.toml: what each may say, and what holds where it says nothing."""

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
    """``[newsletter]``: what it is called, who sends it, how it looks."""

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
    """``[editor]``: who gets the tests, and what the box in the mail says."""

    name: str = ""
    email: Mailbox | None = None
    bio: str = ""
    picture: str | None = Field(None, min_length=1)


class Skip(Table):
    """``[[schedule.skip]]``: a day, or all from one to another, on which no issue goes out."""

    day: Day | None = Field(None, alias="date")
    start: Day | None = Field(None, alias="from")
    end: Day | None = Field(None, alias="to")
    reason: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Skip:
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
        """Its first day."""
        return self.day or self.start or date.max

    @property
    def last(self) -> date:
        """Its last day."""
        return self.day or self.end or date.min


class Schedule(Table):
    """``[schedule]``: the timetable, in the newsletter's zone, and the conditions of a send."""

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
    def _in_order(self) -> Schedule:
        if wrong := find_conflict(self.send, self.gathers, self.remind, self.deadline):
            raise ValueError(wrong)
        return self

    @property
    def gathers(self) -> tuple[RecurringTime, ...]:
        """When to gather; where nobody says it, in good time before each send."""
        return self.gather or (default_gather(self.send),)

    def skipped(self, day: date) -> Skip | None:
        """Why no issue of that day goes out, where none does."""
        return next((skip for skip in self.skip if skip.first <= day <= skip.last), None)


class Gather(Table):
    """``[gather]``: ``allow_hosts`` names feeds inside one's own network, as host:port."""

    allow_hosts: tuple[str, ...] = ()


class Dateline(Table):
    """``[dateline]``: the city under the masthead, and where to ask for its temperature."""

    city: str
    url: str = Field("https://api.open-meteo.com/v1/forecast", pattern=r"^https?://")
    latitude: float | None = Field(None, ge=-90, le=90)
    longitude: float | None = Field(None, ge=-180, le=180)
    unit: Literal["F", "C"] = "F"


class Database(Table):
    """``[database]``: DATABASE_URL in the environment comes before it."""

    url: str = "sqlite:///newsletter.db"


class Delivery(Table):
    """``[delivery]``: what is done about doubt; ``ahead``: how long before they leave mails are
    handed over, so that there is time to take them back. Without ``doubt`` the provider decides:
    recall where it can be recalled, else hold.
    """

    doubt: Doubt | None = None
    ahead: Duration = timedelta(minutes=20)

    @field_validator("ahead")
    @classmethod
    def _in_time(cls, value: timedelta) -> timedelta:
        if not timedelta(minutes=15) <= value <= timedelta(hours=70):
            raise ValueError('expected a duration from "15m" to "70h"')
        return value


class Alerts(Table):
    """``[alerts]``: who hears what happens, and who is asked after each good look."""

    email: Mailbox | None = None
    ping_url: WebUrl | None = None


class Checks(Table):
    """``[checks]``: what is checked beside what the program checks."""

    own: tuple[FunctionName, ...] = ()  # package.module:function


class Public(Table):
    """``[public]``: the pages for readers. ``signups_per_network``: most in an hour from one /24 or
    /64; ``signups_per_hour``: most mails in an hour to confirm them; ``searches_per_network``: most
    in an hour.
    """

    trusted_proxies: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1"))
    hsts: bool = Field(True, strict=True)
    signups_per_network: int = Field(20, ge=1, strict=True)
    signups_per_hour: int = Field(200, ge=1, strict=True)
    searches_per_network: int = Field(600, ge=1, strict=True)


class Privacy(Table):
    """``[privacy]``: ``per_reader``: keep who opened and clicked, as long as ``keep_events``, after
    which only figures are left of what a provider has reported of a send.
    """

    per_reader: bool = Field(False, strict=True)
    keep_events: Duration = timedelta(days=90)

    @field_validator("keep_events")
    @classmethod
    def _kept(cls, value: timedelta) -> timedelta:
        # Providers repeat what they have reported, for a day.
        if not timedelta(days=3) <= value <= timedelta(days=400):
            raise ValueError('expected a duration from "3d" to "400d"')
        return value


class SourceOptions(Table):
    """What every ``[[sources]]`` block may say; each type adds its own keys."""

    type: str
    section: str | None = None
    timezone: ZoneName | None = None
    stale_after: Duration | None = None

    @property
    def key(self) -> Literal["url", "path"]:
        """Which key says where the source is."""
        return "url" if getattr(self, "url", None) else "path"

    @property
    def name(self) -> str:
        """The address or path of the source, as the configuration has it."""
        return str(getattr(self, self.key, None) or self.type)


class LimitedSourceOptions(SourceOptions):
    """Of a source that may have more than an issue needs: its newest ``limit`` articles belong."""

    limit: int = Field(20, ge=1, strict=True)


class ProviderOptions(Table):
    """What ``[provider]`` may say for every type; ``batch_size``: most recipients a request."""

    type: str = Field(max_length=100)
    batch_size: int | None = Field(None, ge=1, strict=True)


class TrackingOptions(ProviderOptions):
    """What ``[provider]`` may say, too, where the provider can track what readers do."""

    open_tracking: bool = False
    click_tracking: bool = False


class Tables(Table):
    """All of them but [[sources]] and [provider], whose keys depend on their type."""

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
