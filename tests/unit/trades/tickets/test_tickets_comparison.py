"""What a decision is compared with: the earlier session as it was, by today's symbols and today's settings."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tasks.data.panel.companies import company_index
from tasks.portfolio.arrays import value_held
from tasks.portfolio.frame import SessionArrays
from tasks.risk.covariance import estimator_of
from tasks.trades.rules import trade_rules_of
from tasks.trades.tickets.comparison import Earlier, Today, compare
from tasks.trades.tickets.previous import PreviousDecision
from tasks.trades.tickets.task import signed_cents
from tests.builders import FRIDAY, make_panel, make_settings
from tests.unit.trades.tickets.ticket_worlds import COUNT, FREE, VIEW, make_situation

AGO, SESSIONS = 3, 300
THEN = SESSIONS - 1 - AGO  # row of the earlier session
STATES = {"CRASH": 0.1, "BEAR": 0.2, "NEUTRAL": 0.3, "BULL": 0.4}
SETTINGS = make_settings(
    **{
        **FREE,
        "risk.window_sessions": 120,
        "regime.stop_loss_frac": STATES,
        "regime.size_multiplier": {state: 2 * value for state, value in STATES.items()},
        "regime.max_buys_frac": {state: value / 2 for state, value in STATES.items()},
    }
)
# S003 was OLD on the earlier session; S010 had no bar yet, and NEW is not in the panel at all
SYMBOLS = pd.Index([f"S{place:03d}" for place in range(COUNT - 1)] + ["NEW"])
DECISION = PreviousDecision(
    session=make_panel(sessions=SESSIONS).sessions[THEN].item(),
    weights={"OLD": 0.25, "S001": 0.5, "GONE": 0.1},
    scores={"OLD": 2.0, "S001": -1.0, "S002": 0.5, "GONE": 3.0},
    ranks=False,
    score_to_return=0.7,
    optimizer="hrp",
    state="BEAR",
    volatility_pct=18.0,
    reductions_only=True,
    quarantined=("OLD", "S005"),
    model_name="lightgbm",
    model_sha256="a",
    basis="b",
)


def make_earlier_panel():
    """Return a market in which S004 has hardly any returns, and S006 no bar on the earlier session."""
    panel = make_panel(sessions=SESSIONS, symbols=COUNT + 3)
    rng = np.random.default_rng(1)
    for values in (panel.close, panel.raw_close, panel.dollar_volume):
        values[: THEN - 20, 4] = np.nan
        values[THEN, 6] = np.nan
    panel.dollar_volume[THEN - 5, 2] = np.nan
    panel.raw_close[:] *= 2.0
    panel.volatility_index[:] = rng.uniform(12, 24, SESSIONS)
    return panel


def make_companies(former="OLD"):
    """Return companies of which `former` was renamed to S003 today."""
    lives = pd.DataFrame(
        {
            "symbol": ["OLD", *(symbol for symbol in SYMBOLS if symbol != "NEW")],
            "first": np.array(["2020-01-02"] * COUNT, dtype="datetime64[s]"),
        }
    )
    lives.loc[lives["symbol"] == "S003", "first"] = pd.Timestamp(FRIDAY)
    reused = pd.DataFrame({"symbol": [former], "first": np.array([FRIDAY], dtype="datetime64[s]")})
    renames = pd.DataFrame(
        {"old": [former], "new": ["S003"], "session": np.array([FRIDAY], dtype="datetime64[s]")}
    )
    return company_index(lives if former == "OLD" else pd.concat([lives, reused]), renames)


def make_earlier(panel=None, **changes):
    return Earlier(
        **{
            "decision": DECISION,
            "panel": make_earlier_panel() if panel is None else panel,
            "sessions_ago": AGO,
            "companies": make_companies(),
            "flow_usd": 100.0,
            "is_same_basis": True,
            **changes,
        }
    )


def make_today():
    now = make_situation()
    held = value_held(np.arange(COUNT, dtype=float), now.names.price, 1_000.0)
    arrays = SessionArrays(SYMBOLS, ("Energy", "Technology"), now.names, held)
    returns = pd.DataFrame(
        np.random.default_rng(3).normal(0, 0.01, (120, 3)), columns=["S002", "NEW", "S000"]
    )
    return Today(SETTINGS, arrays, VIEW, returns, now.trade_rules, now.trading)


def test_todays_estimate_is_found_by_the_places_of_todays_names():
    today = make_today()

    risk = today.situation.risk

    assert risk.column.tolist() == [2, -1, 0, -1, -1, -1, -1, -1, -1, 1]
    expected = estimator_of(today.returns.to_numpy(), SETTINGS.risk).among(np.array([2, 1]))
    np.testing.assert_array_equal(risk.among(np.array([0, 9])), expected)
    assert today.situation.names is today.arrays.names


def test_the_earlier_session_is_seen_by_its_own_prices():
    panel, before = make_earlier_panel(), compare(make_today(), make_earlier()).before

    in_panel = slice(0, COUNT - 1)
    volumes = np.nan_to_num(panel.dollar_volume[THEN - 20 : THEN + 1, in_panel]).mean(axis=0)
    moves = np.diff(np.log(panel.close[THEN - 63 : THEN + 1, in_panel]), axis=0)
    fall = np.zeros(COUNT - 1)
    regime = SETTINGS.regime
    for row in range(THEN + 1 - regime.stop_pause_sessions, THEN + 1):
        high = np.nanmax(panel.close[row + 1 - regime.stop_high_sessions : row + 1, in_panel], axis=0)
        fall = np.fmax(fall, 1 - panel.close[row, in_panel] / high)
    np.testing.assert_allclose(before.names.adv_usd[:-1], volumes)
    np.testing.assert_allclose(before.names.daily_volatility[:-1], np.nanstd(moves, axis=0, ddof=1))
    np.testing.assert_allclose(before.names.fall[:-1], fall)
    assert np.flatnonzero(~before.names.has_quote).tolist() == [6, COUNT - 1]
    assert np.isnan(before.names.adv_usd[-1])
    assert np.isnan(before.names.daily_volatility[-1])
    assert before.names.fall[-1] == 0.0


def test_a_name_that_is_not_in_the_panel_has_no_quote_fall_or_volume_of_another():
    panel = make_earlier_panel()
    panel.close[:, -1] = np.linspace(100, 1, SESSIONS)  # the last column belongs to no name of today

    names = compare(make_today(), make_earlier(panel)).before.names

    assert (names.has_quote[-1], names.fall[-1]) == (False, 0.0)
    assert not np.isfinite([names.adv_usd[-1], names.daily_volatility[-1]]).any()


def test_the_earlier_risk_is_estimated_from_the_returns_up_to_its_session():
    panel, before = make_earlier_panel(), compare(make_today(), make_earlier()).before

    returns = panel.close[THEN - 119 : THEN + 1] / panel.close[THEN - 120 : THEN] - 1
    known = [place for place in range(COUNT + 3) if place != 4]
    expected = estimator_of(returns[:, known], SETTINGS.risk).among(np.array([0, 4]))
    assert np.flatnonzero(~before.names.has_risk).tolist() == [4, COUNT - 1]
    assert before.risk.column.tolist() == [0, 1, 2, 3, -1, 4, 5, 6, 7, -1]
    np.testing.assert_allclose(before.risk.among(np.array([0, 5])), expected)


def test_scores_and_quarantine_belong_to_the_company_whatever_its_symbol_is_today():
    names = compare(make_today(), make_earlier()).before.names

    np.testing.assert_array_equal(names.score, [np.nan, -1.0, 0.5, 2.0, *[np.nan] * 6])
    assert names.is_scored.tolist() == [False, True, True, True, *[False] * 6]
    assert np.flatnonzero(names.is_quarantined).tolist() == [3, 5]
    assert (names.price == 1.0).all()


def test_a_symbol_that_another_company_has_today_means_the_company_of_then():
    names = compare(make_today(), make_earlier(companies=make_companies("S001"))).before.names

    assert names.score[[1, 3]].tolist() == pytest.approx([np.nan, -1.0], nan_ok=True)


def test_a_company_has_todays_symbol_and_an_unknown_symbol_stays():
    """The index knows one company."""
    days = np.array(["2020-01-02", FRIDAY], dtype="datetime64[s]")
    lives = pd.DataFrame({"symbol": ["OLD", "S003"], "first": days})
    renames = pd.DataFrame({"old": ["OLD"], "new": ["S003"], "session": days[1:]})

    names = compare(make_today(), make_earlier(companies=company_index(lives, renames))).before.names

    assert names.score[[1, 2, 3]].tolist() == [-1.0, 0.5, 2.0]


def test_a_share_of_a_few_cents_has_a_quote():
    panel = make_earlier_panel()
    panel.raw_close[:, 1] = 0.02

    assert compare(make_today(), make_earlier(panel)).before.names.has_quote[1]


def test_the_earlier_view_is_that_days_regime_under_todays_settings():
    today, panel = make_today(), make_earlier_panel()

    before = compare(today, make_earlier(panel)).before

    index = SETTINGS.costs.volatility_index
    levels = panel.volatility_index[THEN + 1 - index.mean_sessions : THEN + 1]
    ratio = np.clip(levels[-1] / levels.mean(), index.min_multiplier, index.max_multiplier)
    assert (before.view.ranks, before.view.score_to_return, before.view.optimizer) == (False, 0.7, "hrp")
    assert before.view.exposure_cap == SETTINGS.regime.exposure_cap["BEAR"]
    assert before.view.allows_new_positions
    assert (before.view.size_multiplier, before.view.stop_loss_frac) == (0.4, 0.2)
    assert before.trade_rules == trade_rules_of(SETTINGS, max_buys_frac=0.1)
    assert before.trading == replace(today.trading, index_multiplier=ratio, reductions_only=True)
    crash = replace(DECISION, state="CRASH")
    assert not compare(today, make_earlier(panel, decision=crash)).before.view.allows_new_positions


@pytest.mark.parametrize("rows", [slice(THEN + 1, None), slice(None, THEN - 240)])
def test_no_later_session_and_no_old_one_counts(rows):
    changed = make_earlier_panel()
    for values in (changed.close, changed.raw_close, changed.dollar_volume, changed.volatility_index):
        values[rows] = 7.0

    found, expected = (compare(make_today(), make_earlier(one)).before for one in (changed, None))

    for field in ("adv_usd", "daily_volatility", "fall", "has_quote", "has_risk"):
        np.testing.assert_array_equal(getattr(found.names, field), getattr(expected.names, field))
    places = np.array([0, 1, 2])
    np.testing.assert_array_equal(found.risk.among(places), expected.risk.among(places))
    assert found.trading == expected.trading


def test_what_was_settled_is_the_earlier_target_unless_the_rules_are_the_same():
    today = make_today()

    same = compare(today, make_earlier())
    other = compare(today, make_earlier(is_same_basis=False))

    assert same.settled is None
    assert other.settled.tolist() == [0.0, 0.5, 0.0, 0.25, *[0.0] * 6]
    assert same.held is today.arrays.held
    assert same.rules.sectors.names == ("sector Energy", "sector Technology")
    assert same.rules.max_position == 0.5


def test_a_decision_without_scores_or_quarantine_is_compared_too():
    empty = replace(DECISION, scores={}, weights={}, quarantined=())

    found = compare(make_today(), make_earlier(decision=empty, is_same_basis=False))

    assert not found.before.names.is_scored.any()
    assert not found.before.names.is_quarantined.any()
    assert (found.settled == 0.0).all()


def test_a_deposit_of_the_whole_equity_is_no_flow():
    today = make_today()
    equity = today.arrays.held.equity_usd

    flows = [compare(today, make_earlier(flow_usd=flow)).flow_usd for flow in (-50.0, equity - 1, equity)]

    assert flows == [-50.0, equity - 1, 0.0]


def test_without_an_earlier_day_the_holdings_are_what_an_unscored_session_keeps():
    limited = replace(
        VIEW, exposure_cap=0.5, allows_new_positions=False, size_multiplier=0.5, stop_loss_frac=0.1
    )
    today = replace(make_today(), view=limited)

    found = compare(today, None)

    view = found.before.view
    assert not found.before.names.is_scored.any()
    assert np.isnan(found.before.names.score).all()
    assert (view.exposure_cap, view.allows_new_positions, view.size_multiplier) == (1.0, True, 1.0)
    assert view.stop_loss_frac == 0.0
    assert found.before.trading == found.now.trading
    assert found.flow_usd == 0.0
    assert found.settled.tolist() == today.arrays.held.weight.tolist()


def test_trades_are_signed_whole_cents_by_the_place_of_their_name():
    trades = pd.DataFrame({"symbol": ["S004", "S001"], "side": ["SELL", "BUY"], "notional": [1234.565, 0.29]})

    cents = signed_cents(trades, SYMBOLS)

    assert cents.tolist() == [0, 29, 0, 0, round(-123456.5), *[0] * 5]
