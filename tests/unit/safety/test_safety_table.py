"""The clean day passes every check, and every check fails when what it looks for is planted."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from tasks.regime.schema import STATES
from tasks.safety.facts import Facts, Quotes, split_cash
from tasks.safety.schema import Check
from tasks.safety.table import CHECKS, COULD_NOT_RUN, run_checks
from tests.builders import make_settings
from tests.safety_days import make_champion, make_day, make_regime, make_trades

THURSDAY = date(2024, 6, 13)
NAN = float("nan")


def outcome_of(name: str, facts: Facts) -> Check:
    (check,) = run_checks(facts, ((name, dict(CHECKS)[name]),))
    return check


def with_trade_column(column: str, value: object) -> Callable[[], Facts]:
    return lambda: make_day(trades=make_day().trades.assign(**{column: value}))


def with_quotes(**changed: object) -> Quotes:
    return replace(make_day().quotes, **changed)


def with_settings(dotted: str, value: object) -> Callable[[], Facts]:
    return lambda: make_day(settings=make_settings(**{dotted: value}))


def with_fall(fall: dict[str, float], *, stop: float = 0.2, **changed: object) -> Facts:
    """Return a day with a stop, on which these names fell below their highs."""
    settings = make_settings(**{"regime.stop_loss_frac": dict.fromkeys(STATES, stop)})
    falls = pd.Series(fall, dtype=float).reindex(list("ABCDE"), fill_value=0.0)
    return make_day(settings=settings, quotes=with_quotes(fall=falls), **changed)


PLANTED: list[tuple[str, Callable[[], Facts]]] = [
    ("data_freshness", lambda: make_day(snapshot_session=THURSDAY)),
    ("data_freshness", lambda: make_day(quotes=replace(make_day().quotes, session=THURSDAY))),
    ("finite_scores", lambda: make_day(scores=pd.DataFrame({"score": [0.1, NAN]}))),
    ("finite_scores", lambda: make_day(scores=pd.DataFrame({"score": [0.1, np.inf]}))),
    ("finite_scores", lambda: make_day(scores=pd.DataFrame({"score": [0.1, 0.1]}))),
    ("finite_scores", lambda: make_day(scores=pd.DataFrame({"score": []}, dtype=float))),
    ("champion_age", lambda: make_day(champion=make_champion(trained_through=date(2024, 5, 9)))),
    ("champion_age", lambda: make_day(champion=make_champion(trained_through=date(2024, 6, 17)))),
    ("equity", lambda: make_day(book=replace(make_day().book, equity_usd=1_000_001.0))),
    ("equity", lambda: make_day(cash_usd=-200_000.0)),
    ("weights_sum", lambda: make_day(target_cash=0.8)),
    ("weights_sum", lambda: make_day(target_cash=NAN)),
    ("weights_sum", lambda: make_day(target={"B": NAN, "C": 0.06}, target_cash=0.94)),
    ("long_only", lambda: make_day(target={"B": -0.05, "C": 0.06})),
    ("long_only", lambda: make_day(target={"B": 0.5, "C": 0.6})),
    ("long_only", lambda: make_day(target={"B": NAN, "C": 0.06})),
    ("position_limit", lambda: make_day(target={"B": 0.05, "C": 0.1501})),
    ("sector_limit", with_settings("portfolio.max_sector_frac", 0.055)),
    (
        "cap_class_limit",
        with_settings("portfolio.max_cap_class_frac", {"large": 0.1, "mid": 1.0, "small": 1.0}),
    ),
    ("regime_cap", lambda: make_day(regime=make_regime(exposure_cap=0.10))),
    ("regime_cap", lambda: make_day(regime=make_regime(state="CRASH"))),
    ("stop_loss", lambda: with_fall({"B": 0.21})),
    ("stop_loss", lambda: with_fall({"C": 0.99})),
    ("stop_loss", lambda: with_fall({"B": 0.21}, target={"B": NAN, "C": 0.06})),
    ("structure", lambda: make_day(trades=make_day().trades.drop(columns="reason"))),
    ("structure", with_trade_column("side", "SELL_SHORT")),
    ("structure", with_trade_column("shares", 10.5)),
    ("structure", with_trade_column("shares", 0.0)),
    ("structure", with_trade_column("notional", 1.0)),
    ("structure", with_trade_column("symbol", " ")),
    ("valid_prices", with_trade_column("price", NAN)),
    ("valid_prices", with_trade_column("price", -50.0)),
    ("valid_prices", with_trade_column("price", np.inf)),
    ("sub_penny", with_trade_column("price", 50.005)),
    ("price_deviation", with_trade_column("price", 55.01)),
    ("price_deviation", lambda: make_day(trades=make_trades(("UNQUOTED", "BUY", 10, 50.0)))),
    ("fat_finger", lambda: make_day(quotes=with_quotes(median_volume_usd=pd.Series(1e5, list("ABCDE"))))),
    ("fat_finger", lambda: make_day(quotes=with_quotes(median_volume_usd=pd.Series({"A": 1e8})))),
    ("trade_size", lambda: make_day(trades=make_trades(("C", "BUY", 2001, 50.0)))),
    ("trade_size", with_trade_column("price", NAN)),
    ("liquidity", lambda: make_day(quotes=replace(make_day().quotes, adv_usd=pd.Series(1e6, list("ABCDE"))))),
    ("liquidity", lambda: make_day(quotes=replace(make_day().quotes, adv_usd=pd.Series(0.0, list("ABCDE"))))),
    ("buys", with_settings("safety.max_buys_frac", 0.05)),
    ("costs", with_trade_column("slippage_est", 2500.0)),
    ("costs", with_trade_column("commission_est", NAN)),
    ("costs", with_trade_column("commission_est", -1.0)),
    ("daily_count", with_settings("trades.max_trades", 1)),
    ("daily_notional", with_settings("safety.max_daily_notional_frac", 0.1)),
    ("duplicates", lambda: make_day(trades=make_trades(("A", "SELL", 10, 50.0), ("A", "BUY", 10, 50.0)))),
    ("sells_are_held", lambda: make_day(trades=make_trades(("A", "SELL", 1001, 50.0)))),
    ("sells_are_held", lambda: make_day(trades=make_trades(("D", "SELL", 1, 50.0)))),
    ("cash", lambda: make_day(cash_usd=1000.0, trades=make_trades(("C", "BUY", 20, 50.0)))),
    ("cash", with_trade_column("price", NAN)),
    ("new_positions", lambda: make_day(regime=make_regime(allows_new_positions=False))),
    ("new_positions", lambda: make_day(regime=make_regime(state="CRASH"))),
    ("buyable", lambda: make_day(quarantined=frozenset({"C"}))),
    ("buyable", lambda: make_day(quotes=replace(make_day().quotes, members=frozenset({"A", "B"})))),
    ("towards_target", lambda: make_day(target={"B": 0.05, "C": 0.05})),
    ("after_agrees", lambda: make_day(after=make_day().after.assign(shares=1.0))),
    ("after_agrees", lambda: make_day(after=make_day().after.drop(index="CASH"))),
    ("after_limits", with_settings("portfolio.max_position_frac", 0.055)),
    ("after_limits", with_settings("portfolio.max_sector_frac", 0.055)),
    ("after_limits", lambda: make_day(regime=make_regime(exposure_cap=0.105))),
]


@pytest.mark.parametrize(
    "day",
    [
        lambda: with_fall({"B": 0.2}),  # at the stop
        lambda: with_fall({"A": 0.9}),  # sold
        lambda: with_fall({"D": 0.9}),  # neither held nor wanted
        lambda: with_fall({"D": 0.9}, target={"B": 0.05, "C": 0.06, "D": 0.0}),
        lambda: with_fall({"B": 0.9}, stop=0.0),
        lambda: with_fall({"B": 0.9}, quarantined=frozenset({"B"})),
        lambda: with_fall({"B": NAN}),
    ],
)
def test_a_stop_lets_everything_else_pass(day):
    assert outcome_of("stop_loss", day()).passed


def test_a_name_without_a_bar_today_is_not_stopped():
    day = with_fall({"B": 0.9})
    unquoted = replace(day, quotes=replace(day.quotes, last_close=day.quotes.last_close.drop("B")))

    assert outcome_of("stop_loss", unquoted).passed


def test_the_clean_day_passes_every_check():
    assert [check for check in run_checks(make_day()) if not check.passed] == []


@pytest.mark.parametrize(
    ("name", "plant"), PLANTED, ids=[f"{i}-{name}" for i, (name, _) in enumerate(PLANTED)]
)
def test_what_is_planted_is_found(name, plant):
    check = outcome_of(name, plant())

    assert not check.passed
    assert check.value != COULD_NOT_RUN


def test_every_check_has_a_planted_violation():
    never_fails = {"correlation"}  # informational

    assert {name for name, _ in CHECKS} - never_fails == {name for name, _ in PLANTED}


def test_a_day_without_trades_and_positions_is_clean():
    facts = make_day(holdings={}, cash_usd=1e6, trades=make_trades(), target={})

    assert [check for check in run_checks(facts) if not check.passed] == []


def test_the_equal_weight_rule_may_score_all_alike():
    facts = make_day(scores=pd.DataFrame({"score": [1.0, 1.0]}), champion=make_champion(ranks=False))

    assert outcome_of("finite_scores", facts).passed
    assert (
        outcome_of("finite_scores", facts).limit == "finite"
    )  # issue 10, line 15: no more is asked than passes
    assert outcome_of("finite_scores", make_day()).limit == "finite and not all equal"


def test_an_empty_portfolio_may_be_filled_in_one_day():
    trades = make_trades(*((symbol, "BUY", 2000, 50.0) for symbol in "ABCDE"))
    target = dict.fromkeys("ABCDE", 0.10)

    filling = make_day(holdings={}, cash_usd=1e6, trades=trades, target=target)
    sold_out = make_day(holdings={"A": 0.0}, cash_usd=1e6, trades=trades, target=target)
    invested = make_day(holdings={"A": 1.0}, cash_usd=1e6 - 50, trades=trades, target=target)

    assert outcome_of("buys", filling).passed
    assert outcome_of("buys", sold_out).passed
    assert not outcome_of("buys", invested).passed


def test_a_position_that_drifted_beyond_its_limit_may_stay_while_no_trade_adds_to_it():
    drifted = make_day(holdings={"A": 4000.0}, cash_usd=800_000.0, target={"A": 0.15}, trades=make_trades())
    cut = make_day(
        holdings={"A": 5000.0},
        cash_usd=750_000.0,
        target={"A": 0.15},
        trades=make_trades(("A", "SELL", 1000, 50.0)),
    )

    assert outcome_of("after_limits", drifted).passed
    assert outcome_of("after_limits", cut).passed


def test_a_delisted_holding_is_offered_at_its_last_known_price():
    day = make_day()
    gone = replace(
        day.quotes,
        last_close=day.quotes.last_close.drop("A"),
        adv_usd=day.quotes.adv_usd.drop("A"),
        members=day.quotes.members - {"A"},
    )

    failed = [check.name for check in run_checks(replace(day, quotes=gone)) if not check.passed]

    assert failed == []


def test_a_portfolio_in_debt_may_sell_its_way_out_and_buys_nothing():
    selling = make_day(
        holdings={"A": 4000.0}, cash_usd=-60_000.0, target={}, trades=make_trades(("A", "SELL", 200, 50.0))
    )

    assert outcome_of("cash", selling).passed


def test_prices_below_a_dollar_may_have_four_decimals():
    penny = make_day(trades=make_trades(("C", "BUY", 100, 0.1234)))

    assert outcome_of("sub_penny", penny).passed
    assert outcome_of("valid_prices", penny).passed


def test_the_closest_pair_is_reported():
    day = make_day()
    returns = day.quotes.returns.assign(C=day.quotes.returns["B"])

    outcome = outcome_of("correlation", replace(day, quotes=replace(day.quotes, returns=returns)))

    assert outcome.passed
    assert (outcome.value, outcome.detail) == ("1.00", "B and C")


def test_names_that_never_traded_together_are_no_pair():
    day = make_day()

    brief = outcome_of(
        "correlation", replace(day, quotes=replace(day.quotes, returns=day.quotes.returns[:19]))
    )

    assert (brief.passed, brief.value, brief.detail) == (True, "no pair", "")


def test_a_limit_that_stands_is_shown_with_its_value():
    check = outcome_of("position_limit", make_day())

    assert (check.value, check.limit, check.detail) == ("6.00%", "≤ 15.00%", "")


def test_a_breach_names_the_symbol():
    check = outcome_of("position_limit", make_day(target={"B": 0.2}, target_cash=0.8))

    assert (check.value, check.detail) == ("20.00%", "B")


# issue 10, line 10
@pytest.mark.parametrize(("setting", "passes"), [("one_sector", False), ("each_its_own", True)])
def test_unknown_sectors_are_judged_as_the_settings_say(setting, passes):
    target = dict.fromkeys("ABCD", 0.08)
    day = make_day(
        holdings=dict.fromkeys("ABC", 1600.0),
        cash_usd=760_000.0,
        target=target,
        trades=make_trades(("D", "BUY", 1590, 50.0)),
        settings=make_settings(**{"portfolio.unknown_sector": setting}),
    )
    unknown = pd.Series("Unknown", list("ABCDE"))
    day = replace(day, quotes=replace(day.quotes, sector=unknown, cap_class=pd.Series("", list("ABCDE"))))

    assert outcome_of("sector_limit", day).passed is passes
    assert outcome_of("after_limits", day).passed is passes


# issue 10, part 2: a NaN passes nothing
@pytest.mark.parametrize("spoil", ["held price", "trade price", "trade shares"])
def test_a_weight_after_the_trades_that_nobody_knows_is_not_within_limits(spoil):
    day = make_day(trades=make_trades(("A", "SELL", 1000, 50.0), ("B", "BUY", 100, 50.0)))
    if spoil == "held price":
        lines = tuple(replace(line, price=NAN) for line in day.book.holdings)
        day = replace(day, book=replace(day.book, holdings=lines))
    else:
        day = replace(day, trades=day.trades.assign(**{spoil.split()[1]: NAN}))

    assert not outcome_of("after_limits", day).passed


@pytest.mark.parametrize(("weight", "passes"), [(0.12, True), (0.14, False)])
def test_a_name_that_is_its_own_sector_is_judged_by_the_limit_of_a_sector(weight, passes):
    settings = make_settings(
        **{"portfolio.unknown_sector": "each_its_own", "portfolio.max_sector_frac": 0.13}
    )
    day = make_day(target={"B": weight, "C": 0.06}, settings=settings)
    day = replace(day, quotes=replace(day.quotes, sector=pd.Series("Unknown", list("ABCDE"))))

    assert outcome_of("sector_limit", day).passed is passes


def test_a_check_that_cannot_run_has_failed_and_says_why():
    def breaks(_):
        raise ValueError("no\n  such figure")

    (check,) = run_checks(make_day(), (("broken", breaks),))

    assert (check.name, check.passed, check.value) == ("broken", False, COULD_NOT_RUN)
    assert (check.limit, check.detail) == ("", "ValueError: no such figure")


def test_an_exposure_that_nobody_knows_is_not_within_the_regimes_cap():
    assert not outcome_of("regime_cap", make_day(target={"B": NAN, "C": 0.06})).passed


# a sale of a name without any volume may leave; one of a usual volume is judged by it
@pytest.mark.parametrize(("median_usd", "passes"), [(1e3, False), (1.0, False), (0.0, True), (1e8, True)])
def test_a_sale_out_of_all_proportion_to_the_usual_volume_is_a_fat_finger(median_usd, passes):
    day = make_day(
        trades=make_trades(("A", "SELL", 1000, 50.0)),
        quotes=with_quotes(median_volume_usd=pd.Series(median_usd, list("ABCDE"))),
    )

    assert outcome_of("fat_finger", day).passed is passes


@pytest.mark.parametrize(("adv_usd", "passes"), [(1.0, False), (0.0, True)])
def test_only_a_sale_of_a_name_without_any_volume_is_not_held_to_its_volume(adv_usd, passes):
    day = make_day(
        trades=make_trades(("A", "SELL", 1000, 50.0)),
        quotes=with_quotes(adv_usd=pd.Series(adv_usd, list("ABCDE"))),
    )

    assert outcome_of("liquidity", day).passed is passes


def test_a_day_of_sales_beyond_the_days_notional_passes_without_a_complaint():
    selling = make_day(
        trades=make_trades(("A", "SELL", 1000, 50.0)),
        settings=make_settings(**{"safety.max_daily_notional_frac": 0.01}),
    )

    check = outcome_of("daily_notional", selling)

    assert (check.passed, check.value, check.detail) == (True, "5.00%", "")


def test_only_weights_below_zero_are_named_as_short():
    flat = outcome_of("long_only", make_day(target={"B": 0.0, "C": 0.06}))
    short = outcome_of("long_only", make_day(target={"B": -0.05, "C": 0.06, "D": 0.0}))

    assert (flat.passed, flat.detail) == (True, "")
    assert (short.passed, short.detail) == (False, "B")


def test_names_without_a_sector_in_the_data_are_one_sector_too():
    day = make_day(target={"X": 0.12, "Y": 0.12, "Z": 0.12})

    check = outcome_of("sector_limit", day)

    assert not check.passed
    assert check.value == "Unknown 36.00%"


def test_a_trade_of_unknown_shares_disagrees_with_any_portfolio_after_it():
    day = make_day(trades=make_trades(("C", "BUY", NAN, 50.0)))

    assert outcome_of("after_agrees", day).detail.startswith("C; ")


def test_a_sale_of_a_few_cents_without_any_volume_is_not_a_fat_finger():
    day = make_day(
        trades=make_trades(("A", "SELL", 1, 0.5)),
        quotes=with_quotes(median_volume_usd=pd.Series(0.0, list("ABCDE"))),
    )

    assert outcome_of("fat_finger", day).passed


@pytest.mark.parametrize("name", ["sector_limit", "cap_class_limit"])
def test_a_weight_that_is_not_a_number_fails_every_group(name):
    check = outcome_of(name, make_day(target={"B": NAN, "C": 0.06}))

    assert (check.passed, check.value, check.limit) == (False, "unknown", "known weights")
    assert check.detail == "a weight is not a number"


def test_a_cap_class_that_is_too_heavy_after_the_trades_is_named():
    limits = {"large": 0.105, "mid": 1.0, "small": 1.0}

    check = outcome_of("after_limits", with_settings("portfolio.max_cap_class_frac", limits)())

    assert not check.passed
    assert check.detail.startswith("large caps goes from ")


def test_a_target_without_a_row_of_cash_has_an_unknown_one():
    weights = pd.DataFrame({"weight": [0.1]}, index=["A"])

    names, cash = split_cash(weights)

    assert np.isnan(cash)
    assert names.equals(weights)
