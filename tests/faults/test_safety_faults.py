"""What the safety slice does with a switch, a limit, a history or a module that cannot be trusted."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest
from pydantic import ValidationError

from config.problems import InvalidSettings
from config.settings import load_settings
from tasks.core.artifacts import save_frame
from tasks.core.homes.home import Home
from tasks.core.homes.run import Run
from tasks.core.homes.setup import set_up
from tasks.data.schema.records import Market, SnapshotRef
from tasks.models.schema import Scores
from tasks.portfolio.schema import CASH, Portfolio
from tasks.safety import task
from tasks.safety.kill_switch.switch import parse_switch, read_switch, reset_switch, trip_switch
from tasks.safety.outcome import Outcome
from tasks.safety.schema import Checks
from tasks.safety.table import CHECKS, run_checks
from tasks.trades.schema import Trades
from tests.builders import FRIDAY, make_panel, make_run, make_settings
from tests.safety_days import make_champion, make_day, make_regime, make_trades

NOON = datetime(2024, 6, 14, 16, 0, tzinfo=UTC)
DAMAGED: dict[str, bytes] = {
    "empty": b"",
    "half": b'{"state": "cle',
    "binary": b"\xff\x00\xfe",
    "unknown word": b'{"state": "off", "by": "", "reason": ""}',
    "other case": b'{"state": "Clear", "by": "", "reason": ""}',
    "a list": b"[]",
    "no state": b"{}",
    "null": b"null",
    "state is a list": b'{"state": ["clear"], "by": "", "reason": ""}',
    "no name": b'{"state": "clear"}',
    "no instant": b'{"state": "clear", "by": "", "reason": "", "at": "noon"}',
    "damaged history": b'{"state": "clear", "by": "", "reason": "", "at": null, "history": [1]}',
    "nested": b"[" * 100_000,
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    set_up(home)
    return home


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_fault_043_a_damaged_switch_file_is_on_until_a_person_resets_it(home, content):
    home.kill_switch_file.write_bytes(content)

    assert read_switch(home).is_on

    reset_switch(home, "Ada", "the disk was full", NOON)

    assert not read_switch(home).is_on
    assert home.live.joinpath("kill_switch.unreadable").read_bytes() == content


def test_fault_043_a_missing_switch_file_is_on(home):
    home.kill_switch_file.unlink()

    assert read_switch(home).description == "on: The kill switch file is missing"


def test_fault_043_a_folder_or_a_link_in_place_of_the_file_is_on(home):
    home.kill_switch_file.rename(home.live / "elsewhere.json")
    home.kill_switch_file.symlink_to(home.live / "elsewhere.json")
    linked = read_switch(home)
    home.kill_switch_file.unlink()
    home.kill_switch_file.mkdir()

    assert linked.is_on
    assert read_switch(home).is_on


def test_fault_043_every_cut_of_the_file_is_on(home):
    trip_switch(home, "Ada", "nervous", NOON)
    reset_switch(home, "Ada", "calm again", NOON)
    whole = home.kill_switch_file.read_bytes().rstrip()

    for length in range(len(whole)):
        assert parse_switch(whole[:length]).is_on, length


@pytest.mark.parametrize("value", [None, float("nan"), "a tenth", float("inf"), -0.1])
def test_fault_047_a_limit_that_is_not_a_number_is_refused_by_the_settings(value):
    with pytest.raises(ValidationError):
        make_settings(**{"safety.max_trade_frac": value})


def test_fault_047_a_limit_written_as_text_is_refused_when_the_settings_are_loaded(tmp_path):
    tmp_path.joinpath("config.yaml").write_text('safety: {max_trade_frac: "0.10"}\n')

    with pytest.raises(InvalidSettings, match="max_trade_frac"):
        load_settings(home=tmp_path, profile=None, environ={})


def test_fault_047_an_absent_limit_is_refused_by_the_settings():
    tree = make_settings().model_dump(mode="json")
    del tree["safety"]["max_trade_frac"]

    with pytest.raises(ValidationError, match="max_trade_frac"):
        type(make_settings()).model_validate_json(json.dumps(tree))


@pytest.mark.parametrize("limit", [float("nan"), None, "0.10"])
def test_fault_047_a_limit_that_slipped_through_fails_its_checks(limit):
    settings = make_settings()
    safety = settings.safety.model_copy(update=dict.fromkeys(type(settings.safety).model_fields, limit))
    broken = settings.model_copy(update={"safety": safety})

    failed = {check.name for check in run_checks(make_day(settings=broken)) if not check.passed}

    assert failed >= {"trade_size", "buys", "costs", "daily_notional", "price_deviation", "fat_finger"}


def test_fault_048_a_check_that_raises_has_failed_and_says_why():
    def broken(_: object) -> Outcome:
        raise ZeroDivisionError("by nothing")

    (check,) = run_checks(make_day(), (("broken", broken),))

    assert not check.passed
    assert (check.value, check.detail) == ("could not run", "ZeroDivisionError: by nothing")


def test_fault_028_an_unknown_regime_fails_its_check():
    facts = make_day(regime=make_regime(state="PANIC"))

    (check,) = run_checks(facts, (("regime_cap", dict(CHECKS)["regime_cap"]),))

    assert not check.passed
    assert "PANIC" in check.detail


def test_fault_048_frames_without_their_columns_fail_the_checks_that_need_them():
    facts = make_day(trades=make_trades(), target={})
    empty = pd.DataFrame()

    checks = run_checks(type(facts)(**(vars(facts) | {"trades": empty, "target": empty, "scores": empty})))

    failed = {check.name for check in checks if not check.passed}
    assert failed >= {"structure", "weights_sum", "position_limit", "cash", "finite_scores"}


def test_a_clean_day_passes_and_leaves_the_switch_alone(day):
    run, check = day
    before = run.home.kill_switch_file.read_bytes()

    checks = check()

    assert [found for found in checks.checks if not found.passed] == []
    assert (checks.passed, checks.kill_switch) == (True, "clear")
    assert run.home.kill_switch_file.read_bytes() == before


def test_fault_044_a_daily_loss_trips_the_switch_and_it_stays_on(day):
    run, check = day
    write_history(run.home, equity_usd=1_100_000)

    checks = check()

    assert not checks.passed
    assert "daily_loss 9.09%, limit ≤ 3.00%" in checks.kill_switch
    run.home.performance_file.unlink()
    assert not check().passed


def test_fault_044_a_reset_ends_the_halt_for_the_loss_that_was_looked_at(day):
    run, check = day
    write_history(run.home, equity_usd=1_100_000)
    check()

    reset_switch(run.home, "Ada", "the index fell as much", NOON)

    assert check().passed


def test_a_switch_that_is_on_blocks_a_clean_day(day):
    run, check = day
    run.home.stop_file.touch()

    checks = check()

    assert [found.name for found in checks.checks if not found.passed] == ["kill_switch"]
    assert "live/STOP" in checks.kill_switch


def test_fault_048_a_history_that_cannot_be_read_blocks_without_tripping(day):
    run, check = day
    run.home.performance_file.write_text("date,equity,exposure\n2024-06-13,nan,0.5\n")

    checks = check()

    failed = [found.name for found in checks.checks if not found.passed]
    assert failed == ["daily_loss", "sharpe_ratio", "volatility", "stale_data"]
    assert checks.kill_switch == "clear"


def test_fault_048_when_nothing_can_be_gathered_the_day_has_failed(day, monkeypatch):
    _, check = day
    monkeypatch.setattr(task, "read_prices", lambda *_, **__: make_panel(sessions=0))

    checks = check()

    assert [found.name for found in checks.checks if not found.passed] == ["what the checks read"]


def test_fault_002_stale_data_trips_the_switch(day, monkeypatch):
    _, check = day
    monkeypatch.setattr(task, "read_prices", lambda *_, **__: make_panel(last=date(2024, 6, 13)))

    checks = check()

    failed = {found.name for found in checks.checks if not found.passed}
    assert failed == {"data_freshness", "stale_data", "kill_switch"}
    assert "stale_data 1 sessions old" in checks.kill_switch


@pytest.fixture
def day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Run, Callable[[], Checks]]:
    """Return a clean day as the stages before would hand it over; only the lake is replaced by a panel."""
    run = make_run(tmp_path)
    set_up(run.home)
    monkeypatch.setattr(task, "read_prices", lambda *_, **__: make_panel())
    facts = make_day(holdings={}, cash_usd=1e6, trades=make_trades(), target={})
    untyped = facts.trades.astype(object)
    weights = pd.DataFrame({"weight": [1.0]}, index=pd.Index([CASH], name="symbol"))
    market = Market(SnapshotRef("x", tmp_path, FRIDAY, {}), "test", 0, 0, (), (), 30, (), (), ())
    scores = Scores(save_frame(run, "scores", facts.scores), make_champion(), 5, 0)
    portfolio = Portfolio(save_frame(run, "portfolio", weights), facts.book, "hrp", (), 1.0, {}, ())
    after = save_frame(run, "after", facts.after)
    trades = Trades(save_frame(run, "trades", untyped), after, (), 0.0, 0.0, 0.0, 0.0, 1e6)
    return run, lambda: task.check_day(run, market, scores, make_regime(), portfolio, trades)


def write_history(home: Home, *, equity_usd: float) -> None:
    home.performance_file.write_text(f"date,equity,exposure\n2024-06-13,{equity_usd},0.5\n")


# issue 10, line 2
def test_each_rule_trips_by_itself_and_a_reset_of_one_does_not_excuse_the_other(day, monkeypatch):
    run, check = day
    write_history(run.home, equity_usd=1_100_000)
    monkeypatch.setattr(task, "read_prices", lambda *_, **__: make_panel(last=date(2024, 6, 13)))
    check()
    stale = [trip for trip in read_switch(run.home).trips if trip.event.cause == "stale_data"]

    reset_switch(run.home, "Ada", "the vendor was late", NOON, trips=[trip.name for trip in stale])
    monkeypatch.setattr(task, "read_prices", lambda *_, **__: make_panel())
    checks = check()

    assert {trip.event.cause for trip in read_switch(run.home).trips} == {"daily_loss"}
    assert {found.name for found in checks.checks if not found.passed} == {"daily_loss", "kill_switch"}


# issue 10, line 2
def test_a_day_that_is_run_again_under_a_halt_does_not_trip_it_twice(day):
    run, check = day
    write_history(run.home, equity_usd=1_100_000)

    check()
    check()

    assert len(read_switch(run.home).trips) == 1


# issue 10, line 6
def test_a_halt_for_bad_data_lets_nothing_through_not_even_with_a_loss(day, monkeypatch):
    run, check = day
    write_history(run.home, equity_usd=1_100_000)
    assert check().may_be_published
    assert check().reductions_only

    monkeypatch.setattr(task, "read_prices", lambda *_, **__: make_panel(last=date(2024, 6, 13)))

    assert not check().may_be_published
    assert not check().reductions_only


# issue 10, line 6
def test_a_purchase_under_a_halt_of_new_risk_is_not_published(day, monkeypatch):
    run, check = day
    write_history(run.home, equity_usd=1_100_000)
    monkeypatch.setattr(task, "typed_trades", lambda _: make_trades(("A", "BUY", 1, 50.0)))

    assert not check().may_be_published


# issue 10, line 6
def test_a_rule_that_cannot_be_measured_lets_nothing_through_even_with_one_that_is_met(day):
    run, check = day
    write_history(run.home, equity_usd=1_100_000)
    check()
    run.home.performance_file.write_text("date,equity,exposure\n2024-06-13,nan,0.5\n")

    assert not check().may_be_published
