"""An approved day is rehearsed, executed at the paper broker, filled at the next open, and reconciled."""

import json
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tasks.core.homes.home import Home
from tests.approval_days import PASSPHRASE, cheap_key, clock_at
from tests.homes import LAST_SESSION, SESSION_BEFORE, afterclose, copy_of

DAY, FILLS = str(SESSION_BEFORE), str(LAST_SESSION)
EVENING = datetime(2024, 6, 13, 22, tzinfo=UTC)
NEXT_EVENING = datetime(2024, 6, 14, 22, tzinfo=UTC)
ANN = ("--by", "Ann Lee")
SEND = "--no-dry-run"


class Desk:
    """A home and its operator; the time is what the test sets."""

    def __init__(self, home, key):
        self.home, self.key, self.at = home, key, EVENING

    def say(self, *arguments):
        with clock_at(self.at):
            return afterclose(
                *arguments,
                home=self.home,
                AFTERCLOSE_APPROVAL_PASSPHRASE=PASSPHRASE,
                AFTERCLOSE_APPROVAL_KEY_FILE=str(self.key),
            )

    def ask(self, *arguments):
        ended = self.say(*arguments, "--json")
        return ended.returncode, json.loads(ended.stdout)


@pytest.fixture(scope="module")
def desk_template(begun_home_template, tmp_path_factory):
    """A desk with an approver. Read-only, as the other templates are: tests use `desk`, `approved`, `sent`."""
    folder = tmp_path_factory.mktemp("desk")
    made = Desk(copy_of(begun_home_template, folder / "home"), cheap_key(folder / "keys" / "ann.pem"))
    assert made.ask("approvers", "add", "Ann Lee", *ANN, "--reason", "set-up")[0] == 0
    return made


@pytest.fixture(scope="module")
def approved_template(desk_template, tmp_path_factory):
    made = another(desk_template, tmp_path_factory.mktemp("approved"))
    assert made.ask("approve", DAY, *ANN)[0] == 0
    return made


@pytest.fixture(scope="module")
def sent_template(approved_template, tmp_path_factory):
    made = another(approved_template, tmp_path_factory.mktemp("sent"))
    assert made.ask("execute", DAY, SEND, "--wait", "0")[0] == 0
    return made


def another(desk, folder):
    return Desk(copy_of(desk.home, folder / "home"), desk.key)


@pytest.fixture
def desk(desk_template, tmp_path):
    return another(desk_template, tmp_path)


def files_of(home):
    """Return the bytes of everything that a dry run must not touch."""
    return {
        path: path.read_bytes()
        for folder in ("data", "live")
        for path in (home / folder).rglob("*")
        if path.is_file() and "lake" not in path.parts
    }


@pytest.fixture
def approved(approved_template, tmp_path):
    return another(approved_template, tmp_path)


@pytest.fixture
def sent(sent_template, tmp_path):
    return another(sent_template, tmp_path)


def orders_at_broker(home):
    with closing(sqlite3.connect(home / "data" / "paper_account.sqlite")) as connection:
        return connection.execute("SELECT count(*), count(DISTINCT order_id) FROM orders").fetchone()


def test_a_day_without_an_approval_is_not_executed(desk):
    for option in ("--dry-run", SEND):
        code, refused = desk.ask("execute", DAY, option)
        assert (code, refused["fields"]["reason"]) == (3, "missing")
    assert not (desk.home / "data" / "ledger.sqlite").exists()


def test_a_dry_run_shows_every_order_and_changes_nothing(approved):
    before = files_of(approved.home)

    code, shown = approved.ask("execute", DAY)

    assert (code, shown["dry_run"]) == (0, True)
    last = {order["row"]: order for order in shown["orders"]}
    assert len(last) == len(shown["lines"]) > 5
    assert {order["reason"] for order in last.values()} == {
        "would be sent from Fri 2024-06-14 09:30 New York time"
    }  # buys, which wait for the open, have passed the checks too
    assert files_of(approved.home) == before


def test_a_scheduled_run_sends_only_if_the_settings_say_so(approved):
    before = files_of(approved.home)

    rehearsed = approved.ask("execute", "--scheduled", "--wait", "0")
    unchanged = files_of(approved.home)
    config = approved.home / "config.yaml"
    config.write_text(f"{config.read_text()}\nexecution: {{scheduled_dry_run: false}}\n")
    sent = approved.ask("execute", "--scheduled", "--wait", "0")

    assert [one["executions"][0]["dry_run"] for _, one in (rehearsed, sent)] == [True, False]
    assert unchanged == before
    assert (approved.home / "live" / DAY / "execution.json").exists()


def test_a_dry_run_states_what_passes_and_until_when_an_execution_can_begin(approved):
    """Not "run it again at the open": the approval would have expired by then."""
    text = approved.say("execute", DAY).stdout

    assert "lines pass every check" in text
    assert "an execution has to begin before Fri 2024-06-14 09:30 New York time" in text
    assert "again then" not in text


def test_approved_orders_are_sent_filled_at_the_next_open_and_reconciled(sent):
    code, refused = sent.ask("reject", DAY, *ANN, "--reason", "late")
    assert (code, refused["fields"]["reason"]) == (3, "decided")
    waiting = json.loads((sent.home / "live" / DAY / "execution.json").read_text())
    assert {order["state"] for order in waiting["orders"]} == {"intended"}
    sent.at = NEXT_EVENING

    code, refused = sent.ask("daily", "--date", FILLS)
    assert code == 3
    assert "has not ended" in refused["what"]
    code, done = sent.ask("execute", DAY, SEND, "--wait", "0")  # refreshes the lake by itself

    assert (code, done["outcome"], done["stage"], done["differences"]) == (0, "ended", "finished", [])
    filled = {
        order["symbol"]: order["filled_shares"] for order in done["orders"] if order["filled_shares"] != "0"
    }
    held = dict(
        line.split(",")[:2]
        for line in (sent.home / "live" / "current_positions.csv").read_text().splitlines()[1:]
    )
    assert {symbol: shares for symbol, shares in held.items() if symbol != "CASH"} == filled
    spent = sum(Decimal(order["filled_usd"]) + Decimal(order["fees_usd"]) for order in done["orders"])
    with closing(sqlite3.connect(sent.home / "data" / "ledger.sqlite")) as ledger:
        interest = ledger.execute("SELECT sum(cash_cents) FROM entries WHERE kind = 'interest'").fetchone()[0]
    assert Decimal(held["CASH"]) == 1_000_000 - spent + Decimal(interest) / 100  # of one night
    assert (sent.home / "live" / DAY / "execution.html").exists()
    rows = [(row["cause"], Decimal(row["usd"])) for row in done["bridge"]]
    assert dict(rows)["unexplained"] == 0
    assert rows[-1][0] == "equity of record"
    assert sum(usd for cause, usd in rows[:-1]) == rows[-1][1]
    assert sent.ask("daily", "--date", FILLS)[0] == 0


def test_running_it_again_sends_nothing_twice(sent):
    for _ in range(3):
        assert sent.ask("execute", DAY, SEND, "--wait", "0")[0] == 0
    sent.at = NEXT_EVENING
    for _ in range(3):
        code, done = sent.ask("execute", DAY, SEND, "--wait", "0")
        assert (code, done["outcome"]) == (0, "ended")

    count, distinct = orders_at_broker(sent.home)
    assert count == distinct == sum(order["requests"] for order in done["orders"]) > 5


def test_a_day_that_was_executed_already_is_shown_as_history(sent):
    """Its fills, printed again, must not be taken for orders sent now."""
    sent.at = NEXT_EVENING
    code, done = sent.ask("execute", DAY, SEND, "--wait", "0")
    assert (code, done["outcome"], done["already_executed_at"]) == (0, "ended", None)
    sent.at = NEXT_EVENING + timedelta(hours=2)

    for option in ("--dry-run", SEND):
        ended = sent.say("execute", DAY, option, "--wait", "0")
        code, again = sent.ask("execute", DAY, option, "--wait", "0")

        assert ended.stdout.startswith(
            f"{DAY} was executed already: its execution ended Fri 2024-06-14 18:00 New York time. Nothing was sent now"
        )
        assert (ended.returncode, code) == (0, 0)
        assert again["already_executed_at"] == "2024-06-14T22:00:00+00:00"
        assert again["bought_usd"] == done["bought_usd"]


def test_after_the_open_an_approval_that_was_not_executed_lapses(approved):
    approved.at = NEXT_EVENING

    code, refused = approved.ask("execute", DAY, SEND)

    assert (code, refused["fields"]["reason"]) == (3, "expired")
    assert not (approved.home / "data" / "paper_account.sqlite").exists()


def test_without_a_date_every_session_that_waits_is_executed(desk):
    code, shown = desk.ask("execute", SEND)
    assert (code, shown["executions"]) == (4, [])
    assert desk.ask("approve", DAY, *ANN)[0] == 0

    code, sent = desk.ask("execute", SEND, "--wait", "0")

    assert code == 0, sent
    assert [(one["session"], one["outcome"]) for one in sent["executions"]] == [(DAY, "waiting")]
    desk.at = NEXT_EVENING
    code, done = desk.ask("execute", SEND, "--wait", "0")
    assert [(one["session"], one["outcome"]) for one in done["executions"]] == [(DAY, "ended")]
    assert desk.ask("execute", SEND)[0] == 4


def test_nothing_is_sent_while_the_kill_switch_is_on(sent):
    assert sent.ask("kill-switch", "trip", *ANN, "--reason", "odd")[0] == 0

    code, halted = sent.ask("execute", DAY, SEND, "--wait", "0")

    assert (code, halted["outcome"]) == (3, "halted")
    sent.at = NEXT_EVENING
    code, still = sent.ask("execute", DAY, SEND, "--wait", "0")
    assert (code, still["outcome"]) == (3, "halted")
    assert orders_at_broker(sent.home) == (0, 0)


def test_a_halt_is_not_described_as_waiting(sent):
    """Running the command again at some instant changes nothing as long as the switch is on."""
    assert sent.ask("kill-switch", "trip", *ANN, "--reason", "odd")[0] == 0

    text = sent.say("execute", DAY, SEND, "--wait", "0").stdout

    assert "Halted: the kill switch is on, tripped by Ann Lee" in text
    assert "Waiting until" not in text


def test_a_lost_ledger_or_paper_account_is_refused_and_never_begun_again(sent):
    for name in ("paper_account.sqlite", "ledger.sqlite"):
        path = sent.home / "data" / name
        aside = path.rename(path.with_name("aside"))

        code, refused = sent.ask("execute", DAY, SEND, "--wait", "0")

        assert code == 3, refused
        assert "missing" in refused["what"]
        assert not path.exists()
        aside.rename(path)


def without_its_folder(desk):
    shutil.rmtree(desk.home / "live" / DAY)


def test_a_day_in_execution_whose_folder_is_lost_is_not_published_again(sent):
    without_its_folder(sent)

    code, refused = sent.ask("daily", "--date", DAY)

    assert code == 3, refused
    assert "the ledger has its execution" in refused["what"]
    assert "data restore FILE" in refused["remedy"]
    assert not (sent.home / "live" / DAY).exists()


def test_a_day_in_execution_is_not_rejected_although_its_folder_is_lost(sent):
    without_its_folder(sent)
    log = Home(sent.home).audit_log.read_bytes()

    code, refused = sent.ask("reject", DAY, *ANN, "--reason", "odd")

    assert (code, refused["fields"]["reason"]) == (3, "decided"), refused
    assert "kill-switch trip" in refused["remedy"]
    assert Home(sent.home).audit_log.read_bytes() == log


def test_an_execution_whose_folder_is_lost_is_to_be_restored_and_not_published(sent):
    without_its_folder(sent)

    for command in (("execute", DAY, SEND, "--wait", "0"), ("execute", DAY), ("approve", DAY, *ANN)):
        code, refused = sent.ask(*command)

        assert (code, refused["fields"]["reason"]) == (3, "day"), refused
        assert "data restore FILE" in refused["remedy"]
        assert "afterclose daily" not in refused["remedy"]


def test_an_execution_whose_approval_was_replaced_is_blocked_and_does_not_wait(sent):
    """As after a publication by an earlier build, and a new approval."""
    (sent.home / "live" / DAY / "approval.json").write_text("{}\n")

    ended = sent.say("execute", DAY, SEND, "--wait", "0")

    assert ended.returncode == 3
    assert "Blocked: 2024-06-13: approval.json is not the approval that is being executed." in ended.stdout
    assert f"restore live/{DAY} from a backup" in ended.stdout
    assert "Waiting" not in ended.stdout


def test_without_a_backup_an_execution_is_canceled_and_the_next_session_is_run(sent):
    """What docs/runbooks.md says about a day in execution whose folder is lost for good."""
    without_its_folder(sent)
    assert sent.ask("kill-switch", "trip", *ANN, "--reason", "a lost day")[0] == 0
    assert sent.ask("execute", DAY, SEND, "--wait", "0")[0] == 3
    assert orders_at_broker(sent.home) == (0, 0)
    sent.at = datetime(2024, 6, 17, 22, tzinfo=UTC)

    assert sent.ask("execute", DAY, SEND, "--wait", "0")[0] == 3

    assert sent.ask("kill-switch", "reset", "--trip", "1", *ANN, "--reason", "understood")[0] == 0
    assert sent.ask("daily", "--date", FILLS)[0] == 0
    assert orders_at_broker(sent.home) == (0, 0)


def test_after_the_open_an_approval_begins_no_execution(approved):
    approved.at = datetime(2024, 6, 14, 13, 31, tzinfo=UTC)

    assert approved.ask("execute", DAY, SEND, "--wait", "0")[0] == 3


def test_overrides_reduce_what_is_ordered_and_the_reports_show_them(approved):
    lines = json.loads((approved.home / "live" / DAY / "approval.json").read_text())["envelope"]["lines"]
    half, none = lines[0], lines[1]
    for effect, more, line in (
        ("multiplier", ("--multiplier", "0.5"), half),
        ("do_not_trade", (), none),
    ):
        scope = ("--symbol", line["symbol"], "--until", FILLS)
        assert approved.ask("overrides", "add", effect, *more, *scope, *ANN, "--reason", "odd")[0] == 0

    assert approved.ask("execute", DAY, SEND, "--wait", "0")[0] == 0
    approved.at = NEXT_EVENING
    code, done = approved.ask("execute", DAY, SEND, "--wait", "0")

    assert (code, done["stage"]) == (0, "finished")
    by_symbol = {order["symbol"]: order for order in done["orders"]}
    permitted = int(half["shares"]) // 2
    assert permitted * 0.8 < int(by_symbol[half["symbol"]]["filled_shares"]) <= permitted
    void = by_symbol[none["symbol"]]
    assert (void["state"], void["requests"]) == ("void", 0)
    assert void["reason"].startswith("override 2 by Ann Lee (do_not_trade")
    assert {row["cause"]: row["usd"] for row in done["bridge"]}["unexplained"] == "0.00"
    assert approved.ask("daily", "--date", FILLS)[0] == 0
    page = (approved.home / "live" / FILLS / "report.html").read_text()
    assert "Overrides in effect" not in page  # their last session is the one of the report


def test_the_report_of_a_day_shows_the_overrides_that_hold_when_its_trades_would_fill(desk):
    scope = ("--sector", "Energy", "--until", FILLS)
    assert desk.ask("overrides", "add", "do_not_buy", *scope, *ANN, "--reason", "lawsuit")[0] == 0

    assert desk.ask("daily", "--date", DAY)[0] == 0

    page = (desk.home / "live" / DAY / "report.html").read_text()
    assert "Overrides in effect" in page
    assert "lawsuit" in page


def test_orders_of_an_account_that_is_gone_are_given_up_and_the_next_session_is_run(sent):
    with closing(sqlite3.connect(sent.home / "data" / "ledger.sqlite", isolation_level=None)) as ledger:
        names = [row[0] for row in ledger.execute("SELECT order_id FROM orders ORDER BY row LIMIT 2")]
        confirmed = "UPDATE orders SET state = 'working', sends = 1 WHERE order_id IN (?, ?)"
        ledger.execute(confirmed, names)  # as if its broker had confirmed them
    said = (*ANN, "--reason", "the account was closed")

    assert sent.ask("execute", DAY, "--give-up", names[0], *said)[0] == 3  # it may still be filled
    sent.at = datetime(2024, 6, 17, 14, tzinfo=UTC)
    code, refused = sent.ask("daily", "--date", FILLS)
    assert (code, "has not ended" in refused["what"]) == (3, True)
    assert sent.ask("execute", DAY, "--give-up", names[0], *ANN)[0] == 2  # no reason
    done = [sent.ask("execute", DAY, "--give-up", name, *said) for name in names]

    assert [code for code, _ in done] == [0] * len(names)
    assert done[-1][1]["stage"] == "finished"
    assert {order["state"] for order in done[-1][1]["orders"]} <= {"given_up", "void"}
    assert json.loads((sent.home / "live" / DAY / "execution.json").read_text())["stage"] == "finished"
    with (sent.home / "live" / "audit_log.csv").open() as log:
        rows = [line for line in log if "order_given_up" in line]
    assert len(rows) == len(names)
    assert "Ann Lee" in rows[0]
    assert names[0] in rows[0]
    assert sent.ask("daily", "--date", FILLS)[0] == 0


def test_where_two_persons_approve_two_give_up_an_order(sent):
    with (sent.home / "config.yaml").open("a") as settings:
        settings.write("\napproval: {persons: 2}\n")
    said = ("execute", DAY, "--give-up", "X", *ANN, "--reason", "gone")

    for second in ((), ("--second", "ann lee")):
        code, refused = sent.ask(*said, *second)
        assert (code, "requires 2 persons" in refused["what"]) == (2, True)
    code, refused = sent.ask(*said, "--second", "Ben")
    assert (code, "has no order X" in refused["what"]) == (2, True)


def test_the_monitor_watches_what_was_executed_and_halts_for_an_order_past_its_session(sent):
    assert sent.ask("monitor", "--once")[1] == {"is_begun": True, "breaches": [], "kill_switch": "clear"}
    with closing(sqlite3.connect(sent.home / "data" / "ledger.sqlite", isolation_level=None)) as ledger:
        ledger.execute("UPDATE orders SET state = 'working', sends = 1 WHERE row = 0")
    sent.at = datetime(2024, 6, 17, 14, tzinfo=UTC)

    code, found = sent.ask("monitor", "--once")

    assert (code, [one["cause"] for one in found["breaches"]]) == (3, ["orders_past_session"])
    assert sent.ask("kill-switch", "status")[1]["state"] == "on"


def test_there_is_nothing_to_watch_before_the_first_execution(desk):
    assert desk.ask("monitor", "--once")[1]["is_begun"] is False


@pytest.mark.parametrize("option", ["--dry-run", SEND])
def test_trades_of_a_simulated_market_begin_at_no_other_broker(approved, option):
    """Begun there, the day could not be continued anywhere: no gate passes its orders."""
    code, refused = approved.ask("execute", DAY, option, "--broker", "manual")

    assert (code, refused["what"]) == (2, "This market is simulated: manual does not execute its trades.")
    assert approved.ask("execute", DAY, SEND, "--wait", "0", "--broker", "paper")[0] == 0
