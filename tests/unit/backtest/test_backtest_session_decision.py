"""The daily run's decision on rows of a world: random walks of ten names with an alpha that is given in."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from tasks.backtest.accounting.account import Account, Receivable
from tasks.backtest.session_decision import SessionDecision, Signals
from tasks.backtest.session_inputs import SessionInputs
from tasks.backtest.walk import WalkRules, walk
from tasks.backtest.world import Corrections, until, window_at
from tasks.core.sessions import session_after
from tasks.data.panel.returns import daily_returns
from tasks.risk.covariance import centred_returns, covariance_of, estimator_of
from tests.builders import make_settings
from tests.unit.backtest.stored import DAYS, world

NAMES = tuple("ABCDEFGHIJ")
SESSIONS = 120
SETTINGS = make_settings(
    **{"risk.window_sessions": 60, "portfolio.max_positions": 5, "safety.max_entry_buys_frac": 1.0}
)


@pytest.fixture(scope="module")
def market():
    rng = np.random.default_rng(3)
    level = 50 * np.exp(np.cumsum(rng.normal(0, 0.01, (SESSIONS, len(NAMES))), axis=0))
    closes = {name: dict(enumerate(np.round(level[:, place], 2))) for place, name in enumerate(NAMES)}
    opens = {(name, day): round(close * 1.001, 2) for name in NAMES for day, close in closes[name].items()}
    return world(
        closes,
        sessions=SESSIONS,
        opens=opens,
        volume=1e6,
        levels=[{"name": "VIX", "session": day, "close": 15.0, "growth": 1.0} for day in range(SESSIONS)],
        listings=[
            {"symbol": name, "available_date": 0, "sector": ("Energy", "Health", "Tech", "Zinc")[place % 4]}
            for place, name in enumerate(NAMES)
        ],
    )


def signals(made, **changed):
    scores = np.random.default_rng(5).normal(size=made.close_cents.shape)
    given = {
        "exposure_cap": np.full(SESSIONS, 0.8),
        "allows_new_positions": np.ones(SESSIONS, dtype=bool),
        "size_multiplier": np.ones(SESSIONS),
        "max_buys_frac": np.ones(SESSIONS),
        "stop_loss_frac": np.zeros(SESSIONS),
        "ranks": True,
        "score_to_return": np.ones(SESSIONS),
        "optimizer": "min_volatility",
    }
    return Signals(**{"scores": scores[: len(made.sessions)], **given, **changed})


def run(made, given, *, first=70, last=100, cash=10**9, settings=SETTINGS):
    made_for = SessionDecision(made, given, settings)
    start = Account(np.zeros(len(made.company), dtype=np.int64), cash)
    return walk(made, start, made_for.orders, made_for.costs, first=first, last=last, rules=WalkRules())


def test_a_walk_invests_up_to_the_exposure_cap_and_pays_costs(market):
    course = run(market, signals(market))

    exposure = course.position.sum(axis=1) / course.equity
    assert exposure[0] == 0
    assert 0.5 < exposure[-1] <= 0.81
    assert (course.cash >= 0).all()
    assert course.costs.sum() > 0
    assert (course.costs.sum(axis=1)[1:] > 0)[course.buys[1:].any(axis=1)].all()


def test_a_walk_uses_the_covariance_of_the_settings(market):
    factors = {"risk.covariance": "factor_model", "risk.factors": 2, "risk.window_sessions": 60}
    by_factors = make_settings(**factors, **{"portfolio.max_positions": 5, "safety.max_entry_buys_frac": 1.0})

    shrunk, factored = run(market, signals(market)), run(market, signals(market), settings=by_factors)

    assert (shrunk.buys != factored.buys).any()


def test_nothing_is_bought_without_exposure(market):
    course = run(market, signals(market, exposure_cap=np.zeros(SESSIONS)))

    assert not course.ordered_buys.any()


def test_the_regime_lowers_the_limit_of_one_position(market):
    largest = SETTINGS.portfolio.max_position_frac
    course = run(market, signals(market, size_multiplier=np.full(SESSIONS, 0.2)))

    weights = course.position[-1] / course.equity[-1]
    assert 0.15 * largest < weights.max() < 0.22 * largest


def test_the_regime_limits_the_purchases_of_a_session(market):
    course = run(market, signals(market, max_buys_frac=np.full(SESSIONS, 0.05)), last=75)

    bought = (course.ordered_buys * market.price_cents[70 : 70 + len(course.ordered_buys)]).sum(axis=1)
    assert 0.04 < bought[0] / course.equity[0] <= 0.05


STOPS = {"CRASH": 0.1, "BEAR": 0.1, "NEUTRAL": 0.1, "BULL": 0.1}


def with_stops(*, high=20, pause=5):
    regime = {"stop_loss_frac": STOPS, "stop_high_sessions": high, "stop_pause_sessions": pause}
    return SETTINGS.model_copy(update={"regime": SETTINGS.regime.model_copy(update=regime)})


def test_a_holding_is_sold_after_the_close_beyond_its_stop_and_not_bought_until_the_stop_has_lapsed(market):
    scores = np.zeros(market.close_cents.shape)
    scores[:, 0] = 1.0  # always the best
    close = market.raw_close.copy()
    close[:, 0] = 50.0 + np.arange(SESSIONS) % 2
    close[75, 0] = 44.0
    cents = np.round(close * 100).astype(np.int64)
    made = replace(market, raw_close=close, close_cents=cents, open_cents=cents, price_cents=cents)
    stops = np.full(SESSIONS, 0.1)
    given = signals(made, scores=scores, stop_loss_frac=stops, optimizer="equal_weight")

    settings = with_stops()
    settings = settings.model_copy(  # its place is free again
        update={"portfolio": settings.portfolio.model_copy(update={"keep_rank_multiple": 1.0})}
    )

    course = run(made, given, last=90, settings=settings)

    held = course.shares[:, 0]
    assert (held[1:6] > 0).all()
    assert not course.ordered_sells[:5, 0].any()
    assert course.ordered_sells[5, 0] > 0  # decided at the close of row 75
    assert not held[7:11].any()  # two sessions: one trade is at most a tenth of the portfolio
    assert not course.ordered_buys[5:10, 0].any()  # rows 75 to 79
    assert course.ordered_buys[10, 0] > 0


def test_stops_in_the_settings_change_nothing_where_the_regime_is_not_used(market):
    plain = run(market, signals(market))
    stops = run(market, signals(market), settings=with_stops())

    assert stops.equity.tobytes() == plain.equity.tobytes()


def test_a_split_is_not_a_fall():
    half = {"symbol": "A", "session": 100, "dividend": 0.0, "split": 2.0, "factor": 2.0}
    price = {day: 50.0 if day < 100 else 25.0 for day in range(SESSIONS)}
    made = world({"A": price}, sessions=SESSIONS, volume=1e6, actions=[half])

    assert SessionInputs(made, with_stops()).facts(100).fall.tolist() == [0.0]


@pytest.mark.parametrize("model", ["ledoit_wolf", "factor_model"])
def test_a_walk_estimates_the_covariance_of_the_daily_run(market, model):
    """Of the companies considered, in their order; one that cannot be estimated has none."""
    settings = make_settings(**{"risk.window_sessions": 60, "risk.covariance": model, "risk.factors": 2})
    close = market.raw_close.copy()
    close[:100, 3] = np.nan
    made = replace(market, raw_close=close)
    inputs = SessionInputs(made, settings)

    covariance = inputs.covariance(110, np.array([1, 3, 7]))

    returns = pd.DataFrame(daily_returns(made.close[50:111])[1:], columns=range(10)).drop(columns=3)
    risk = estimator_of(returns.to_numpy(), settings.risk)
    expected = covariance_of(returns, [1, 7], risk.shrinkage, factors=risk.factors)
    assert covariance[np.ix_([0, 2], [0, 2])].tobytes() == expected.to_numpy().tobytes()
    assert np.isnan(covariance[1]).all()
    assert np.isnan(covariance[:, 1]).all()


@pytest.mark.parametrize("row", [59, 60, 75, 99, 100, 119])
def test_returns_are_those_of_the_window_as_known_at_the_row(market, row):
    """Computed once for the whole world, and again for the companies whose window was corrected."""
    bars = Corrections(
        np.array([60, 75, 100]), np.array([59, 70, 40]), np.array([2, 2, 5]), np.array([[60.0, 1e6]] * 3)
    )
    factors = Corrections(np.array([99]), np.array([80]), np.array([7]), np.array([[1.5]]))
    made = replace(market, restated_bars=bars, restated_factors=factors)

    estimator = SessionInputs(made, SETTINGS).risk(row).estimator

    returns = daily_returns(window_at(made, row, SETTINGS.risk.window_sessions + 1).close)[1:]
    assert estimator.centred.tobytes() == centred_returns(returns).tobytes()


@pytest.mark.parametrize("split", [4.0, 0.1])
def test_a_split_before_the_open_changes_no_cost(split):
    """The same money is traded, of the same volume in dollars; half a tick is less than the spread in both."""
    ratio = {"symbol": "A", "session": 100, "dividend": 0.0, "split": split, "factor": split}
    plain = {day: 500.0 + 4 * (day % 2) for day in range(SESSIONS)}
    after = {day: price / split if day >= 100 else price for day, price in plain.items()}
    costs = []
    for made, shares in (
        (world({"A": plain}, sessions=SESSIONS, volume=1e6), 4000),
        (world({"A": after}, sessions=SESSIONS, volume=1e6, actions=[ratio]), int(4000 * split)),
    ):
        decision = SessionDecision(made, signals(made), SETTINGS)
        costs.append(
            decision.costs(made, 100, np.array([shares]), made.open_cents[100], is_sale=False).tolist()
        )

    assert costs[0] == costs[1]
    assert costs[0][0] > 0


def test_a_decision_is_traded_in_the_next_session_of_the_exchange(market):
    """2024-03-29 is Good Friday."""
    decision = SessionDecision(market, signals(market), SETTINGS)
    row = market.row(np.datetime64("2024-03-28"))

    made = decision.decide(row, Account(np.zeros(len(NAMES), dtype=np.int64), 10**9))

    assert made.lines.trading.trade_date == session_after(date(2024, 3, 28)) == date(2024, 4, 1)


def test_an_approved_buy_is_the_shares_times_the_price_of_the_decision(market):
    made_for = SessionDecision(market, signals(market), SETTINGS)

    orders = made_for.orders(market, 80, Account(np.zeros(len(NAMES), dtype=np.int64), 10**9))

    assert orders.buys.any()
    assert (orders.ceiling_cents == orders.buys * market.price_cents[80]).all()


def test_fills_at_a_dearer_open_stay_within_the_approved_money(market):
    course = run(market, signals(market), last=71)

    approved = course.ordered_buys[0] * market.price_cents[70]
    assert (course.buys[1] * course.fill_price[1] <= approved).all()
    assert course.buys[1].any()


@pytest.mark.parametrize("unusable", [np.nan, 0.25])  # no name can be scored; all scores are equal
def test_without_usable_scores_nothing_is_decided_as_in_the_daily_run(market, unusable):
    given = signals(market)
    given.scores[75:80] = unusable
    thriftless = SETTINGS.portfolio.model_copy(update={"costs_per_year": 0.0, "keep_rank_multiple": 1.0})
    settings = SETTINGS.model_copy(update={"portfolio": thriftless})

    course = run(market, given, last=80, settings=settings)

    made_for = SessionDecision(market, given, SETTINGS)
    assert made_for.decide(76, Account(course.shares[6], int(course.cash[6]))) is None
    assert course.buys[5].any()
    assert not course.ordered_buys[5:10].any()
    assert not course.ordered_sells[5:10].any()
    assert course.ordered_sells[10].any()


def test_on_a_lost_session_nothing_is_decided_as_in_the_daily_run(market):
    account = Account(np.zeros(len(NAMES), dtype=np.int64), 10**9)
    lost = replace(market, is_lost=np.arange(SESSIONS) == 80)

    decided = [SessionDecision(one, signals(one), SETTINGS).decide(80, account) for one in (market, lost)]

    assert decided[0] is not None
    assert decided[1] is None


def test_equal_scores_are_usable_where_the_model_does_not_rank(market):
    given = signals(market, ranks=False)
    given.scores[:] = 0.0

    assert run(market, given, last=72).ordered_buys.any()


def test_a_dividend_receivable_is_not_money_to_invest(market):
    made_for = SessionDecision(market, signals(market), SETTINGS)
    nothing = np.zeros(len(NAMES), dtype=np.int64)
    owed = Account(nothing, 10**9, (Receivable(0, 10**8, 99),))

    with_receivable, without = made_for.decide(80, owed), made_for.decide(80, Account(nothing, 10**9))

    assert with_receivable.plan.buys.tolist() == without.plan.buys.tolist()


# issue 13, done when 4
@pytest.mark.parametrize("settings", [SETTINGS, with_stops()])
def test_the_decisions_of_a_walk_are_the_same_when_nothing_later_exists(market, settings):
    stops = np.full(SESSIONS, 0.1)
    whole = run(market, signals(market, stop_loss_frac=stops), last=100, settings=settings)
    cut = until(market, 85)
    part = run(cut, signals(cut, stop_loss_frac=stops), last=85, settings=settings)

    assert part.sessions.tolist() == DAYS[70:86].tolist()
    assert part.ordered_buys.tobytes() == whole.ordered_buys[:16].tobytes()
    assert part.equity.tobytes() == whole.equity[:16].tobytes()
