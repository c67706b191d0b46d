"""``newsletter run`` as a service: passes, logs, health, signals, and more newsletters than one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Semaphore

import pytest
from apscheduler.schedulers.background import BackgroundScheduler

from newsletter.app import open_desk
from newsletter.app.service.health import Status
from newsletter.app.service.newsletter import Newsletter
from newsletter.app.timetable import moves
from tests.e2e.publisher import publisher
from tests.e2e.send_processes import edit, got, leases_end, through_sendgrid
from tests.e2e.servers import hang, sendgrid_server
from tests.e2e.service_process import ZONE, due, service, until
from tests.newsroom import CONFIG, Newsroom, make
from tests.patient import PATIENCE

KOREAN = {"The Weekly Test": "주간 소식"}


@pytest.fixture
def korean(tmp_path_factory: pytest.TempPathFactory) -> Newsroom:
    """A second newsletter on the machine."""
    room = make(tmp_path_factory.mktemp("korean"))
    room.configure(**KOREAN)
    return room


def test_run_does_what_is_due_at_once_and_ends_on_sigterm(newsroom: Newsroom) -> None:
    newsroom.configure(due("gather"))
    process = subprocess.Popen(
        [sys.executable, "-m", "newsletter.cli", "-C", str(newsroom.folder), "run"],
        env=newsroom.whole_environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        issues = newsroom.folder / "issues"
        until(lambda: bool(list(issues.glob("*/build/email.json"))), lambda: "nothing is built")
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=PATIENCE)[1]
    finally:
        process.kill()
    assert process.returncode == 0, said
    assert "Running The Weekly Test (America/Los_Angeles)" in said
    assert "done: 3 articles, 3 stories; a test is in outbox/tests, as editor@example.com" in said
    assert "Stopped." in said
    assert "Traceback" not in said
    assert len(list((newsroom.folder / "outbox" / "tests").glob("*.eml"))) == 1
    assert newsroom.run("tick").stdout.strip() == "Nothing is due."


def test_tick_fails_when_its_work_failed(newsroom: Newsroom) -> None:
    newsroom.configure(due("gather"))
    newsroom.write("feed.xml", "no feed")
    failed = newsroom.run("tick", status=1)
    assert "No source could be read" in failed.stdout
    assert "No source could be read" not in failed.stderr
    found = newsroom.json("status")
    assert found["occurrences"][0]["state"] == "waiting"


def test_programs_get_the_issue_of_a_moment_as_its_name(newsroom: Newsroom) -> None:
    newsroom.configure(due("gather"))
    (done,) = newsroom.json("tick")
    (occurrence,) = newsroom.json("status")["occurrences"]
    (folder,) = (newsroom.folder / "issues").iterdir()
    assert done["issue"] == occurrence["issue"] == folder.name


def test_a_tick_that_is_stuck_ends(newsroom: Newsroom) -> None:
    newsroom.configure(due("gather"))
    (newsroom.folder / "feed.xml").unlink()
    os.mkfifo(newsroom.folder / "feed.xml")
    impatient = (
        "from newsletter.app.service import health; health.STUCK = 2; import newsletter.cli as c"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{impatient}; c.main()", "-C", str(newsroom.folder), "tick"],
        env=newsroom.whole_environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == -signal.SIGALRM, done.stderr


def test_every_line_about_an_occurrence_bears_its_id(newsroom: Newsroom) -> None:
    newsroom.configure(
        due("gather") + '[dateline]\ncity = "LA"\nurl = "http://127.0.0.1:9/"\n'
        "latitude = 34.05\nlongitude = -118.24\n"
    )
    with service(newsroom, command=True) as run:
        until(lambda: bool(run.said("done: 3 articles")), run.text)
        run.stop()
    today = datetime.now(ZONE).date()
    found = [line for line in run.lines() if "occurrence" in line]
    assert {line["occurrence"] for line in found} <= {
        f"gather/{day}" for day in (today, today - timedelta(days=1))
    }
    assert [line["message"].partition(":")[0] for line in found] == [
        "Starts",
        "The dateline has no new temperature",  # said by another part, in another thread
        "done",
    ]
    assert {line["newsletter"] for line in found} == {"The Weekly Test"}
    assert all(line["at"].endswith("Z") and line["level"] for line in run.lines())


def test_tick_writes_the_same_log_when_asked(newsroom: Newsroom) -> None:
    newsroom.configure(due("gather"))
    done = newsroom.run("tick", "--log", "text")
    assert " info The Weekly Test, gather/" in done.stderr
    assert "done: 3 articles" in done.stderr
    assert newsroom.run("tick", "--log", "json").stderr == ""


def test_healthz_says_why_it_is_not_well_and_a_mended_configuration_is_read_again(
    newsroom: Newsroom, korean: Newsroom
) -> None:
    good = (newsroom.folder / "newsletter.toml").read_text()
    with service(newsroom, korean) as run:
        until(lambda: run.health()[0] == 200, run.text)
        newsroom.write("newsletter.toml", "name = [")
        until(lambda: run.health()[0] == 503, run.text)
        status, document = run.health()
        assert status == 503
        assert "newsletter.toml" in document["reason"]
        assert [each["reason"] is None for each in document["newsletters"]] == [False, True]
        korean.configure(due("gather"), **KOREAN)  # the other one goes on all the same
        until(lambda: bool(list(korean.folder.glob("outbox/tests/*.eml"))), run.text)
        newsroom.write("newsletter.toml", good)
        until(lambda: run.health()[0] == 200, run.text)
        run.stop()
    errors = [line for line in run.lines() if line["level"] == "error"]
    assert len(errors) == 1  # said once, not at every pass
    assert len(run.said("Works again")) == 1


def test_ticks_are_planned_at_the_moments_of_the_timetable(newsroom: Newsroom) -> None:
    """Whether it changes in newsletter.toml, or a person moves a send."""
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.start(paused=True)
    status = Status(newsroom.folder, None, time.monotonic())
    newsletter = Newsletter(status, scheduler, Semaphore(1), "--log", "json", "--signs", "60")

    def planned() -> list[datetime]:
        newsletter.check()
        return [job.next_run_time for job in scheduler.get_jobs()]

    def next_moment() -> datetime:
        desk = open_desk(newsroom.folder)
        with closing(desk):
            return next(moves.upcoming(desk)).utc

    try:
        first = planned()
        assert (first, status.passes, status.fault(time.monotonic())) == ([next_moment()], 2, None)
        newsroom.configure(due("gather", minutes=-90))
        second = planned()
        assert second == [next_moment()] != first
        issue = newsroom.json("schedule", "--next", "1")[0]["issue"]
        newsroom.run("gather", issue)
        soon = datetime.now(ZONE) + timedelta(minutes=30)
        newsroom.run("reschedule", issue, f"{soon:%Y-%m-%d %H:%M}")
        assert planned() == [next_moment()] == [soon.replace(second=0, microsecond=0)]
    finally:
        scheduler.shutdown()


@pytest.mark.parametrize("broken", ["name = [", CONFIG + '[database]\nurl = "nonsense"\n'])
def test_a_newsletter_that_is_broken_at_the_start_is_waited_for(
    newsroom: Newsroom, korean: Newsroom, broken: str
) -> None:
    good = (newsroom.folder / "newsletter.toml").read_text()
    newsroom.write("newsletter.toml", broken)
    with service(newsroom, korean) as run:
        until(lambda: run.health()[0] == 503, run.text)
        newsroom.write("newsletter.toml", good)
        until(lambda: run.health()[0] == 200, run.text)
        run.stop()
    refused = newsroom.folder / "nowhere"
    refused.mkdir()
    assert "There is no newsletter.toml" in newsroom.run("run", str(refused), status=2).stderr


def test_a_database_that_cannot_be_used_is_said_and_come_back_to(newsroom: Newsroom) -> None:
    newsroom.configure('\n[database]\nurl = "sqlite:///away/newsletter.db"\n')
    with service(newsroom) as run:
        until(lambda: bool(run.said("The database")), run.text)
        (newsroom.folder / "away").mkdir()
        until(lambda: bool(run.said("Works again")), run.text)
        assert run.health()[0] == 200
        run.stop()
    assert len([line for line in run.lines() if line["level"] == "error"]) == 1


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404),
        ("POST /healthz HTTP/1.1\r\nHost: localhost:1\r\n\r\n", 405),
        ("GET /healthz HTTP/1.1\r\nHost: evil.example.com\r\n\r\n", 400),
        ("\x16\x03\x01 not a request at all", 400),
        ("GET /healthz HTTP/1.1\r\nHost: localhost:1\r\n\r\n", 200),
        ("GET /healthz HTTP/1.0\r\n\r\n", 200),
        ("HEAD /healthz HTTP/1.1\r\nHost: localhost:1\r\n\r\n", 200),
    ],
)
def test_healthz_answers_nothing_else(newsroom: Newsroom, request_: str, status: int) -> None:
    with service(newsroom) as run:
        until(lambda: run.health()[0] == 200, run.text)
        port = int(run.url.split(":")[2].partition("/")[0])
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            connection.sendall(request_.encode("latin-1"))
            answer = connection.makefile()
            assert answer.readline().split()[1] == str(status)
            body = answer.read().partition("\n\n")[2]
            assert bool(body) is not request_.startswith("HEAD")


def test_who_connects_and_says_nothing_holds_nothing_up(newsroom: Newsroom) -> None:
    with service(newsroom) as run:
        until(lambda: run.health()[0] == 200, run.text)
        port = int(run.url.split(":")[2].partition("/")[0])
        silent = [socket.create_connection(("127.0.0.1", port), 5) for _ in range(40)]
        assert run.health()[0] == 200
        newsroom.configure(due("gather"))
        until(lambda: bool(run.said("done: 3 articles")), run.text)
        for each in silent:
            each.close()
        run.stop()


def test_a_port_that_is_taken_is_said(newsroom: Newsroom) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = newsroom.run("run", "--health", port, status=2).stderr
    assert f"Cannot listen on 127.0.0.1:{port}: the port is in use" in said
    assert "choose another port with --health." in said
    assert "bind" not in said


def test_a_good_pass_is_followed_by_a_ping(newsroom: Newsroom) -> None:
    with publisher({"/ping/secret": "OK"}) as watcher:
        newsroom.configure(f'\n[alerts]\nping_url = "{watcher.url}/ping/secret"\n')
        newsroom.run("tick")
        assert watcher.asked == ["/ping/secret"]
        with service(newsroom) as run:
            until(lambda: len(watcher.asked) >= 3, run.text)
            watcher.pages["/ping/secret"] = 503
            until(lambda: bool(run.said("answered 503")), run.text)
            before = len(watcher.asked)
            until(lambda: len(watcher.asked) >= before + 2, run.text)
            assert run.health()[0] == 200  # the passes are good all the same
            newsroom.write("newsletter.toml", "name = [")
            until(lambda: run.health()[0] == 503, run.text)
            before = len(watcher.asked)
            time.sleep(1.2)
            assert len(watcher.asked) == before
            said = run.stop()
    assert len(run.said("answered 503")) == 1
    assert "secret" not in said


def test_a_ping_that_is_not_answered_does_not_fail_the_tick(newsroom: Newsroom) -> None:
    newsroom.configure('\n[alerts]\nping_url = "http://127.0.0.1:9/ping/secret"\n')
    done = newsroom.run("tick")
    assert done.stdout.strip() == "Nothing is due."
    assert "ping_url cannot be reached" in done.stderr
    assert "secret" not in done.stderr


def test_sigterm_ends_what_is_in_flight_and_the_next_start_goes_on(newsroom: Newsroom) -> None:
    readers = newsroom.prepare(issue_due(), readers=20)
    with sendgrid_server() as server:
        through_sendgrid(newsroom, server, "hold", due("send"))
        server.pace = 0.7
        with service(newsroom) as run:
            until(lambda: server.requests >= 2, run.text)
            said = run.stop()
        assert "resumes later" in said
        assert len(got(server)) == 2 * server.requests < 20
        server.pace = 0
        with service(newsroom) as run:
            until(lambda: newsroom.json("receipt", issue_due())["state"] == "done", run.text)
            run.stop()
        assert got(server) == readers


def test_a_second_signal_ends_at_once_and_nobody_gets_it_twice(newsroom: Newsroom) -> None:
    readers = newsroom.prepare(issue_due(), readers=4)
    with sendgrid_server() as server:
        through_sendgrid(newsroom, server, more=due("send"))
        server.script = {1: hang()}
        with service(newsroom) as run:
            until(lambda: bool(server.bodies), run.text)
            run.process.send_signal(signal.SIGTERM)
            until(lambda: bool(run.said("Once more ends it at once")), run.text)
            run.process.send_signal(signal.SIGTERM)
            assert run.process.wait(PATIENCE) == 0
        assert run.said("The tick was ended by signal 9")
        both_leases_end(newsroom)
        newsroom.run("send", issue_due(), "--yes")
        assert got(server) == readers


def test_a_tick_that_is_killed_is_said_and_the_next_one_goes_on(newsroom: Newsroom) -> None:
    readers = newsroom.prepare(issue_due(), readers=4)
    with sendgrid_server() as server:
        through_sendgrid(newsroom, server, more=due("send"))
        server.script = {1: hang()}
        with service(newsroom) as run:
            until(lambda: bool(server.bodies), run.text)
            threads = Path(f"/proc/{run.process.pid}/task").glob("*/children")
            os.kill(int("".join(t.read_text() for t in threads).split()[0]), signal.SIGKILL)
            until(lambda: bool(run.said("The tick was ended by signal 9")), run.text)
            both_leases_end(newsroom)
            until(lambda: newsroom.json("receipt", issue_due())["state"] == "done", run.text)
            run.stop()
        assert got(server) == readers


def test_a_tick_that_is_stuck_is_ended_and_the_week_goes_on(
    newsroom: Newsroom, korean: Newsroom
) -> None:
    newsroom.configure(due("gather"))
    (newsroom.folder / "feed.xml").unlink()
    os.mkfifo(newsroom.folder / "feed.xml")  # nobody will ever write there
    with service(newsroom, korean, stuck=3) as run:
        until(lambda: bool(run.said("The tick was ended by signal 14")), run.text)
        (stuck,) = run.said("no sign of life")
        assert stuck["newsletter"] == "The Weekly Test"
        assert run.health()[1]["newsletters"][1]["passes"] > 2  # the other's went on
        (newsroom.folder / "feed.xml").unlink()
        until(lambda: bool(run.said("Works again")), run.text)
        run.stop()


def test_so_many_tick_at_once_and_the_others_have_their_turn_after_them(
    newsroom: Newsroom, korean: Newsroom
) -> None:
    rooms = newsroom, korean
    stories = [(room.folder / "feed.xml").read_bytes() for room in rooms]
    newsroom.configure(due("gather"))
    korean.configure(due("gather"), **KOREAN)
    for room in rooms:
        (room.folder / "feed.xml").unlink()
        os.mkfifo(room.folder / "feed.xml")

    def passes() -> list[int]:
        return [each["passes"] for each in run.health()[1]["newsletters"]]

    with service(newsroom, korean, most=1) as run:
        until(lambda: bool(run.said("Starts")), run.text)
        time.sleep(1.2)  # two more minutes, so to say
        assert sorted(passes()) == [0, 1]
        first = passes().index(1)
        for number in (first, 1 - first):  # a gather waits for its feed
            (rooms[number].folder / "feed.xml").write_bytes(stories[number])
        until(lambda: min(passes()) > 1, run.text)
        run.stop()


def test_a_send_holds_up_no_other_pass(newsroom: Newsroom, korean: Newsroom) -> None:
    newsroom.prepare(issue_due(), readers=8)
    with sendgrid_server() as server:
        through_sendgrid(newsroom, server, "hold", due("send"))
        server.pace = 0.7
        with service(newsroom, korean, most=1) as run:
            until(lambda: server.requests >= 1, run.text)
            until(lambda: run.health()[1]["newsletters"][1]["passes"] > 1, run.text)
            assert not run.said("done: 8 of 8 accepted")
            run.stop()


def test_a_send_that_is_under_way_is_not_stuck(newsroom: Newsroom) -> None:
    readers = newsroom.prepare(issue_due(), readers=8)
    with sendgrid_server() as server:
        through_sendgrid(newsroom, server, "hold", due("send"))
        server.pace = 1.2
        with service(newsroom, stuck=3) as run:
            until(lambda: bool(run.said("done: 8 of 8 accepted")), run.text)
            assert not run.said("no sign of life")
            run.stop()
        assert got(server) == readers


def test_the_service_stays_small_whatever_its_ticks_need(newsroom: Newsroom) -> None:
    newsroom.configure(due("gather"))
    with service(newsroom, command=True) as run:
        until(lambda: bool(run.said("done: 3 articles")), run.text)
        until(lambda: not run.health()[1]["newsletters"][0]["at_work"], run.text)
        assert run.resident() < 80_000_000
        run.stop()


def test_systemd_is_told(newsroom: Newsroom, tmp_path: Path) -> None:
    place = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(place))
        systemd.settimeout(20)
        with service(newsroom, NOTIFY_SOCKET=str(place)) as run:
            assert [systemd.recv(100) for _ in range(2)] == [b"READY=1", b"WATCHDOG=1"]
            run.stop()
        heard = [b""]
        while heard[-1] != b"STOPPING=1":
            heard.append(systemd.recv(100))


def test_two_newsletters_of_one_name_in_one_database_are_refused(
    newsroom: Newsroom, korean: Newsroom
) -> None:
    shared = f'\n[database]\nurl = "sqlite:///{newsroom.folder}/newsletter.db"\n'
    korean.configure(shared)
    said = newsroom.run("run", str(newsroom.folder), str(korean.folder), status=2).stderr
    assert "are both called 'The Weekly Test' in one database" in said
    newsroom.run("tick")  # and when nobody could see both at once
    refused = korean.run("tick", status=2).stderr
    assert "are both called 'The Weekly Test' in one database" in refused
    assert str(newsroom.folder) in refused
    assert str(korean.folder) in refused
    newsroom.run("tick")
    korean.configure(shared, **KOREAN)
    korean.run("tick")
    (newsroom.folder / "newsletter.toml").unlink()  # it has moved: the other folder is the one
    korean.configure(shared)
    korean.run("tick")


def test_a_folder_is_given_once(newsroom: Newsroom) -> None:
    folder = str(newsroom.folder)
    said = newsroom.run("run", folder, f"{folder}/.", status=2).stderr
    assert "named twice" in said


@pytest.mark.parametrize("one_database", [False, True])
def test_several_newsletters_on_one_machine(
    newsroom: Newsroom, korean: Newsroom, one_database: bool
) -> None:
    """Each sends its own issue to its own list; neither takes the other for a copy of itself."""
    shared = f'\n[database]\nurl = "sqlite:///{newsroom.folder}/newsletter.db"\n'
    automatic = due("send") + 'approval = "automatic"\n'
    newsroom.configure(automatic)
    own = {'name = "The Weekly Test"': 'name = "주간 소식"\nlanguage = "ko"\nlist = "korean"'}
    korean.configure(automatic + (shared if one_database else ""), **own)
    for room in (newsroom, korean):
        room.run("gather", issue_due())
        room.subscribe(3)
    with service(newsroom, korean) as run:
        until(lambda: len(run.said("done: 3 of 3 accepted")) == 2, run.text)
        assert run.health()[0] == 200
        run.stop()
    assert {line["newsletter"] for line in run.said("done:")} == {"The Weekly Test", "주간 소식"}
    for room in (newsroom, korean):
        assert len(list((room.folder / "outbox" / issue_due()).glob("*.eml"))) == 3
        assert room.json("receipt", issue_due())["accepted"] == 3


def issue_due() -> str:
    """The issue of ``due("send")``."""
    return f"{datetime.now(ZONE) - timedelta(minutes=30):%Y-%m-%d}"


def both_leases_end(room: Newsroom) -> None:
    """As if ten minutes had gone by since the tick was killed."""
    leases_end(room)
    edit(room, "update occurrences set lease_until = '2020-01-01 00:00:00' where lease_until > ''")
