from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from tasks.core.artifacts import load_frame, save_frame
from tasks.core.errors import SafetyError
from tasks.core.ids import sha256_of_bytes
from tasks.models.schema import Champion, Scores
from tasks.portfolio.holdings.positions import Position, Positions
from tasks.portfolio.store import read_market
from tasks.portfolio.target import target_weights
from tasks.portfolio.task import build_portfolio
from tasks.regime.schema import Regime
from tasks.risk.covariance import Shrinkage
from tasks.risk.schema import RiskModel
from tests.builders import FRIDAY
from tests.deliveries import days_of, make_delivery, refresh, small_run, without_bars

NAMES = [f"S{i:02d}" for i in range(6)]
DELIVERY = make_delivery(sessions=100)
RETURNS = pd.DataFrame(np.random.default_rng(1).normal(0, 0.01, (60, 6)), columns=NAMES)
MEASURED = {"rank_ic": 0.04, "rank_ic_t": 3.0}


def make_scores(run):
    frame = pd.DataFrame(
        {"score": np.linspace(1, -1, 6), "rank": range(1, 7)}, index=pd.Index(NAMES, name="symbol")
    )
    champion = Champion(
        "test",
        "lightgbm",
        "max_sharpe",
        "",
        "",
        date(2024, 6, 1),
        date(2024, 6, 1),
        "",
        0.0,
        MEASURED,
        ranks=True,
    )
    return Scores(save_frame(run, "scores", frame), champion, 6, 0)


def make_risk(run, returns, factors):
    shrinkage = Shrinkage(0.0, 0.0, is_repaired=False)
    return RiskModel(save_frame(run, "returns", returns.T), shrinkage, (), factors)


def make_regime(run, cap=1.0):
    return Regime(
        FRIDAY, "BULL" if cap else "CRASH", cap, bool(cap), {}, (), save_frame(run, "regime", pd.DataFrame())
    )


def with_stop(run, stop):
    """Return the run with this stop loss in every state."""
    states = dict.fromkeys(run.settings.regime.stop_loss_frac, stop)
    regime = run.settings.regime.model_copy(update={"stop_loss_frac": states})
    return replace(run, settings=run.settings.model_copy(update={"regime": regime}))


@pytest.fixture
def build(tmp_path, monkeypatch):
    def run_stage(
        positions=None,
        *,
        delivery=DELIVERY,
        cap=1.0,
        folder="home",
        stop=0.0,
        returns=RETURNS,
        factors=0,
        max_positions=40,
    ):
        home = tmp_path / folder
        market = refresh(monkeypatch, home, delivery)
        run = with_stop(small_run(home, **{"portfolio.max_positions": max_positions}), stop)
        if positions is not None:
            run.home.live.mkdir(parents=True, exist_ok=True)
            run.home.positions_file.write_text(positions)
        regime = replace(make_regime(run, cap), stop_loss_frac=stop)
        portfolio = build_portfolio(run, market, make_scores(run), regime, make_risk(run, returns, factors))
        return portfolio, load_frame(portfolio.frame)

    return run_stage


def close_of(symbol, day):
    bars = DELIVERY.bars
    return float(
        bars.loc[(bars["symbol"] == symbol) & (bars["session"] == pd.Timestamp(day)), "close"].iloc[0]
    )


def test_a_portfolio_names_the_bytes_of_the_positions_that_it_was_built_from(build):
    """The manifest gets this hash: a file that is edited while the day runs must not be named in its place."""
    positions = "symbol,shares\nS01,10\nCASH,5000\n"

    portfolio, _ = build(positions)

    assert portfolio.book.positions_sha256 == sha256_of_bytes(positions.encode())


def test_an_empty_home_starts_with_its_cash_and_gets_a_target(build):
    portfolio, frame = build()

    assert portfolio.book.equity_usd == 1_000_000
    assert portfolio.book.holdings == ()
    assert portfolio.method == "max_sharpe"
    assert frame.index[-1] == "CASH"
    assert frame["weight"].sum() == pytest.approx(1, abs=1e-12)
    assert frame["weight"].iloc[:-1].is_monotonic_decreasing
    assert portfolio.risk["volatility"] > 0


def test_the_holdings_that_a_stop_sells_are_named_whatever_their_reason_says(build):
    """S01 fell by more than a tenth of a percent below its high of the last year, as every name of a market does."""
    positions = "symbol,shares\nS01,10\nCASH,5000\n"

    stopped, frame = build(positions, stop=0.001)
    without, _ = build(positions)

    assert (stopped.stopped, without.stopped) == (("S01",), ())
    assert frame["weight"]["S01"] == 0


def test_the_costs_of_the_next_session_know_how_high_the_volatility_index_is(build):
    levels = DELIVERY.levels
    index = levels.loc[levels["name"] == "^VIX", "close"].to_numpy(dtype=float)

    portfolio, _ = build()

    assert portfolio.index_multiplier == pytest.approx(index[-1] / index[-63:].mean())
    assert portfolio.index_multiplier != 1


def test_a_split_since_the_positions_were_written_changes_no_value(build):
    days = days_of(DELIVERY)
    before = days[40]  # S01 splits two for one at day 50

    portfolio, frame = build(f"symbol,shares,session\nS01,100,{before}\nCASH,1000,{before}\n")

    holding = portfolio.book.holdings[0]
    assert holding.shares == 200
    assert holding.price == round(close_of("S01", FRIDAY), 2)
    assert frame["current_weight"]["S01"] == pytest.approx(200 * holding.price / portfolio.book.equity_usd)
    assert portfolio.notes[0] == "S01: 100 shares became 200 through a split."


def test_fault_009_a_holding_that_stopped_trading_long_ago_is_valued_and_left(build):
    bars, days = DELIVERY.bars, days_of(DELIVERY)
    gone = without_bars(DELIVERY, (bars["symbol"] != "S03") | (bars["session"] < pd.Timestamp(days[20])))

    portfolio, frame = build(f"symbol,shares,session\nS03,10,{days[10]}\nCASH,5000,\n", delivery=gone)

    holding = portfolio.book.holdings[0]
    assert (holding.symbol, holding.has_quote) == ("S03", False)
    assert holding.price == round(close_of("S03", days[19]), 2)
    assert frame["weight"]["S03"] == 0
    assert "exit only" in frame["note"]["S03"]


def test_a_name_that_stopped_trading_long_ago_is_only_known_if_it_is_held(tmp_path, monkeypatch):
    bars, days = DELIVERY.bars, days_of(DELIVERY)
    gone = without_bars(DELIVERY, (bars["symbol"] != "S03") | (bars["session"] < pd.Timestamp(days[20])))
    market, run = refresh(monkeypatch, tmp_path, gone), small_run(tmp_path)

    known = {
        symbol: "S03" in read_market(run, market, Positions((Position(symbol, 1.0),), 0.0))[0].index
        for symbol in ("S01", "S03")
    }

    assert known == {"S01": False, "S03": True}


def test_names_in_quarantine_are_known(tmp_path, monkeypatch):
    market, run = refresh(monkeypatch, tmp_path, DELIVERY), small_run(tmp_path)

    assets, _, _ = read_market(run, replace(market, quarantined=("S02",)), Positions((), 1000.0))

    assert assets.index[assets["is_quarantined"]].tolist() == ["S02"]


def test_a_holding_beyond_the_names_considered_and_an_unknown_sector_are_explained_by_the_settings(build):
    listings = DELIVERY.listings
    unlisted = replace(DELIVERY, listings=listings[listings["symbol"] != "S00"])

    portfolio, frame = build("symbol,shares\nS05,10\nCASH,5000\n", delivery=unlisted, max_positions=3)

    assert frame["note"]["S05"] == "rank 6 of 6 by score; beyond the 3 names considered"
    assert any(note.endswith("weigh no more than 30% of the portfolio.") for note in portfolio.notes)


def test_a_split_after_the_session_is_not_known(tmp_path, monkeypatch):
    days = days_of(DELIVERY)
    market, run = refresh(monkeypatch, tmp_path, DELIVERY), small_run(tmp_path)
    held = Positions((), 1000.0)

    splits = [
        read_market(run, replace(market, snapshot=replace(market.snapshot, session=day)), held)[1].splits
        for day in (days[49], days[50])
    ]

    assert [frame["symbol"].tolist() for frame in splits] == [[], ["S01"]]


def test_the_covariance_is_that_of_the_factors_if_the_risk_model_has_some(build):
    returns = RETURNS.assign(S01=RETURNS["S00"], S03=RETURNS["S02"], S05=RETURNS["S04"])

    by_sample, _ = build(returns=returns)
    by_one_factor, _ = build(returns=returns, factors=1, folder="other")

    pairs = [
        [note for note in portfolio.notes if "highly correlated" in note]
        for portfolio in (by_sample, by_one_factor)
    ]
    assert pairs[0][0].startswith("3 pairs of names are highly correlated")
    assert pairs[1] != pairs[0]


def test_two_names_that_move_as_one_are_checked_however_the_target_came_about(build, monkeypatch):
    def heavy(*arguments, **options):
        target = target_weights(*arguments, **options)
        return replace(target, weights=np.isin(target.places, [0, 1]) * 0.1)

    monkeypatch.setattr("tasks.portfolio.task.target_weights", heavy)

    with pytest.raises(SafetyError, match="it breaks the limit of correlated pairs"):
        build(returns=RETURNS.assign(S01=RETURNS["S00"]))


def test_a_holding_that_the_lake_has_never_seen_is_refused(build):
    with pytest.raises(SafetyError, match="UNKNOWN is held, and the lake has never had a price for it"):
        build("symbol,shares\nUNKNOWN,10\nCASH,5000\n")


def test_a_holding_without_a_risk_estimate_is_sold(build):
    _, frame = build("symbol,shares\nS05,10\nCASH,5000\n", returns=RETURNS[NAMES[:5]])

    assert frame["weight"]["S05"] == 0
    assert frame["note"]["S05"] == "rank 6 of 6 by score; it has no risk estimate"


def test_a_crash_leaves_nothing_but_cash(build):
    portfolio, frame = build("symbol,shares\nS00,100\nCASH,5000\n", cap=0.0)

    assert frame["weight"].to_dict() == {"S00": 0.0, "CASH": 1.0}
    assert portfolio.method == "cash"


def test_two_homes_get_the_same_bytes(build):
    one, _ = build("symbol,shares\nS00,100\nCASH,5000\n", folder="one")
    other, _ = build("symbol,shares\nS00,100\nCASH,5000\n", folder="other")

    assert one.frame.sha256 == other.frame.sha256
    assert replace(one, frame=None) == replace(other, frame=None)
