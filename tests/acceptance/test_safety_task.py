"""The safety stage on stored frames: what it reads, what it halts and what it hands on. Only the lake is replaced."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from tasks.core.artifacts import save_frame
from tasks.core.homes.setup import set_up
from tasks.data.schema.records import Market, SnapshotRef
from tasks.models.schema import Scores
from tasks.portfolio.schema import CASH, Portfolio
from tasks.safety import task
from tasks.safety.kill_switch.switch import read_switch, reset_switch, trip_switch
from tasks.safety.table import CHECKS, TRIGGERS
from tasks.trades.schema import Trades
from tests.builders import FRIDAY, make_panel, make_run
from tests.safety_days import make_day, make_regime

THURSDAY = date(2024, 6, 13)
HISTORY = "date,equity,exposure\n2024-06-13,{:.2f},0.9\n"
SYMBOLS = np.array(list("ABCDE"))


@pytest.fixture
def run(tmp_path):
    made = make_run(tmp_path)
    set_up(made.home)
    return made


def make_market(run, **changed):
    market = Market(SnapshotRef("x", run.home.root, FRIDAY, {}), "files", 0, 0, (), (), 5, (), (), ())
    return replace(market, **changed)


def check(run, monkeypatch, *, day=None, market=None, session=FRIDAY):
    """Store a day's frames as the stages before do, and judge them."""
    facts = day or make_day()
    panel = make_panel(sessions=64, symbols=5, last=session)
    shape = panel.close.shape
    sectors = facts.quotes.sector.to_numpy()
    panel = replace(
        panel,
        symbols=SYMBOLS,
        raw_close=np.full(shape, 50.0),
        dollar_volume=np.full(shape, 1e8),
        sector=sectors,
    )
    market = market or make_market(run)

    def read_prices(snapshot, *, window):
        assert snapshot == market.snapshot
        return replace(panel, sessions=panel.sessions[-window:])

    monkeypatch.setattr(task, "read_prices", read_prices)
    target = pd.concat([facts.target, pd.DataFrame({"weight": [facts.target_cash]}, index=[CASH])])
    return task.check_day(
        run,
        market,
        Scores(save_frame(run, "scores", facts.scores), facts.champion, 5, 0),
        facts.regime,
        Portfolio(save_frame(run, "portfolio", target), facts.book, "hrp", (), 1.0, {}, ()),
        Trades(
            save_frame(run, "trades", facts.trades), save_frame(run, "after", facts.after), (), 0, 0, 0, 0, 0
        ),
    )


def failed(verdict):
    return [one.name for one in verdict.checks if not one.passed]


def test_a_clean_day_passes_all_checks_triggers_the_log_and_the_switch(run, monkeypatch):
    verdict = check(run, monkeypatch)

    names = [name for name, _ in CHECKS] + ["audit_log"] + [name for name, _ in TRIGGERS] + ["kill_switch"]
    assert [one.name for one in verdict.checks] == names
    assert failed(verdict) == []
    assert verdict.kill_switch == "clear"
    assert verdict.may_be_published
    assert not verdict.reductions_only
    last = verdict.checks[-1]
    assert (last.value, last.limit, last.detail, last.is_met_rule) == ("clear", "clear", "", False)


def test_the_falls_are_computed_again_from_the_sessions_that_the_stop_needs(tmp_path, monkeypatch):
    stops = dict.fromkeys(("CRASH", "BEAR", "NEUTRAL", "BULL"), 0.0001)
    run = make_run(tmp_path, **{"regime.stop_loss_frac": stops})
    set_up(run.home)
    windows = []
    real = task.read_quotes
    monkeypatch.setattr(
        task,
        "read_quotes",
        lambda panel, *, stops: windows.append(stops.sessions) or real(panel, stops=stops),
    )

    assert failed(check(run, monkeypatch)) == ["stop_loss"]
    assert windows == [83]


def test_what_is_planted_into_the_stored_frames_or_the_market_is_found(run, monkeypatch):
    assert failed(check(run, monkeypatch, session=THURSDAY)) == [
        "data_freshness",
        "stale_data",
        "kill_switch",
    ]
    assert "buyable" in failed(check(run, monkeypatch, market=make_market(run, quarantined=("C",))))
    spoiled = make_day(target={"B": 0.05, "C": 0.06}, target_cash=0.5)
    assert "weights_sum" in failed(check(run, monkeypatch, day=spoiled))


def test_a_day_that_cannot_be_gathered_fails_with_the_reason_and_halts_nothing(run, monkeypatch):
    verdict = check(run, monkeypatch, day=make_day(target=None, scores=pd.DataFrame({"none": [1.0]})))
    assert "finite_scores" in failed(verdict)

    def nothing(_, *, window):
        raise OSError("the disk is gone")

    day = make_day()
    frames = [save_frame(run, name, frame) for name, frame in (("a", day.scores), ("b", day.trades))]
    monkeypatch.setattr(task, "read_prices", nothing)
    portfolio = Portfolio(frames[0], day.book, "hrp", (), 1.0, {}, ())
    scores, trades = Scores(frames[0], day.champion, 5, 0), Trades(frames[1], frames[1], (), 0, 0, 0, 0, 0)

    verdict = task.check_day(run, make_market(run), scores, day.regime, portfolio, trades)

    assert failed(verdict) == ["what the checks read"]
    assert verdict.checks[0].value == "could not run"
    assert not verdict.may_be_published
    assert not read_switch(run.home).is_on


@pytest.mark.parametrize(("before", "trips"), [(1_020_000, False), (1_040_000, True)])
def test_a_daily_loss_trips_the_switch_in_the_rules_name_and_once(run, monkeypatch, before, trips):
    run.home.performance_file.write_text(HISTORY.format(before))

    for _ in range(2):
        verdict = check(run, monkeypatch)

    switch = read_switch(run.home)
    assert switch.is_on is trips
    if trips:
        (trip,) = switch.trips
        assert (trip.event.cause, trip.event.session, trip.event.by) == (
            "daily_loss",
            "2024-06-14",
            "check_day",
        )
        assert trip.event.reason == "daily_loss 3.85%, limit ≤ 3.00%"
        assert failed(verdict) == ["daily_loss", "kill_switch"]
        assert verdict.kill_switch == switch.description == verdict.checks[-1].detail
        assert [one.name for one in verdict.checks if one.is_met_rule] == ["daily_loss"]
        assert not verdict.may_be_published  # it buys


# issue 10, line 6
def test_a_halt_of_new_risk_lets_a_day_of_sales_alone_be_published(run, monkeypatch):
    run.home.performance_file.write_text(HISTORY.format(1_040_000))
    day = make_day()
    selling = make_day(trades=day.trades.iloc[:1], target={"B": 0.05})

    verdict = check(run, monkeypatch, day=selling)

    assert failed(verdict) == ["daily_loss", "kill_switch"]
    assert verdict.reductions_only
    assert verdict.may_be_published
    assert [one.name for one in verdict.checks if one.is_met_rule] == ["daily_loss", "kill_switch"]


def test_a_loss_that_a_person_reset_is_not_tripped_again(run, monkeypatch):
    run.home.performance_file.write_text(HISTORY.format(1_040_000))
    check(run, monkeypatch)
    reset_switch(run.home, "Ada", "looked into it", run.as_of)

    assert failed(check(run, monkeypatch)) == []
    assert not read_switch(run.home).is_on


def test_a_rule_that_cannot_be_measured_blocks_the_day_and_does_not_trip_the_switch(run, monkeypatch):
    run.home.performance_file.write_text("not,a,history\n")

    verdict = check(run, monkeypatch)

    assert failed(verdict) == [name for name, _ in TRIGGERS]
    assert not any(one.is_met_rule for one in verdict.checks)
    assert not read_switch(run.home).is_on
    assert not verdict.may_be_published


def test_stale_data_is_not_a_rule_about_new_risk(run, monkeypatch):
    verdict = check(run, monkeypatch, session=THURSDAY)

    assert not any(one.is_met_rule for one in verdict.checks)
    assert [trip.event.cause for trip in read_switch(run.home).trips] == ["stale_data"]


# issue 10, line 6
@pytest.mark.parametrize(
    ("volatility", "by_hand", "reductions_only"),
    [(15.0, False, False), (41.0, False, True), (41.0, True, False), (15.0, True, False)],
)
def test_before_the_trades_only_rules_about_new_risk_leave_reductions(
    run, volatility, by_hand, reductions_only
):
    if by_hand:
        trip_switch(run.home, "Ada", "the broker calls", run.as_of)
    day = make_day()
    regime = make_regime(inputs={"volatility_pct": volatility})
    portfolio = Portfolio(save_frame(run, "portfolio", day.target), day.book, "hrp", (), 1.0, {}, ())

    halt = task.apply_halt_rules(run, regime, portfolio)

    assert halt.reductions_only is reductions_only
    causes = {trip.event.cause for trip in read_switch(run.home).trips}
    assert ("volatility" in causes) is (volatility > 40)
    assert ("by_hand" in causes) is by_hand


def test_a_loss_is_measured_before_the_trades_too(run):
    run.home.performance_file.write_text(HISTORY.format(1_040_000))
    day = make_day()
    portfolio = Portfolio(save_frame(run, "portfolio", day.target), day.book, "hrp", (), 1.0, {}, ())

    assert task.apply_halt_rules(run, day.regime, portfolio).reductions_only
    assert [trip.event.cause for trip in read_switch(run.home).trips] == ["daily_loss"]
