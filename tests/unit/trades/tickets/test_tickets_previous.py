"""The last published day is read from its files, and one that cannot be compared is named, not raised."""

import json
from datetime import timedelta

import pytest

from tasks.core.homes.setup import set_up
from tasks.trades.tickets.previous import PreviousDecision, parse_previous
from tasks.trades.tickets.record import FILE, ticket_records
from tasks.trades.tickets.schema import Tickets
from tasks.trades.tickets.store import net_flows_at, read_previous
from tests.approval_days import day_files, publish
from tests.builders import FRIDAY, make_run
from tests.homes import SESSION_BEFORE


def test_a_day_gives_its_target_scores_and_view():
    found = parse_previous(FRIDAY, day_files())

    assert isinstance(found, PreviousDecision)
    assert found.weights == {"AAPL": 0.02, "MSFT": 0.018}
    assert found.scores == {"AAPL": 0.5, "MSFT": 0.7}
    assert (found.optimizer, found.state, found.volatility_pct, found.basis) == ("hrp", "BULL", 15.0, "b")
    assert (found.model_name, found.quarantined) == ("lightgbm", ())
    assert (found.ranks, found.score_to_return, found.reductions_only) == (True, 0.01, False)


def test_the_names_in_quarantine_are_those_of_the_days_tickets():
    tickets = ticket_records(Tickets(None, (), quarantined=("QQQ", "XYZ")))

    found = parse_previous(FRIDAY, day_files() | {FILE: json.dumps(tickets).encode()})

    assert found.quarantined == ("QQQ", "XYZ")


def test_a_day_on_which_new_risk_was_halted_and_names_were_not_ranked_says_so():
    files = day_files()
    signals = json.loads(files["signals.json"])
    signals["decided_from"] |= {"reductions_only": True, "ranks": False}

    found = parse_previous(FRIDAY, files | {"signals.json": json.dumps(signals).encode()})

    assert (found.reductions_only, found.ranks) == (True, False)


def test_a_day_of_an_earlier_release_cannot_be_compared():
    files = day_files()
    signals = {
        key: value for key, value in json.loads(files["signals.json"]).items() if key != "decided_from"
    }

    assert parse_previous(FRIDAY, files | {"signals.json": json.dumps(signals).encode()}) == (
        "it was recorded by an earlier release"
    )


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b'{"decided_from": 3}', b"\xff"])
def test_a_damaged_day_is_a_reason_and_not_an_error(tmp_path, content):
    run, before = make_run(tmp_path), make_run(tmp_path, SESSION_BEFORE)
    set_up(run.home)
    assert read_previous(run) is None

    folder = publish(before)
    assert isinstance(read_previous(run), PreviousDecision)
    (folder / "signals.json").write_bytes(content)

    reason = read_previous(run)
    assert isinstance(reason, str)
    assert f"The day of {SESSION_BEFORE} cannot be read" in reason


def test_the_days_own_folder_and_later_ones_are_not_read(tmp_path):
    run, before = make_run(tmp_path), make_run(tmp_path, SESSION_BEFORE)
    set_up(run.home)
    publish(run)

    assert read_previous(run) is None
    assert read_previous(before) is None


def test_capital_flows_are_those_of_the_sessions_row(tmp_path):
    path = tmp_path / "performance_history.csv"

    assert net_flows_at(path, FRIDAY) == 0

    path.write_text(f"date,equity,net_flows\n{SESSION_BEFORE},1,\n{FRIDAY},2,1500.25\n")
    assert net_flows_at(path, FRIDAY) == 1500.25
    assert net_flows_at(path, SESSION_BEFORE) == 0
    assert net_flows_at(path, FRIDAY + timedelta(days=3)) == 0
