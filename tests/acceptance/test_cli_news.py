"""After a command, people and monitoring know what it did: a day, a blocked day, a failure, the kill switch."""

import csv
import email
import email.policy
import io
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from tasks.core.clock import clock_set_to
from tasks.core.homes.home import Home
from tasks.core.homes.opening import settings_of
from tasks.reporting.notify.outbox.store import Outbox
from tasks.reporting.telemetry.exposition import serve
from tasks.reporting.telemetry.parts import Place, read_samples
from tests.homes import LAST_SESSION, SMALL_MARKET, afterclose, blank, copy_of, day_bytes
from tests.servers.smtp import smtp_server

EVENING = datetime(2024, 6, 14, 22, tzinfo=UTC)


def configure_mail(root, port, **kinds):
    mail = {"host": "127.0.0.1", "port": port, "tls": "none", "sender": "a@example.com"}
    mail |= {"recipients": ["ann@example.com"], **kinds}
    settings = {**SMALL_MARKET, "notifications": {"email": mail, "max_delivery_s": 5.0}}
    (root / "config.yaml").write_text(yaml.safe_dump(settings))


def at_evening(*arguments, home):
    with clock_set_to(EVENING):
        return afterclose(*arguments, home=home)


def received(inbox):
    return [email.message_from_bytes(mail.content, policy=email.policy.default) for mail in inbox.mails]


def metrics_of(root):
    lines = Home(root).metrics_file.read_text().splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}


@pytest.fixture(scope="module")
def day(ready_home_template, tmp_path_factory):
    """A home whose day was run twice, and the mails that arrived."""
    home = copy_of(ready_home_template, tmp_path_factory.mktemp("news") / "home")
    with smtp_server() as inbox:
        configure_mail(home, inbox.port)
        ended = [at_evening("daily", home=home) for _ in range(2)]
    assert [one.returncode for one in ended] == [0, 0], ended
    return home, received(inbox)


def trades_of(home):
    content = (home / "live" / str(LAST_SESSION) / "trades.csv").read_text()
    return list(csv.DictReader(io.StringIO(content)))


def without_manifest(files):
    return {name: content for name, content in files.items() if name != "manifest.json"}


def test_a_published_day_asks_for_its_approval_once(day):
    home, mails = day
    rows = trades_of(home)
    bought = sum(float(row["notional"]) for row in rows if row["side"] == "BUY")

    (mail,) = mails
    assert mail["Subject"].startswith(
        f"[Afterclose] simulated market: {LAST_SESSION}: approve {len(rows)} trades (buy ${bought:,.0f}, sell $0)"
    )
    assert mail["Subject"].endswith("before 09:30 ET Monday")


def test_the_figures_of_the_mail_are_those_of_the_day(day):
    home, (mail,) = day
    rows = trades_of(home)
    text, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    (attached,) = mail.iter_attachments()

    assert list(csv.DictReader(io.StringIO(attached.get_content()))) == rows
    for row in rows:
        assert row["symbol"] in text
        for figure in (f"${float(row['notional']):,.0f}", f"${float(row['price']):,.2f}"):
            assert figure in text
            assert figure in html


def test_a_day_that_is_published_is_not_due(day):
    home, _ = day

    with clock_set_to(EVENING + timedelta(days=2)):
        assert afterclose("daily", "--date", "due", home=home).returncode == 4


def test_the_metrics_are_those_of_the_day(day):
    home, _ = day
    rows = trades_of(home)
    metrics = metrics_of(home)

    assert metrics['afterclose_trades_proposed{side="buy"}'] == len(rows)
    assert metrics["afterclose_equity_usd"] == 1_000_000
    assert (
        metrics["afterclose_last_day_timestamp_seconds"] == datetime(2024, 6, 14, 20, tzinfo=UTC).timestamp()
    )
    assert metrics["afterclose_day_due_timestamp_seconds"] == datetime(2024, 6, 18, 2, tzinfo=UTC).timestamp()
    assert metrics["afterclose_kill_switch_on"] == 0
    assert metrics["afterclose_data_age_sessions"] == 0
    assert metrics['afterclose_stage_seconds{stage="refresh_market"}'] >= 0
    assert [name for name, value in metrics.items() if "part_unreadable" in name and value] == []


def test_an_endpoint_answers_with_the_state_of_the_moment(day, monkeypatch):
    home, _ = day
    place = Place(Home(home), settings_of(Home(home), None, {}).settings, EVENING)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = serve(lambda: read_samples(place), address="127.0.0.1", port=0)
    looks = []
    try:
        for _ in range(2):
            with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/metrics") as answer:
                looks.append(answer.read().decode())
            place.home.stop_file.touch()
    finally:
        place.home.stop_file.unlink()
        server.shutdown()
        server.server_close()

    before, after = looks
    assert "afterclose_kill_switch_on 0.0" in before
    assert "afterclose_kill_switch_on 1.0" in after


@pytest.mark.parametrize(
    ("damaged", "part", "missing"),
    [
        ("live/performance_history.csv", "history", "afterclose_equity_usd"),
        (f"live/{LAST_SESSION}/trades.csv", "day", 'afterclose_trades_proposed{side="buy"}'),
        ("production/champion_metadata.json", "champion", "afterclose_champion_ic"),
    ],
)
def test_a_part_that_cannot_be_read_is_named_and_the_others_are_there(day, tmp_path, damaged, part, missing):
    home = copy_of(day[0], tmp_path / "home")
    (home / damaged).write_bytes(b"\x00damaged")

    ended = at_evening("metrics", "show", home=home)

    assert ended.returncode == 0
    assert f'afterclose_part_unreadable{{part="{part}"}} 1.0' in ended.stdout
    assert f"\n{missing} " not in ended.stdout
    assert "\nafterclose_kill_switch_on 0.0" in ended.stdout


def test_a_blocked_day_is_announced_as_blocked_and_a_trip_by_hand_too(ready_home):
    with smtp_server() as inbox:
        configure_mail(ready_home, inbox.port)
        Home(ready_home).stop_file.touch()
        with clock_set_to(datetime(2024, 6, 17, 12, tzinfo=UTC)):  # a late start, on Monday before the open
            ended = afterclose("daily", "--date", "due", home=ready_home)

    subjects = sorted(mail["Subject"] for mail in received(inbox))
    assert ended.returncode == 3
    assert any(f"{LAST_SESSION}: blocked, no trades are published" in subject for subject in subjects)
    assert any(subject.startswith("[Afterclose] KILL SWITCH ON") for subject in subjects)
    assert metrics_of(ready_home)["afterclose_kill_switch_on"] == 1


def test_a_failed_run_is_announced_once(ready_home):
    with smtp_server() as inbox:
        configure_mail(ready_home, inbox.port)
        (ready_home / "production" / "champion_metadata.json").write_text("damaged")
        ended = [at_evening("daily", home=ready_home) for _ in range(2)]

    (mail,) = received(inbox)
    assert [one.returncode for one in ended] == [6, 6]
    assert "daily-live failed" in mail["Subject"]


def test_a_closed_session_and_a_day_of_the_past_are_not_announced(ready_home):
    with smtp_server() as inbox:
        configure_mail(ready_home, inbox.port)
        closed = at_evening("daily", "--date", "2024-06-08", home=ready_home)
        with clock_set_to(EVENING + timedelta(days=5)):
            past = afterclose("daily", "--date", str(LAST_SESSION), home=ready_home)

    assert (closed.returncode, past.returncode) == (4, 0)
    assert received(inbox) == []


def test_a_usage_error_is_not_announced(ready_home):
    with smtp_server() as inbox:
        configure_mail(ready_home, inbox.port)

        assert at_evening("daily", "--date", "tomorrow", home=ready_home).returncode == 2

    assert received(inbox) == []


def test_without_a_mail_server_the_day_is_the_same(day, ready_home):
    """A dead server costs bounded seconds, changes nothing of the day, and leaves the message in the outbox."""
    configure_mail(ready_home, 1)

    ended = at_evening("daily", home=ready_home)

    assert ended.returncode == 0, ended.stderr
    assert without_manifest(day_bytes(ready_home)) == without_manifest(day_bytes(day[0]))
    assert len(Outbox(Home(ready_home)).entries()) == 1


def test_the_commands_show_and_deliver_what_waits(tmp_path):
    home = blank(tmp_path / "home")
    unset = afterclose("notify", "test", home=home)
    configure_mail(home, 1)
    dead = afterclose("notify", "test", home=home)
    afterclose("kill-switch", "trip", "--by", "Ann", "--reason", "odd prices", home=home)
    shown = afterclose("notify", "status", home=home)
    with smtp_server() as inbox:
        configure_mail(home, inbox.port)
        flushed = afterclose("notify", "flush", home=home)
        tested = afterclose("notify", "test", home=home)
        nothing = afterclose("notify", "flush", home=home)

    assert [one.returncode for one in (unset, dead, shown, flushed, tested, nothing)] == [2, 75, 0, 0, 0, 0]
    assert "unreachable" in dead.stdout
    assert "KILL SWITCH ON: odd prices" in shown.stdout
    assert "1 message waiting, 0 abandoned." in shown.stdout
    assert [mail["Subject"] for mail in received(inbox)] == [
        "[Afterclose] KILL SWITCH ON: odd prices",
        "[Afterclose] test message",
    ]
