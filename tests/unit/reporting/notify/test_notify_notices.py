"""The notices of days, executions, runs and selections: subjects say the decision, figures are those of the files."""

import csv
import io
from dataclasses import replace

import pytest

from tasks.approval.day import published_day
from tasks.core.errors import BrokerError, SafetyError, TransientError
from tasks.reporting.day.manifest import manifest_json
from tasks.reporting.notify.notices.day import MOST_ROWS, day_notice
from tasks.reporting.notify.notices.execution import execution_notice
from tasks.reporting.notify.notices.runs import failure_notice
from tasks.reporting.notify.rendering.slack import MOST_FIELDS
from tasks.reporting.notify.schema import Command, Kind, Tone
from tasks.reporting.page.rendering import render_day
from tests.approval_days import TRADE_ROWS, day_files, manifest_of
from tests.builders import FRIDAY, make_run
from tests.unit.reporting.example_day import make_inputs
from tests.unit.reporting.reading import Report

PLACE = "/homes/a b"


def notice_of(tmp_path, rows=TRADE_ROWS, **options):
    run = make_run(tmp_path)
    files = day_files(rows=rows)
    day = published_day(FRIDAY, manifest_of(run, files), files)
    return day_notice(run.home, day, **{"is_simulated": False, "picture": None} | options)


def document(**changes):
    line = {"symbol": "AAPL", "side": "SELL", "shares": "100", "price": "200.0000"}
    order = {"row": 0, "part": 0, "symbol": "AAPL", "filled_shares": "60", "filled_usd": "11940.00"}
    order |= {"order_id": "o-1", "fees_usd": "0.50", "state": "filled", "reason": ""}
    return {
        "session": "2024-06-14",
        "fill_session": "2024-06-17",
        "account": "paper",
        "broker": "paper",
        "mode": "paper",
        "stage": "finished",
        "outcome": "ended",
        "why": "every order is final",
        "begins_before": None,
        "lines": [line],
        "orders": [order],
        "bought_usd": "0.00",
        "sold_usd": "11940.00",
        "fees_usd": "0.50",
        "bridge": [],
        "differences": [],
    } | changes


def test_the_subject_says_what_to_decide_and_until_when(tmp_path):
    notice = notice_of(tmp_path)

    assert notice.subject == "2024-06-14: approve 2 trades (buy $18,000, sell $20,000) before 09:30 ET Monday"
    assert (notice.kind, notice.tone) == (Kind.DAY_PROPOSED, Tone.ACTION)


def test_the_figures_are_those_of_trades_csv(tmp_path):
    notice = notice_of(tmp_path)

    rows = list(csv.DictReader(io.StringIO(notice.attachments[0].content.decode())))
    assert [(row["symbol"], f"${float(row['notional']):,.0f}") for row in rows] == [
        (shown[1], shown[4]) for shown in notice.table.rows
    ]
    assert dict(notice.facts)["Equity at the broker"] == "$1,000,000.00"
    assert dict(notice.facts)["Estimated cost"] == "$2.70"
    assert notice.data["buy_usd"] == "18000.00"


def test_dividends_due_complete_the_equity_as_in_the_report():
    inputs = make_inputs()
    portfolio = inputs.records.portfolio
    due = replace(portfolio, book=replace(portfolio.book, receivable_usd=146.06))
    inputs = replace(inputs, records=replace(inputs.records, portfolio=due))

    notice, report = notice_and_report(inputs)

    shown = {one.name: one.value for one in report.figures}
    facts = dict(notice.facts)
    assert facts["Equity at the broker"] == f"${shown['equity'] - 146.06:,.2f}"
    assert facts["Dividends due"] == f"$146.06, so equity at the close ${shown['equity']:,.2f}"
    assert len(notice.facts) <= MOST_FIELDS  # Slack shows them all
    assert "Dividends due" not in dict(notice_and_report(make_inputs())[0].facts)


def notice_and_report(inputs):
    day = render_day(inputs, positions_sha256="70" * 32)
    manifest = manifest_json(inputs, day.source, day.files, {})
    published = published_day(inputs.run.session.day, manifest, day.files)
    notice = day_notice(inputs.run.home, published, is_simulated=True, picture=None)
    return notice, Report(day.files["report.html"])


def test_a_mail_does_not_repeat_with_each_trade_that_the_market_is_simulated(tmp_path):
    marked = [row.replace("score", "Simulated market; score") for row in TRADE_ROWS]

    shown = notice_of(tmp_path, rows=marked, is_simulated=True).table.rows

    assert [row[5] for row in shown] == ["Score fell", "Score rose"]


def test_a_day_that_is_run_again_with_the_same_result_is_the_same_notice(tmp_path):
    assert notice_of(tmp_path).key == notice_of(tmp_path).key


def test_five_hundred_trades_are_summed_in_full_and_shown_in_part(tmp_path):
    rows = [
        f"S{number:03},BUY,10,5.0000,50.00,0.00005,0.00,0.10,OPEN,score rose,,MARKET" for number in range(500)
    ]

    notice = notice_of(tmp_path, rows)

    assert "approve 500 trades (buy $25,000, sell $0)" in notice.subject
    assert (len(notice.table.rows), notice.table.left_out) == (MOST_ROWS, 500 - MOST_ROWS)
    assert notice.attachments[0].content.count(b"\n") == 501


def test_a_day_without_trades_asks_for_nothing(tmp_path):
    notice = notice_of(tmp_path, ())

    assert (notice.kind, notice.subject) == (Kind.NO_TRADES, "2024-06-14: no trades, nothing to approve")


def test_a_blocked_day_is_announced_with_its_reason(tmp_path):
    error = SafetyError("2024-06-14 is blocked: buys (0.6, limit 0.4).", remedy="Read the report.")

    notice = failure_notice(make_run(tmp_path), "daily-live", error, is_simulated=False)

    assert notice.kind is Kind.DAY_BLOCKED
    assert "blocked" in notice.subject
    assert "buys (0.6, limit 0.4)" in notice.subject


def test_an_unexpected_error_is_announced_as_a_failure(tmp_path):
    notice = failure_notice(make_run(tmp_path), "daily-live", ValueError("x"), is_simulated=False)

    assert notice.kind is Kind.RUN_FAILED
    assert dict(notice.facts)["Exit code"] == "1"


def test_the_same_failure_with_other_numbers_is_the_same_notice(tmp_path):
    run = make_run(tmp_path)
    busy = [TransientError(f"Busy for {seconds} s.", remedy="Wait.") for seconds in (5, 17)]
    refused = BrokerError("The broker refused.", remedy="Look.")

    keys = [failure_notice(run, "x", error, is_simulated=False).key for error in (*busy, refused)]

    assert keys[0] == keys[1] != keys[2]


def test_an_ended_execution_is_announced_with_what_was_traded(tmp_path):
    notice = execution_notice(make_run(tmp_path).home, document(), is_simulated=False)

    assert notice.subject == "2024-06-14: 1 of 1 trade executed (bought $0, sold $11,940)"
    assert dict(notice.facts)["Cost against the decision's prices"] == "$60.00"
    assert "fewer shares than approved" in notice.lead[1]


@pytest.mark.parametrize("outcome", ["halted", "blocked", "stopped"])
def test_an_execution_that_needs_a_person_is_an_alert(tmp_path, outcome):
    changed = document(outcome=outcome, stage="active", why="the kill switch is on")

    notice = execution_notice(make_run(tmp_path).home, changed, is_simulated=False)

    assert (notice.kind, notice.tone) == (Kind.EXECUTION_NEEDS_PERSON, Tone.ALERT)
    assert "the kill switch is on" in notice.subject


def test_a_lapsed_approval_needs_a_person(tmp_path):
    home = make_run(tmp_path).home
    notice = execution_notice(home, document(stage="lapsed"), is_simulated=False)

    assert notice.kind is Kind.EXECUTION_NEEDS_PERSON
    assert notice.commands[-1] == Command("Propose the next list", f"afterclose daily --home {home.root}")


def test_an_execution_that_waits_is_announced_once_however_long(tmp_path):
    home = make_run(tmp_path).home
    waits = [
        execution_notice(home, document(outcome="waiting", stage="active", why=why), is_simulated=False)
        for why in ("the open is in 5 minutes", "the open is in 4 minutes")
    ]

    assert waits[0].kind is Kind.EXECUTION_WAITING
    assert waits[0].key == waits[1].key


def test_an_execution_without_a_stored_order_states_until_when_it_can_be_continued(tmp_path):
    stopped = document(
        outcome="waiting",
        stage="active",
        why="the run was stopped",
        begins_before="2024-06-17T13:30:00+00:00",
    )

    notice = execution_notice(make_run(tmp_path).home, stopped, is_simulated=False)

    assert notice.lead[:2] == (
        "The run was stopped.",
        "No order is stored yet: continue before Mon 2024-06-17 09:30 New York time, or the day lapses.",
    )


def test_a_difference_of_the_account_is_named(tmp_path):
    difference = {"explanation": "The broker holds 5 AAPL more."}

    notice = execution_notice(make_run(tmp_path).home, document(differences=[difference]), is_simulated=False)

    assert "1 difference" in notice.lead[-1]
    assert "The broker holds 5 AAPL more" in notice.lead[-1]
