"""newsletter.toml: defaults, and every fault said at once in words that help."""

from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path

import pytest

from newsletter import providers, sources
from newsletter.config import Config, load, secret
from newsletter.errors import ConfigError

SMALLEST = """\
[newsletter]
name = "N"
from = "n@example.com"
address = "1 Example Street"

[[sources]]
type = "folder"
path = "articles"
"""


def read(folder: Path, text: str) -> Config:
    (folder / "newsletter.toml").write_text(text, encoding="utf-8")
    return load(folder, sources.options, providers.options)


def faults(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(folder, text)
    return str(caught.value)


def test_name_sender_address_and_one_source_are_enough(tmp_path: Path) -> None:
    config = read(tmp_path, SMALLEST)
    assert config.newsletter.template == "weekly"
    assert config.provider.type == "outbox"
    assert config.schedule.send.at == time(7)
    assert config.schedule.approval == "required"
    assert config.schedule.grace == timedelta(hours=6)
    assert config.database.url == "sqlite:///newsletter.db"


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    assert read(tmp_path, "\ufeff" + SMALLEST).newsletter.name == "N"


def test_all_faults_are_said_at_once_with_file_key_and_what_is_expected(tmp_path: Path) -> None:
    said = faults(
        tmp_path,
        """\
[newsletter]
nam = "N"
from = "nobody"
address = "x"
timezone = "Mars/Base"
base_url = "example.com"

[schedule]
send = "monday 7"
grace = "soon"
approval = "maybe"

[[sources]]
type = "fed"

[[sources]]
type = "feed"
path = "a.xml"
limitt = 3

[provider]
type = "smtp"
port = "many"
""",
    )
    assert str(tmp_path / "newsletter.toml") in said
    for expected in (
        'newsletter.nam: unknown key; did you mean "name"?',
        "newsletter.name: is missing",
        "newsletter.from: expected an address",
        "newsletter.timezone: expected a time zone",
        "newsletter.base_url: expected the address",
        "schedule.send: expected days and a time",
        "schedule.grace: expected a duration",
        "schedule.approval: expected 'required' or 'automatic'",
        "sources[1].type: there is no 'fed'; known are feed, folder",
        'sources[2].limitt: unknown key; did you mean "limit"?',
        "provider.port:",
    ):
        assert expected in said, said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[newsletter", "is not valid TOML"),
        ("sources = 3\n" + SMALLEST.partition("[[sources]]")[0], "at least one [[sources]] block"),
        (SMALLEST.replace('type = "folder"', ""), "sources[1].type: expected a type"),
        (SMALLEST + '[schedule]\nmin_stories = "three"', "expected a whole number, such as 3; it"),
        (SMALLEST + "[schedule]\nmin_stories = 2.5", "min_stories: expected a whole number"),
        (SMALLEST.replace('"articles"', "7"), "expected text in quotation marks"),
        (SMALLEST + "[shedule]\n", 'shedule: unknown key; did you mean "schedule"?'),
        (SMALLEST + "[Schedule]\n", 'Schedule: unknown key; did you mean "schedule"?'),
        (
            SMALLEST.replace("[[sources]]", "[[source]]"),
            'source: unknown key; did you mean "sources',
        ),
        (
            SMALLEST + '[providers]\ntype = "smtp"\n',
            'providers: unknown key; did you mean "provider"',
        ),
        (SMALLEST + "[alert.provider]\n", 'alert: unknown key; did you mean "alerts"?'),
        (
            SMALLEST + "[alerts.providers]\n",
            'alerts.providers: unknown key; did you mean "provider"',
        ),
        (SMALLEST + "[zzz]\n", "zzz: unknown key; known keys are newsletter, editor, "),
        (SMALLEST + "[zzz]\n", "privacy, sources, provider"),
    ],
)
def test_other_faults(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in faults(tmp_path, text)


def test_no_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="newsletter init DIR"):
        load(tmp_path, sources.options, providers.options)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon 07:00", {0}),
        ("mon-fri 06:30", {0, 1, 2, 3, 4}),
        ("Mon,Thu 7:00", {0, 3}),
        ("sat-mon 07:00", {5, 6, 0}),
        ("mon-sun 07:00", {0, 1, 2, 3, 4, 5, 6}),
    ],
)
def test_days(tmp_path: Path, text: str, days: set[int]) -> None:
    config = read(tmp_path, f'{SMALLEST}[schedule]\nsend = "{text}"\n')
    assert config.schedule.send.days == days


_NO_TIMES = ["mon 24:00", "mon 7", "someday 07:00", "mon- 07:00", "07:00", ""]
_NO_MONTHS = ["5th mon 07:00", "0th 07:00", "32nd 07:00", "1st mon-fri 07:00", "first mon 07:00"]


@pytest.mark.parametrize("text", [*_NO_TIMES, *_NO_MONTHS])
def test_times_that_mean_nothing(tmp_path: Path, text: str) -> None:
    assert "schedule.send" in faults(tmp_path, f'{SMALLEST}[schedule]\nsend = "{text}"\n')


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ('deadline = "mon 09:00"', "deadline comes after the send, or before the gather"),
        ('deadline = "fri 12:00"', "the issue of Mon 2024-01-08 would have it on Fri 2024-01-05"),
        ('deadline = "sun 18:00"\nremind = "sun 19:00"', "remind comes after the deadline"),
        ('remind = "tue 09:00"', "remind comes after the send, or before the gather"),
        ('deadline = "sat,sun 18:00"', "would have 2 deadlines"),
        ('send = "1st mon 07:00"\ndeadline = "1st mon 08:00"', "deadline comes after the send"),
        ("gather = []", "schedule.gather: expected days and a time"),
        ('gather = ["fri 15:00", "soon"]', "schedule.gather: expected days and a time"),
        ("[[schedule.skip]]", "schedule.skip[1]: expected either date, or from and to"),
        ("[[schedule.skip]]\nfrom = 2025-12-25", "expected either date, or from and to"),
        ("[[schedule.skip]]\nfrom = 2025-12-25\nto = 2025-12-24", "comes before from"),
        ("[[schedule.skip]]\nfrom = 2025-12-25\nto = 2035-12-24", "expected a year at most"),
        ('[[schedule.skip]]\ndate = "Christmas"', 'skip[1].date: expected a day, such as "2025-'),
        ("[[schedule.skip]]\ndat = 2025-12-25", 'skip[1].dat: unknown key; did you mean "date"?'),
    ],
)
def test_a_timetable_that_cannot_be_is_refused(
    tmp_path: Path, schedule: str, expected: str
) -> None:
    assert expected in faults(tmp_path, f"{SMALLEST}[schedule]\n{schedule}\n")


def test_a_source_or_provider_from_outside(tmp_path: Path) -> None:
    text = SMALLEST.replace('"folder"', '"newsletter.sources.folder:FolderSource"')
    assert read(tmp_path, text).sources[0].type.endswith(":FolderSource")
    said = faults(tmp_path, SMALLEST.replace('"folder"', '"no.such:Thing"'))
    assert "no.such:Thing cannot be loaded" in said


def test_secrets_come_from_the_environment_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("from a file\n")
    assert secret("KEY", {"KEY": "direct", "KEY_FILE": str(file)}) == "direct"
    assert secret("KEY", {"KEY_FILE": str(file)}) == "from a file"
    assert secret("KEY", {}) is None
    with pytest.raises(ConfigError, match="KEY_FILE names"):
        secret("KEY", {"KEY_FILE": str(tmp_path / "none")})


def test_alerts_go_to_the_editor_through_the_readers_provider_unless_said_otherwise(
    tmp_path: Path,
) -> None:
    config = read(tmp_path, SMALLEST + '[editor]\nemail = "e@example.com"\n')
    assert (config.alerts_to, config.alerts_provider) == ("e@example.com", None)
    more = '[alerts]\nemail = "a@example.com"\n[alerts.provider]\ntype = "smtp"\nhost = "m.test"\n'
    config = read(tmp_path, SMALLEST + '[editor]\nemail = "e@example.com"\n' + more)
    assert config.alerts_to == "a@example.com"
    assert config.alerts_provider is not None
    assert (config.alerts_provider.type, config.provider.type) == ("smtp", "outbox")


def test_faults_of_alerts_name_their_place(tmp_path: Path) -> None:
    said = faults(
        tmp_path,
        SMALLEST + '[alerts]\nemail = "nobody"\nping_url = "ftp://x"\nmail = 1\n'
        '[alerts.provider]\ntype = "smtp"\nhots = "x"\n',
    )
    assert "alerts.email: expected an address" in said
    assert "alerts.ping_url: expected a web address" in said
    assert "alerts.mail: unknown key" in said
    assert "alerts.provider.host: is missing" in said
    assert 'alerts.provider.hots: unknown key; did you mean "host"?' in said
    assert "alerts: expected a table" in faults(tmp_path, "alerts = 3\n" + SMALLEST)
