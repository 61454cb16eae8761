"""Each check holds to its limit exactly: at the limit a day passes, a step beyond it none does (issue 10, part 2)."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from tasks.core.text import percent
from tasks.portfolio.stops import StopWindow
from tasks.safety.facts import read_quotes
from tests.builders import FRIDAY, make_panel, make_settings
from tests.safety_days import make_champion, make_day, make_regime, make_trades
from tests.unit.safety.test_safety_table import outcome_of

BUYS = make_trades(*((symbol, "BUY", 2000, 50.0) for symbol in "BCDE"))  # 40% of the portfolio
QUOTES = make_day().quotes


def with_cash_after(change_usd):
    after = make_day().after.copy()
    after.loc["CASH", "shares"] += change_usd
    return make_day(after=after)


def with_shares_after(change):
    after = make_day().after.copy()
    after.loc["B", "shares"] += change
    return make_day(after=after)


def with_costs(usd):
    return make_day(trades=make_day().trades.assign(commission_est=0.0, slippage_est=[usd, 0.0]))


def with_price(price):
    return make_day(trades=make_trades(("C", "BUY", 100, price)))


def with_volume(usd, *, median_usd=1e8):
    quotes = replace(
        QUOTES, adv_usd=pd.Series(usd, list("ABCDE")), median_volume_usd=pd.Series(median_usd, list("ABCDE"))
    )
    return make_day(quotes=quotes, trades=make_trades(("C", "BUY", 1200, 50.0)))


def trained(days_ago):
    return make_day(champion=make_champion(trained_through=FRIDAY - timedelta(days=days_ago)))


def set_to(dotted, value, **changed):
    return make_day(settings=make_settings(**{dotted: value}), **changed)


# Functions, so that a process builds only the days of the tests that it runs.
AT_AND_BEYOND = {
    "the age of the champion": ("champion_age", lambda: trained(35), lambda: trained(36)),
    "a champion of this very session": ("champion_age", lambda: trained(0), lambda: trained(-1)),
    "equity": (
        "equity",
        lambda: make_day(book=replace(make_day().book, equity_usd=1_000_000.009)),
        lambda: make_day(book=replace(make_day().book, equity_usd=1_000_000.02)),
    ),
    "a book worth something": (
        "equity",
        lambda: make_day(holdings={}, cash_usd=0.01),
        lambda: make_day(holdings={}, cash_usd=0.0),
    ),
    "the sum of weights": (
        "weights_sum",
        lambda: make_day(target_cash=0.8900009),
        lambda: make_day(target_cash=0.8899980),
    ),
    "no weight below nothing": (
        "long_only",
        lambda: make_day(target={"B": -1e-10, "C": 0.06}),
        lambda: make_day(target={"B": -1e-8, "C": 0.06}),
    ),
    "no cash below nothing": (
        "long_only",
        lambda: make_day(target_cash=0.0),
        lambda: make_day(target_cash=-1e-8),
    ),
    "a position": (
        "position_limit",
        lambda: make_day(target={"B": 0.15}),
        lambda: make_day(target={"B": 0.15 + 1e-8}),
    ),
    "a sector": (
        "sector_limit",
        lambda: set_to("portfolio.max_sector_frac", 0.06),
        lambda: set_to("portfolio.max_sector_frac", 0.06 - 1e-8),
    ),
    "a cap class": (
        "cap_class_limit",
        lambda: set_to("portfolio.max_cap_class_frac", {"large": 0.11, "mid": 1.0, "small": 1.0}),
        lambda: set_to("portfolio.max_cap_class_frac", {"large": 0.11 - 1e-8, "mid": 1.0, "small": 1.0}),
    ),
    "a price above the close": ("price_deviation", lambda: with_price(55.0), lambda: with_price(55.01)),
    "a price below the close": ("price_deviation", lambda: with_price(45.0), lambda: with_price(44.99)),
    "a price in cents": ("sub_penny", lambda: with_price(50.01), lambda: with_price(50.011)),
    "a dollar in cents": ("sub_penny", lambda: with_price(1.01), lambda: with_price(1.0001)),
    "a price below a dollar": ("sub_penny", lambda: with_price(0.9999), lambda: with_price(0.99991)),
    "one trade": (
        "trade_size",
        lambda: make_day(trades=make_trades(("C", "BUY", 2000, 50.0))),
        lambda: make_day(trades=make_trades(("C", "BUY", 2001, 50.0))),
    ),
    "a size out of all proportion": (
        "fat_finger",
        lambda: with_volume(1e8, median_usd=120_000.0),
        lambda: with_volume(1e8, median_usd=119_999.0),
    ),
    "a share of the volume": (
        "liquidity",
        lambda: with_volume(1_200_000.0),
        lambda: with_volume(1_199_000.0),
    ),
    "the buys of a day": (
        "buys",
        lambda: make_day(trades=BUYS),
        lambda: set_to("safety.max_buys_frac", 0.3999, trades=BUYS),
    ),
    "costs": ("costs", lambda: with_costs(5000.0), lambda: with_costs(5000.01)),
    "no costs at all": ("costs", lambda: with_costs(0.0), lambda: with_costs(-0.01)),
    "the number of trades": (
        "daily_count",
        lambda: set_to("trades.max_trades", 2),
        lambda: set_to("trades.max_trades", 1),
    ),
    "buys and sells of a day": (
        "daily_notional",
        lambda: set_to("safety.max_daily_notional_frac", 0.11),
        lambda: set_to("safety.max_daily_notional_frac", 0.1099),
    ),
    "what is sold": (
        "sells_are_held",
        lambda: make_day(trades=make_trades(("A", "SELL", 1000, 50.0))),
        lambda: make_day(trades=make_trades(("A", "SELL", 1001, 50.0))),
    ),
    "the last dollar": (
        "cash",
        lambda: make_day(cash_usd=1003.0, trades=make_trades(("C", "BUY", 20, 50.0))),
        lambda: make_day(cash_usd=1002.99, trades=make_trades(("C", "BUY", 20, 50.0))),
    ),
    "debt that shrinks, and debt that grows": (
        "cash",
        lambda: make_day(cash_usd=-10_000.0, trades=make_trades(("A", "SELL", 1, 50.0))),
        lambda: make_day(cash_usd=-10_000.0, trades=make_trades(("A", "SELL", 1, 2.0))),
    ),
    "debt without trades, and debt that grows by a fee": (
        "cash",
        lambda: make_day(cash_usd=-10_000.0, trades=make_trades()),
        lambda: make_day(cash_usd=-10_000.0, trades=make_trades(("A", "SELL", 1, 2.99))),
    ),
    "debt and a purchase": (
        "cash",
        lambda: make_day(cash_usd=-10_000.0, trades=make_trades(("A", "SELL", 100, 50.0))),
        lambda: make_day(
            cash_usd=-10_000.0, trades=make_trades(("A", "SELL", 100, 50.0), ("C", "BUY", 1, 50.0))
        ),
    ),
    "a buy a share past its target": (
        "towards_target",
        lambda: make_day(trades=make_trades(("C", "BUY", 1201, 50.0))),
        lambda: make_day(trades=make_trades(("C", "BUY", 1202, 50.0))),
    ),
    "a sale a share past its target": (
        "towards_target",
        lambda: make_day(trades=make_trades(("B", "SELL", 101, 50.0)), target={"B": 0.045}),
        lambda: make_day(trades=make_trades(("B", "SELL", 102, 50.0)), target={"B": 0.045}),
    ),
    "cash to the cent": ("after_agrees", lambda: with_cash_after(0.005), lambda: with_cash_after(0.02)),
    "cash to the cent below": (
        "after_agrees",
        lambda: with_cash_after(-0.005),
        lambda: with_cash_after(-0.02),
    ),
    "shares": ("after_agrees", lambda: with_shares_after(1e-7), lambda: with_shares_after(1e-5)),
    "shares below": ("after_agrees", lambda: with_shares_after(-1e-7), lambda: with_shares_after(-1e-5)),
    "a notional to the cent": (
        "structure",
        lambda: make_day(trades=make_day().trades.assign(notional=[50_000.005, 60_000.0])),
        lambda: make_day(trades=make_day().trades.assign(notional=[50_000.02, 60_000.0])),
    ),
}


@pytest.mark.parametrize(("name", "at", "beyond"), AT_AND_BEYOND.values(), ids=AT_AND_BEYOND.keys())
def test_at_the_limit_a_day_passes_and_a_step_beyond_it_does_not(name, at, beyond):
    assert outcome_of(name, at()).passed
    assert not outcome_of(name, beyond()).passed


def test_the_market_is_read_from_the_last_session_and_the_windows_before_it():
    panel = make_panel(sessions=100, symbols=3)
    traded = panel.dollar_volume.copy()
    traded[-1, 0] = np.nan  # no bar counts as nothing traded
    traded[-22, 1] = 1e15  # before the window
    traded[-21, 2] = 1e15  # its first session
    raw = panel.raw_close.copy()
    raw[-1] = [np.nan, 0.25, 0.0]
    is_member = panel.is_member.copy()
    is_member[-1, 2] = False

    quotes = read_quotes(replace(panel, dollar_volume=traded, raw_close=raw, is_member=is_member))

    window = np.nan_to_num(traded[-21:])
    assert quotes.session == FRIDAY
    assert quotes.last_close.to_dict() == {"S001": 0.25}
    assert quotes.adv_usd.to_numpy() == pytest.approx(window.mean(axis=0))
    assert quotes.median_volume_usd.to_numpy() == pytest.approx(np.median(window, axis=0))
    assert quotes.members == {"S000", "S001"}
    assert quotes.sector.to_dict() == dict(zip(panel.symbols, panel.sector, strict=True))
    assert quotes.cap_class.to_dict() == dict.fromkeys(panel.symbols, "large")
    assert quotes.returns.shape == (63, 3)
    assert quotes.returns["S001"].to_numpy() == pytest.approx(
        panel.close[-63:, 1] / panel.close[-64:-1, 1] - 1
    )


def test_the_closest_pair_is_of_names_that_are_wanted():
    returns = QUOTES.returns.assign(D=QUOTES.returns["B"], C=-QUOTES.returns["B"])
    pair = {"B": 0.05, "C": 0.06}

    opposite = outcome_of("correlation", make_day(quotes=replace(QUOTES, returns=returns), target=pair))
    alone = outcome_of("correlation", make_day(target={"B": 0.05, "C": 0.0}))

    assert (opposite.value, opposite.detail) == ("-1.00", "B and C")  # D, which is like B, is not wanted
    assert (alone.passed, alone.value, alone.limit) == (True, "no pair", opposite.limit)


@pytest.mark.parametrize(
    ("sessions", "closest"), [(0, "-1.00, B and C"), (19, "-1.00, B and C"), (20, "1.00, B and D")]
)
def test_a_pair_counts_as_correlated_from_twenty_common_sessions_on(sessions, closest):
    late = QUOTES.returns["B"].where(np.arange(63) >= 63 - sessions)
    returns = QUOTES.returns.assign(C=-QUOTES.returns["B"], D=late)

    check = outcome_of(
        "correlation",
        make_day(quotes=replace(QUOTES, returns=returns), target=dict.fromkeys("BCD", 0.05)),
    )

    assert f"{check.value}, {check.detail}" == closest


@pytest.mark.parametrize(
    ("large", "mid", "value", "limit"),
    [(0.9, 0.1, "mid 5.00%", "≤ 10.00%"), (0.25, 0.9, "large 20.00%", "≤ 25.00%")],
)
def test_a_group_is_reported_by_the_one_that_stands_closest_to_its_own_limit(large, mid, value, limit):
    limits = {"large": large, "mid": mid, "small": 1.0}
    day = set_to("portfolio.max_cap_class_frac", limits, target={"B": 0.10, "C": 0.10, "D": 0.05})

    check = outcome_of("cap_class_limit", day)

    assert (check.value, check.limit) == (value, limit)


def test_names_without_a_cap_class_are_under_no_limit_of_one():
    quotes = replace(QUOTES, cap_class=pd.Series("", list("ABCDE")))

    check = outcome_of("cap_class_limit", make_day(quotes=quotes))

    assert (check.passed, check.value, check.limit) == (True, "no group", "none set")


def test_only_a_champion_that_knows_later_prices_is_said_to():
    assert outcome_of("champion_age", trained(0)).detail == ""
    assert outcome_of("champion_age", trained(-1)).detail.endswith("2024-06-15, after this session")


def test_a_volatility_that_nobody_knows_reduces_the_exposure():
    unknown = make_regime(inputs={})
    rules = make_day().settings.regime
    most = rules.exposure_cap["BULL"] * rules.reduced_exposure

    at, beyond = (
        outcome_of("regime_cap", make_day(regime=unknown, target={"B": weight, "C": most / 2}))
        for weight in (most / 2, most / 2 + 1e-6)
    )

    assert (at.passed, at.limit) == (True, f"≤ {percent(most, 2)}")
    assert (beyond.passed, beyond.limit) == (False, at.limit)


def test_data_is_as_old_as_the_older_of_snapshot_and_bars():
    day = make_day(snapshot_session=date(2024, 6, 12), quotes=replace(QUOTES, session=date(2024, 6, 13)))

    assert outcome_of("data_freshness", day).value == "2024-06-12"


def test_a_line_of_no_shares_is_not_a_position_that_a_purchase_could_add_to():
    no_new = make_regime(allows_new_positions=False)
    dust = make_day(holdings={"A": 1000.0, "B": 1000.0, "C": 0.0}, regime=no_new)
    held = make_day(holdings={"A": 1000.0, "B": 1000.0, "C": 0.5}, regime=no_new)

    assert not outcome_of("new_positions", dust).passed
    assert outcome_of("new_positions", held).passed


def test_the_falls_are_those_of_the_closes_in_the_window_of_the_stop():
    panel = make_panel(sessions=100, symbols=2)
    close = np.full(panel.close.shape, 50.0)
    close[-6, 0], close[-5, 1], close[-1] = 1000.0, 100.0, 40.0

    quotes = read_quotes(replace(panel, close=close), stops=StopWindow(5, 1))

    assert quotes.fall.to_dict() == {"S000": pytest.approx(0.2), "S001": pytest.approx(0.6)}


def test_a_session_without_a_bar_adds_not_a_dollar_to_the_volume():
    panel = make_panel(sessions=100, symbols=3)
    traded = np.full(panel.dollar_volume.shape, 21.0)
    traded[-7:, 1] = np.nan
    traded[:, 2] = np.nan

    quotes = read_quotes(replace(panel, dollar_volume=traded))

    assert quotes.adv_usd.tolist() == [21.0, 14.0, 0.0]
    assert quotes.median_volume_usd.tolist() == [21.0, 21.0, 0.0]
