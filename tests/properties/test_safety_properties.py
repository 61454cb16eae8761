"""A planted fault of any size fails its check; any clean portfolio passes every check."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.safety.facts import Facts
from tasks.safety.kill_switch.switch import CLEAR, parse_switch
from tasks.safety.schema import Check
from tasks.safety.table import CHECKS, COULD_NOT_RUN, run_checks
from tests.builders import make_settings
from tests.safety_days import make_day, make_trades

EXAMPLES = settings(max_examples=25)
CLEAN = make_day()
SYMBOLS = ["A", "B", "C", "D", "E"]
not_a_number = st.sampled_from([float("nan"), float("inf"), -float("inf")])
share = st.floats(0, 1)


def outcome_of(name: str, facts: Facts) -> Check:
    (check,) = run_checks(facts, ((name, dict(CHECKS)[name]),))
    assert check.value != COULD_NOT_RUN, check.detail
    return check


@st.composite
def clean_days(draw: st.DrawFn) -> Facts:
    """Draw a portfolio within all limits and trades that lead part of the way from the holdings to it."""
    target = {symbol: draw(st.floats(0, 0.09)) for symbol in SYMBOLS}
    held = {symbol: float(draw(st.integers(0, 1800))) for symbol in SYMBOLS}
    trades = []
    for symbol in SYMBOLS:
        gap = int(target[symbol] * 1e6 / 50) - int(held[symbol])
        shares = int(abs(gap) * draw(share))
        if shares:
            trades.append((symbol, "BUY" if gap > 0 else "SELL", shares, 50.0))
    held = {symbol: shares for symbol, shares in held.items() if shares}
    cash = 1e6 - sum(shares * 50 for shares in held.values())
    return make_day(holdings=held, cash_usd=cash, target=target, trades=make_trades(*trades))


@given(clean_days())
@EXAMPLES
def test_a_clean_day_passes_every_check(facts):
    assert [check for check in run_checks(facts) if not check.passed] == []


@given(clean_days())
@EXAMPLES
def test_fault_041_a_target_that_is_held_needs_no_trades_and_is_clean(facts):
    as_held = facts.held_weight.to_dict()
    at_target = make_day(
        holdings=facts.held.to_dict(), cash_usd=facts.book.cash_usd, target=as_held, trades=make_trades()
    )

    assert [check for check in run_checks(at_target) if not check.passed] == []


@given(st.sampled_from(SYMBOLS), st.floats(-1, -1e-6) | not_a_number)
@EXAMPLES
def test_fault_030_a_negative_or_unknown_weight_is_found(symbol, weight):
    target = CLEAN.target.copy()
    target.loc[symbol, "weight"] = weight if weight != float("inf") else float("nan")

    assert not outcome_of("long_only", replace(CLEAN, target=target)).passed


@given(st.floats(2e-6, 1) | st.floats(-1, -2e-6) | not_a_number)
@EXAMPLES
def test_fault_031_weights_that_do_not_sum_to_one_are_found(error):
    off = replace(CLEAN, target_cash=CLEAN.target_cash + error)

    assert not outcome_of("weights_sum", off).passed


@given(st.sampled_from(SYMBOLS), st.floats(0.150001, 1) | st.just(float("nan")))
@EXAMPLES
def test_fault_032_a_position_beyond_its_limit_is_found(symbol, weight):
    target = CLEAN.target.copy()
    target.loc[symbol, "weight"] = weight

    assert not outcome_of("position_limit", replace(CLEAN, target=target)).passed


@given(st.floats(1e-6, 0.5))
@EXAMPLES
def test_fault_032_a_sector_beyond_its_limit_is_found(excess):
    sector = pd.Series("Energy", SYMBOLS)
    target = pd.DataFrame({"weight": (0.30 + excess) / 5}, index=SYMBOLS)

    broken = replace(CLEAN, target=target, quotes=replace(CLEAN.quotes, sector=sector))

    assert not outcome_of("sector_limit", broken).passed


@given(st.sampled_from([("large", 0.70), ("mid", 0.25), ("small", 0.05)]), st.floats(1e-6, 0.3))
@EXAMPLES
def test_fault_032_a_cap_class_beyond_its_limit_is_found(limited, excess):
    cap_class, limit = limited
    target = pd.DataFrame({"weight": (limit + excess) / 5}, index=SYMBOLS)
    quotes = replace(CLEAN.quotes, cap_class=pd.Series(cap_class, SYMBOLS))

    assert not outcome_of("cap_class_limit", replace(CLEAN, target=target, quotes=quotes)).passed


@given(st.sampled_from([("CRASH", 0.0), ("BEAR", 0.3), ("NEUTRAL", 0.7)]), st.floats(1e-6, 0.3))
@EXAMPLES
def test_more_exposure_than_the_regime_allows_is_found_whatever_cap_was_handed_on(regime, excess):
    state, cap = regime
    target = pd.DataFrame({"weight": (cap + excess) / 5}, index=SYMBOLS)
    claimed = replace(CLEAN.regime, state=state, exposure_cap=1.0)

    assert not outcome_of("regime_cap", replace(CLEAN, target=target, regime=claimed)).passed


@given(st.floats(-1e7, 0) | not_a_number)
@EXAMPLES
def test_fault_033_a_portfolio_of_no_value_is_found(equity):
    cash = equity - sum(line.value_usd for line in CLEAN.book.holdings)
    ruined = replace(CLEAN.book, cash_usd=cash, equity_usd=equity)

    assert not outcome_of("equity", replace(CLEAN, book=ruined)).passed


@given(st.integers(1, 10**6), st.sampled_from(SYMBOLS))
@EXAMPLES
def test_fault_036_selling_more_than_is_held_is_found(excess, symbol):
    shares = int(CLEAN.held.get(symbol, 0.0)) + excess
    over = replace(CLEAN, trades=make_trades((symbol, "SELL", shares, 50.0)))

    assert not outcome_of("sells_are_held", over).passed


@given(st.sampled_from(SYMBOLS), st.sampled_from(["BUY", "SELL"]), st.sampled_from(["BUY", "SELL"]))
@EXAMPLES
def test_fault_037_a_symbol_traded_twice_is_found(symbol, one, other):
    twice = make_trades((symbol, one, 10, 50.0), (symbol, other, 10, 50.0))

    assert not outcome_of("duplicates", replace(CLEAN, trades=twice)).passed


@given(st.integers(101, 99_999), st.floats(0.01, 0.99))
@EXAMPLES
def test_fault_038_a_sub_penny_price_is_found(cents, part):
    finer = make_trades(("A", "SELL", 1, (cents + part) / 100))

    assert not outcome_of("sub_penny", replace(CLEAN, trades=finer)).passed


@given(st.integers(2001, 10**6), st.sampled_from(["BUY", "SELL"]))
@EXAMPLES
def test_fault_039_a_trade_beyond_its_share_of_the_portfolio_is_found(shares, side):
    large = make_trades(("A", side, shares, 50.0))

    assert not outcome_of("trade_size", replace(CLEAN, trades=large)).passed


@given(st.floats(1, 1e5), st.floats(1.001, 1000))
@EXAMPLES
def test_fault_039_a_trade_beyond_its_share_of_the_volume_is_found(shares, times):
    quotes = replace(CLEAN.quotes, adv_usd=pd.Series(shares * 50.0 / 0.05 / times, SYMBOLS))
    large = replace(CLEAN, quotes=quotes, trades=make_trades(("A", "SELL", shares, 50.0)))

    assert not outcome_of("liquidity", large).passed


@given(st.integers(1, 19_000), st.floats(0.01, 1e5))
@EXAMPLES
def test_fault_040_buys_beyond_the_cash_after_sells_are_found(shares, lacking):
    cost = 2 * 3.0  # two trades
    cash = shares * 50 - 1000 * 50 + cost - lacking
    trades = make_trades(("A", "SELL", 1000, 50.0), ("C", "BUY", shares, 50.0))

    facts = make_day(holdings={"A": 1000.0, "B": 19_000.0}, cash_usd=cash, trades=trades)

    assert not outcome_of("cash", facts).passed


@given(not_a_number | st.floats(max_value=0, allow_nan=False))
@EXAMPLES
def test_an_invalid_price_is_found(price):
    odd = make_trades(("A", "SELL", 1, price))

    assert not outcome_of("valid_prices", replace(CLEAN, trades=odd)).passed


@given(st.floats(0.1001, 10), st.booleans())
@EXAMPLES
def test_a_price_far_from_the_last_close_is_found(deviation, is_above):
    price = 50 * (1 + deviation) if is_above else 50 / (1 + deviation / 0.89)
    far = make_trades(("A", "SELL", 1, price))

    assert not outcome_of("price_deviation", replace(CLEAN, trades=far)).passed


@given(st.floats(5000.01, 1e9) | not_a_number)
@EXAMPLES
def test_costs_beyond_their_limit_are_found(cost):
    dear = make_trades(("A", "SELL", 1, 50.0)).assign(slippage_est=cost)

    assert not outcome_of("costs", replace(CLEAN, trades=dear)).passed


@pytest.mark.parametrize(
    "name", ["buys", "daily_notional", "trade_size", "fat_finger", "cash", "liquidity", "after_limits"]
)
@given(value=not_a_number)
@settings(max_examples=10)
def test_a_trade_of_unknown_size_fails_every_sum(name, value):
    unknown = make_trades(("A", "BUY", 1, 50.0)).assign(price=value)

    with np.errstate(invalid="ignore"):
        assert not outcome_of(name, replace(CLEAN, trades=unknown)).passed


@given(st.integers(0, 4), st.sampled_from(["score"]), not_a_number)
@EXAMPLES
def test_a_score_that_is_not_a_number_is_found(place, column, value):
    scores = CLEAN.scores.copy()
    scores.iloc[place, scores.columns.get_loc(column)] = value

    assert not outcome_of("finite_scores", replace(CLEAN, scores=scores)).passed


@given(st.integers(1, 49), st.integers(1, 200))
@EXAMPLES
def test_more_trades_than_a_day_may_have_are_found(limit, excess):
    many = make_trades(*(("A", "SELL", 1, 50.0) for _ in range(limit + excess)))

    facts = make_day(settings=make_settings(**{"trades.max_trades": limit}), trades=many)

    assert not outcome_of("daily_count", facts).passed


@given(st.binary(max_size=200))
@settings(max_examples=200)
def test_fault_043_no_random_bytes_read_as_clear(content):
    assert parse_switch(content).event.state != CLEAR


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
    )
)
@settings(max_examples=100)
def test_fault_043_no_other_json_reads_as_clear(record):
    assert parse_switch(json.dumps(record).encode()).is_on
