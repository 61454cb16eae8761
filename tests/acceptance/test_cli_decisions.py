"""`afterclose decisions`: what people changed in a month's proposals, in figures and as a page."""

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest

from tasks.execution import journal
from tasks.ledger.database import opened, transaction
from tasks.ledger.entries import Entry
from tasks.ledger.opening import Opening, begin_ledger
from tasks.ledger.store import append
from tasks.safety.audit import record
from tests.approval_days import clock_at
from tests.deliveries import make_delivery, refresh
from tests.homes import afterclose
from tests.monitored_days import make_days, store_execution

DAYS = [date(2024, 6, day) for day in (3, 4, 5, 6)]
NIGHT = datetime(2024, 6, 14, 22, tzinfo=UTC)


def evening(day):
    return datetime.combine(day, time(22), UTC)


def proposed(home, day):
    lines = (home.day_folder(day) / "trades.csv").read_text().splitlines()[1:]
    return [(cells[0], cells[1], int(cells[2])) for cells in (line.split(",") for line in lines)]


def revise(folder):
    """Approve a revision in which the second line is struck."""
    revision = folder / "revisions" / "1"
    revision.mkdir(parents=True)
    for name in ("trades.csv", "portfolio_weights.csv", "monitoring_log.json"):
        content = (folder / name).read_bytes()
        (revision / name).write_bytes(
            b"\n".join(content.splitlines()[:2]) if name == "trades.csv" else content
        )
    (revision / "manifest.json").write_text(json.dumps({"revision": {"by": "Joe Ray", "reason": "earnings"}}))
    (folder / "approval.json").write_text(json.dumps({"envelope": {"revision": 1}}))
    (folder / "approval.json").chmod(0o640)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Monday approved as proposed, Tuesday with a line struck, Wednesday rejected, Thursday approved and lapsed."""
    made = make_days(tmp_path_factory.mktemp("decided") / "home", sessions=10, symbols=12)
    with pytest.MonkeyPatch.context() as monkeypatch:
        refresh(monkeypatch, made.root, make_delivery(sessions=60, symbols=12))
    begin_ledger(made, Opening((), 100_000_000, DAYS[0], "0" * 64, by="Ann"), at=evening(DAYS[0]))
    by_hand = Entry(
        "manual_trade",
        "hand:1",
        DAYS[0],
        evening(DAYS[0]),
        "S03",
        Decimal(5),
        -20_000,
        by="Ann Lee",
        reason="=a tip",
    )
    with opened(made) as connection:
        journal.prepare(connection)
        with transaction(connection):
            append(connection, [by_hand])
            store_execution(connection, DAYS[0], proposed(made, DAYS[0]))
            store_execution(connection, DAYS[1], proposed(made, DAYS[1])[:1])
            store_execution(connection, DAYS[3], proposed(made, DAYS[3]), stage="lapsed")
    for day in DAYS[:2]:
        detail = f"{day}, approval {'a' * 64}, 1 of 1 signed"
        record(made, event="day_approved", by="Ann Lee", detail=detail, at=evening(day))
    revise(made.day_folder(DAYS[1]))
    detail = f"{DAYS[2]}, manifest {'b' * 64}: <b>odd</b> prices"
    record(made, event="day_rejected", by="Joe Ray", detail=detail, at=evening(DAYS[2]))
    return made


def asked(home, *arguments):
    with clock_at(NIGHT):
        return afterclose("decisions", *arguments, home=home.root)


def test_each_change_is_found_with_who_made_it_and_what_it_earned(home):
    ended = asked(home, "--month", "2024-06", "--json")

    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    changes = {(one["session"], one["kind"]) for one in found["changes"]}
    assert (str(DAYS[1]), "struck") in changes
    assert (str(DAYS[2]), "rejected") in changes
    assert (str(DAYS[3]), "lapsed") in changes
    assert not [one for one in found["changes"] if one["session"] == str(DAYS[0]) and one["kind"] != "manual"]
    struck = next(one for one in found["changes"] if one["kind"] == "struck")
    assert (struck["person"], struck["reason"]) == ("Joe Ray", "earnings")
    rejected = next(one for one in found["changes"] if one["kind"] == "rejected")
    assert (rejected["person"], rejected["reason"]) == ("Joe Ray", "<b>odd</b> prices")
    known = [one["earned_usd"] for one in found["changes"] if one["earned_usd"] is not None]
    assert found["totals"][-1]["earned_usd"] == pytest.approx(sum(known))
    assert (found["approved_days"], found["rejected_days"]) == (2, 1)
    assert found["lapsed_days"] == found["proposed_days"] - 3
    assert [one["kind"] for one in found["changes"] if one["session"] == str(DAYS[3])] == ["lapsed"] * 2


def test_the_page_has_every_change_and_hostile_text_is_inert(home):
    ended = asked(home)

    page = (home.reports / "monthly" / "2024-06.html").read_text()
    assert ended.stdout.splitlines()[0].startswith("2024-06: ")
    assert "withheld below 10 sessions" in ended.stdout
    assert "&lt;b&gt;odd&lt;/b&gt; prices" in page
    assert "<b>odd" not in page
    changes = json.loads(asked(home, "--json").stdout)["changes"]
    assert page.count('<bdi class="ticker">') == len(changes)
    assert len(page) < 200_000


def test_the_page_has_the_same_bytes_again(home):
    asked(home)
    first = (home.reports / "monthly" / "2024-06.html").read_bytes()
    asked(home)

    assert (home.reports / "monthly" / "2024-06.html").read_bytes() == first


@pytest.mark.parametrize("month", ["2024-13", "2024-6", "June", "2031-01"])
def test_a_month_that_is_none_or_has_not_begun_is_a_usage_error(home, month):
    assert asked(home, "--month", month).returncode == 2


def test_a_month_without_days_says_so(home):
    ended = asked(home, "--month", "2024-01")

    assert "no days proposed" in ended.stdout
    assert (home.reports / "monthly" / "2024-01.html").exists()
