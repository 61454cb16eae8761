import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.errors import SafetyError
from tasks.costs.model import estimate
from tasks.trades.cuts import empty_log, fit_buys
from tasks.trades.desired_changes import desired_changes
from tasks.trades.explanation import algorithm_for
from tasks.trades.frame import book_after, line_symbols
from tasks.trades.plan import cash_after_cents, costs_of, plan_trades
from tasks.trades.rules import trade_rules_of
from tests.builders import flat_fees, make_settings
from tests.unit.trades.trades_worlds import lines_of, make_book, make_target, proposed


def propose(book, target, *, quarantined=(), exposure_cap=1.0, **overrides):
    return proposed(
        book,
        target,
        quarantined=quarantined,
        exposure_cap=exposure_cap,
        settings=make_settings(**overrides),
    )


def test_an_empty_portfolio_is_opened_in_whole_shares():
    frame, dropped, after = propose(
        make_book(100_000.0), make_target(A=0.05, B={"weight": 0.05, "price": 33.0})
    )

    assert frame["action"].tolist() == ["OPEN", "OPEN"]
    assert frame["side"].tolist() == ["BUY", "BUY"]
    assert frame["shares"]["A"] == 99  # 100 would leave nothing for their costs
    assert after["shares"]["B"] == frame["shares"]["B"] == 151
    assert dropped == {}


def test_what_is_not_wanted_any_more_is_closed_first():
    frame, _, after = propose(make_book(50_000.0, A=100), make_target(A=0.0, B=0.08))

    assert frame.index.tolist() == ["A", "B"]
    assert frame["action"]["A"] == "CLOSE"
    assert "A" not in after.index


def test_a_lighter_target_is_a_reduction_and_a_heavier_one_an_increase():
    frame, _, _ = propose(make_book(90_000.0, A=200, B=100), make_target(A=0.05, B=0.10))

    assert frame["action"].to_dict() == {"A": "REDUCE", "B": "INCREASE"}
    assert frame["weight_change"]["A"] < 0 < frame["weight_change"]["B"]


def test_a_position_near_its_target_is_left_alone():
    frame, dropped, _ = propose(make_book(95_000.0, A=100), make_target(A=0.051))

    assert frame.empty
    assert dropped["A"].reason == "close enough to its target to stay unchanged"


def test_a_position_near_its_target_is_reduced_where_a_limit_wants_it():
    frame, _, after = propose(make_book(84_800.0, A=304), make_target(A=0.15))

    assert frame["action"]["A"] == "REDUCE"
    assert after["shares"]["A"] == 300


def test_what_costs_may_add_to_a_line_is_not_held_against_it():
    frame, _, _ = propose(make_book(84_950.0, A=301), make_target(A=0.15))

    assert frame.empty


def test_only_the_largest_excess_gives_way_when_a_sector_is_too_heavy():
    same = {"sector": "Energy", "weight": 0.10}
    book = make_book(69_650.0, A=201, B=204, C=202)

    frame, _, after = propose(book, make_target(A=same, B=same, C=same))

    assert frame.index.tolist() == ["B"]
    assert after["shares"][["A", "B", "C"]].tolist() == [201, 200, 202]


def test_the_band_is_judged_before_costs_for_an_increase_and_after_them_for_a_decrease():
    others = dict.fromkeys("BCDE", 0.09)  # their costs are 7 USD, of which a tenth is borne by A
    short, over = make_book(90_300.0, A=194), make_book(89_700.0, A=206)  # one share and the band are 300 USD

    no_drift = {"trades.min_drift_frac": 0.0}
    increased, _, _ = propose(short, make_target(A=0.100004, **others), **no_drift)
    decreased, _, _ = propose(over, make_target(A=0.100004, **others), **no_drift)

    assert increased["action"]["A"] == "INCREASE"  # 300.40 are missing before costs
    assert decreased["action"]["A"] == "REDUCE"  # 299.60 are too much before costs, more after them


# one share of 8,000 USD is worth a trade; the band is a share and 500 USD
@pytest.mark.parametrize(("weight", "shares"), [(0.084, None), (0.086, 1)])
def test_a_single_share_is_bought_where_it_is_worth_a_trade(weight, shares):
    dear = {"weight": weight, "price": 8_000.0}

    frame, _, _ = propose(make_book(), make_target(A=dear), **{"trades.min_weight_change_frac": 0.005})
    halted, _, _ = propose(
        make_book(),
        make_target(A=dear | {"has_quote": False}),
        **{"trades.min_weight_change_frac": 0.005},
    )

    assert frame["shares"].to_dict() == ({"A": shares} if shares else {})
    assert halted.empty


def test_a_holding_exactly_one_share_below_its_target_is_close_enough():
    _, dropped, _ = propose(make_book(93_800.0, A=124), make_target(A=0.0625))

    assert dropped["A"].reason == "close enough to its target to stay unchanged"


@pytest.mark.parametrize("price", [0.01, 0.02, 50.0, 5_000.0])
def test_without_costs_a_target_in_whole_shares_is_reached_exactly(price):
    lines = lines_of(make_book(), make_target(A={"weight": 0.1, "price": price}))
    rules = trade_rules_of(make_settings(**{"costs.multiple": 0.0}))

    wanted = desired_changes(lines, 0.0, rules=rules)

    assert wanted.tolist() == plan_trades(lines, rules=rules).buys.tolist() == [round(10_000 / price)]


def test_trades_are_sized_on_what_is_left_after_their_costs_and_a_quarter_more():
    dear = make_settings(**{"costs.min_commission_usd": 400.0})
    lines = lines_of(make_book(), make_target(A={"weight": 0.09, "price": 1.0}), settings=dear)

    plan = plan_trades(lines, rules=trade_rules_of(dear))

    assert plan.buys[0] == pytest.approx(0.09 * (100_000 - 1.25 * plan.cost_cents / 100), abs=1)


def test_equal_trades_are_listed_by_symbol():
    frame, _, _ = propose(make_book(), make_target(B=0.05, A=0.05))

    assert frame.index.tolist() == ["A", "B"]


# the band is a share of 50 USD and the least notional of 300 USD
@pytest.mark.parametrize(("weight", "is_bought"), [(0.05349, False), (0.05351, True)])
def test_the_band_is_a_share_and_the_least_notional_where_that_is_more_than_the_least_change(
    weight, is_bought
):
    frame, _, _ = propose(
        make_book(95_000.0, A=100),
        make_target(A=weight),
        **{"trades.min_weight_change_frac": 0.0, "trades.min_notional_usd": 300.0},
    )

    assert frame.empty is not is_bought


# a share of 50 USD in 100,000 is 0.0005; the least change of the portfolio is 0.0025 and a drift of 5% of 10% is 0.005
@pytest.mark.parametrize(
    ("weight", "least_change", "is_traded"),
    [
        (0.1054, 0.0025, False),
        (0.1060, 0.0025, True),
        (0.1060, 0.01, False),
        (0.0202, 0.001, False),
        (0.0185, 0.001, True),
        (0.0185, 0.0025, False),
    ],
)
def test_a_position_is_traded_when_its_drift_exceeds_both_the_relative_and_the_absolute_least(
    weight, least_change, is_traded
):
    shares = 200 if weight > 0.05 else 40

    frame, _, _ = propose(
        make_book(100_000.0 - 50 * shares, A=shares),
        make_target(A=weight),
        **{"trades.min_weight_change_frac": least_change},
    )

    assert frame.empty is not is_traded


def test_of_a_sector_that_is_too_heavy_the_line_furthest_above_its_target_gives_way():
    book = make_book(68_450.0, A=200, B=330, C=101)
    target = make_target(
        A={"sector": "Energy", "weight": 0.085},
        B={"sector": "Energy", "weight": 0.16},
        C={"sector": "Energy", "weight": 0.05},
    )

    wide = {"portfolio.max_position_frac": 0.20, "trades.min_weight_change_frac": 0.02}
    frame, _, _ = propose(book, target, **wide)

    assert frame.index.tolist() == ["A"]


def test_the_reason_says_the_rank_and_both_weights():
    frame, _, _ = propose(
        make_book(95_000.0, A=100), make_target(A={"weight": 0.08, "note": "rank 3 of 40 by score"})
    )

    assert frame["reason"]["A"] == "Rank 3 of 40 by score; target weight from 5% to 8%."


def test_one_trade_is_cut_to_its_share_of_the_book_and_says_so():
    frame, _, _ = propose(make_book(), make_target(A=0.15))

    assert frame["notional"]["A"] <= 10_000
    assert (
        "cut to 10% of the portfolio in one trade; the rest is left for later sessions"
        in frame["reason"]["A"]
    )


def test_an_exit_that_must_be_cut_is_a_reduction():
    frame, _, _ = propose(make_book(70_000.0, A=600), make_target(A=0.0))

    assert frame["action"]["A"] == "REDUCE"
    assert frame["notional"]["A"] == 10_000
    assert "the rest is left for later sessions" in frame["reason"]["A"]


def test_the_days_buys_stay_within_their_limit_and_sells_are_not_held_back():
    book = make_book(40_000.0, **dict.fromkeys("ABCDEF", 200))
    target = make_target(**dict.fromkeys("ABCDEF", 0.0), **dict.fromkeys("GHIJKL", 0.10))

    frame, _, _ = propose(book, target)

    buys = frame[frame["side"] == "BUY"]
    assert 0.38 * book.equity_usd < buys["notional"].sum() <= 0.40 * book.equity_usd
    assert (frame["side"] == "SELL").sum() == 6
    assert all("cut to fit the day's limit of 40% for buys" in reason for reason in buys["reason"])


def test_buys_get_what_the_sells_leave_of_the_days_notional():
    book = make_book(10_000.0, **dict.fromkeys("ABCDEFGHI", 200))
    target = make_target(**dict.fromkeys("ABCDEFGHI", 0.0), **dict.fromkeys("JKLMNO", 0.10))

    frame, _, _ = propose(book, target)

    sold = frame.loc[frame["side"] == "SELL", "notional"].sum()
    bought = frame.loc[frame["side"] == "BUY", "notional"].sum()
    assert sold == 90_000  # never held back
    assert 0.29 * book.equity_usd < bought <= 0.30 * book.equity_usd
    assert "cut to fit the day's limit of 120% for buys and sells" in frame["reason"]["J"]


def test_the_first_investment_of_an_empty_portfolio_has_a_limit_of_its_own():
    target = make_target(**dict.fromkeys("ABCDEFGHIJ", 0.09))

    frame, _, _ = propose(make_book(), target)

    assert frame["notional"].sum() > 0.85 * 100_000


def test_exits_come_before_larger_trades_when_the_day_is_full():
    book = make_book(80_000.0, A=10, B=390)
    target = make_target(A=0.0, B=0.05, C=0.09, D=0.08)

    frame, dropped, _ = propose(book, target, **{"trades.max_trades": 3})

    assert frame.index.tolist() == ["A", "B", "C"]
    assert "more than 3 trades in one day" in dropped["D"].reason


def test_a_name_without_a_quote_is_sold_with_a_warning_and_never_bought():
    book = make_book(90_000.0, A=100, B=100)
    gone = {"has_quote": False}

    frame, dropped, _ = propose(book, make_target(A={"weight": 0.0, **gone}, B={"weight": 0.09, **gone}))

    assert frame.index.tolist() == ["A"]
    assert "no quote on the session" in frame["liquidity_warning"]["A"]
    assert dropped["B"].reason == "no quote on the session: not bought"


def test_a_name_in_quarantine_is_not_bought():
    frame, dropped, _ = propose(make_book(), make_target(A=0.05), quarantined=["A"])

    assert frame.empty
    assert dropped["A"].reason == "in quarantine: not bought"


def test_a_name_in_quarantine_may_be_sold_with_a_warning():
    frame, _, _ = propose(make_book(90_000.0, A=200), make_target(A=0.0), quarantined=["A"])

    assert "in quarantine: the last price is in doubt" in frame["liquidity_warning"]["A"]


def test_a_name_of_unknown_volume_is_sold_but_not_bought():
    book = make_book(90_000.0, A=100)
    unknown = {"adv_usd": float("nan")}

    frame, dropped, _ = propose(
        book, make_target(A={"weight": 0.0, **unknown}, B={"weight": 0.05, **unknown})
    )

    assert frame["liquidity_warning"]["A"] == "the average daily volume is unknown"
    assert dropped["B"].reason == "no known volume: not bought"


def test_a_sale_that_its_volume_cuts_says_so_beside_buys():
    frame, _, _ = propose(
        make_book(90_000.0, A=200), make_target(A={"weight": 0.0, "adv_usd": 100_000.0}, B=0.05)
    )

    assert frame["shares"]["A"] == 100
    assert "cut to 5% of the average daily volume" in frame["reason"]["A"]


def test_a_single_share_of_unknown_volume_is_sold_with_a_warning():
    frame, _, _ = propose(make_book(A=1), make_target(A={"weight": 0.0, "adv_usd": float("nan")}))

    assert frame["liquidity_warning"].to_dict() == {"A": "the average daily volume is unknown"}


def test_a_sector_that_cannot_be_left_in_time_takes_only_what_its_limit_leaves():
    book = make_book(60_000.0, A=400, B=400)
    same = {"sector": "Energy"}
    target = make_target(A={"weight": 0.0, **same}, B={"weight": 0.15, **same}, C={"weight": 0.15, **same})

    frame, _, after = propose(book, target)

    assert after["shares"][["A", "B"]].tolist() == [200, 300]  # A may only lose 10% of the portfolio a day
    assert frame["shares"]["C"] == 100
    assert "cut to fit the limit for sector Energy" in frame["reason"]["C"]


def test_a_crash_that_cannot_be_left_in_time_buys_nothing():
    frame, _, _ = propose(make_book(70_000.0, A=600), make_target(A=0.0, B=0.0), exposure_cap=0.0)

    assert frame["side"].tolist() == ["SELL"]


def test_exposure_that_cannot_be_left_in_time_leaves_only_its_rest_to_buys():
    frame, _, after = propose(make_book(40_000.0, A=1_200), make_target(A=0.0, B=0.3), exposure_cap=0.55)

    assert after["shares"]["A"] == 1_000  # it may only lose 10% of the portfolio a day
    assert frame["shares"]["B"] == 100  # 50% + 5%


def test_a_fraction_of_a_share_that_is_left_is_listed():
    frame, dropped, after = propose(make_book(90_000.0, A=0.5), make_target(A=0.0))

    assert frame.empty
    assert dropped["A"].reason == "less than one share is left, which cannot be sold"
    assert after["shares"]["A"] == 0.5


def test_an_exit_of_a_fractional_holding_sells_the_whole_shares():
    frame, _, after = propose(make_book(90_000.0, A=7.5), make_target(A=0.0))

    assert frame["shares"]["A"] == 7
    assert frame["action"]["A"] == "CLOSE"
    assert after["shares"]["A"] == 0.5


def test_a_sale_that_costs_more_than_it_brings_is_dropped():
    frame, dropped, _ = propose(
        make_book(90_000.0, prices={"A": 0.4}, A=2),
        make_target(A={"weight": 0.0, "price": 0.4}),
        **{"costs.min_commission_usd": 1.0},
    )

    assert frame.empty
    assert dropped["A"].reason == "selling would cost more than its proceeds"


def test_costs_are_paid_from_the_cash():
    book, target = make_book(), make_target(A=0.10, B=0.10)
    settings = make_settings()
    lines = lines_of(book, target)

    plan = plan_trades(lines, rules=trade_rules_of(settings))

    spent = int((plan.buys * lines.price_cents).sum())
    assert plan.cost_cents > 0
    assert cash_after_cents(lines, plan) == 10_000_000 - spent - plan.cost_cents


def test_the_portfolio_after_is_worth_what_it_was_less_the_costs():
    book, target = make_book(90_000.0, A=200), make_target(A=0.0, B=0.07)
    lines = lines_of(book, target)
    plan = plan_trades(lines, rules=trade_rules_of(make_settings()))

    after = book_after(lines, plan, line_symbols(target))

    worth = (after["shares"] * after["price"]).sum()
    assert worth == pytest.approx(book.equity_usd - plan.cost_cents / 100, abs=1e-6)
    assert after.index.name == "symbol"
    assert after.index[-1] == "CASH"
    assert after["weight"].to_numpy() * worth == pytest.approx((after["shares"] * after["price"]).to_numpy())


def test_a_portfolio_in_debt_sells_and_does_not_buy():
    book = make_book(-5_000.0, **dict.fromkeys("ABCDEFGHIJ", 200))
    target = make_target(**dict.fromkeys("ABCDEFGHI", 0.10), J=0.10, K=0.0)

    frame, _, _ = propose(book, target)

    assert not (frame["side"] == "BUY").any()
    assert (frame["side"] == "SELL").any()


def test_nothing_held_and_nothing_wanted_is_not_a_trade():
    frame, dropped, after = propose(make_book(), make_target())

    assert frame.empty
    assert dropped == {}
    assert after["weight"].to_dict() == {"CASH": 1.0}


@pytest.mark.parametrize(
    ("shares", "algorithm"),
    [
        (1, "MARKET"),
        (499, "MARKET"),
        (500, "TWAP"),
        (2_000, "VWAP"),
        (5_000, "ADAPTIVE"),
        (10_000, "ICEBERG"),
    ],
)
def test_the_algorithm_follows_the_size(shares, algorithm):
    assert algorithm_for(shares) == algorithm


def test_prices_are_whole_cents():
    frame, _, _ = propose(make_book(), make_target(A={"weight": 0.05, "price": 33.33}))

    assert np.allclose(frame["price"] * 100 % 1, 0)
    assert frame["notional"]["A"] == round(frame["shares"]["A"] * 33.33, 2)


def test_a_holding_that_the_target_does_not_know_is_refused():
    with pytest.raises(SafetyError, match="A is held but missing from the target portfolio"):
        lines_of(make_book(A=1), make_target(B=0.1))


# issue 10, part 2: trades are kept by money, not by shares
def test_where_a_day_is_full_the_trades_of_most_money_stay_however_few_their_shares():
    names = {"A": (10.0, 0.03), "B": (500.0, 0.08), "C": (1.0, 0.02), "D": (250.0, 0.07)}
    target = make_target(**{name: {"weight": w, "price": price} for name, (price, w) in names.items()})

    frame, dropped, _ = propose(make_book(), target, **{"trades.max_trades": 2})

    assert list(frame.index) == ["B", "D"]
    assert sorted(dropped) == ["A", "C"]


# issue 10, part 2: costs are rounded up
@pytest.mark.parametrize(("rate", "cents"), [(0.0000001, 1), (0.0001, 50), (0.00010001, 51), (0.000101, 51)])
def test_a_fraction_of_a_cent_of_costs_is_a_cent(rate, cents):
    chosen = make_settings(**flat_fees(sec_rate=rate))
    lines = lines_of(make_book(0.0, A=100), make_target(A=0.0), settings=chosen)

    commission, _ = costs_of(np.array([100]), lines, is_sale=True, rules=trade_rules_of(chosen))

    assert commission.tolist() == [cents]  # of 5,000 dollars


@given(st.floats(0, 0.01), st.floats(0, 30), st.integers(1, 5_000))
@settings(max_examples=50, deadline=None)
def test_costs_in_cents_are_never_less_than_the_estimate_and_less_than_a_cent_more(fee, spread, shares):
    chosen = make_settings(**flat_fees(sec_rate=fee), **{"costs.spread.benchmark_half_bps": spread})
    lines = lines_of(make_book(0.0, A=shares), make_target(A=0.0), settings=chosen)
    sold = np.array([shares])

    exact = estimate(
        sold.astype(float),
        np.array([True]),
        lines.conditions,
        costs=chosen.costs,
    )
    rounded = costs_of(sold, lines, is_sale=True, rules=trade_rules_of(chosen))

    for cents, usd in zip(rounded, (exact.commission_usd, exact.slippage_usd), strict=True):
        assert -1e-4 <= cents[0] - usd[0] * 100 < 1


# issue 10, part 2: what selling costs is paid before anything is bought
@pytest.mark.parametrize("selling_costs", [0, 50_000, 200_000])
def test_buys_are_paid_from_what_selling_leaves_after_its_costs(selling_costs):
    book = make_book(0.0, A=200, B=1800)
    lines = lines_of(book, make_target(A=0.0, B=0.9, C=0.1))
    sells, wanted = np.array([200, 0, 0]), np.array([0, 0, 200])

    bought = fit_buys(
        wanted,
        sells,
        lines,
        empty_log(lines),
        selling_costs=selling_costs,
        buying_costs=np.zeros_like,
        rules=trade_rules_of(make_settings()),
    )

    cents_left = 200 * 5_000 - selling_costs - int(bought[2]) * 5_000
    assert 0 <= cents_left < 5_000


# issue 10, part 2: what selling costs is deducted before buys, at the rates of a sale
def test_a_sale_with_dear_fees_leaves_less_to_buy_and_no_debt():
    dear = make_settings(**flat_fees(sec_rate=0.05))
    lines = lines_of(make_book(0.0, A=200, B=1800), make_target(A=0.0, B=0.9, C=0.1), settings=dear)

    plan = plan_trades(lines, rules=trade_rules_of(dear))

    assert plan.buys[2] > 180
    assert 0 <= cash_after_cents(lines, plan) < 5_000 + 200  # less than a share and its costs


def test_a_line_of_trades_says_all_that_an_order_needs():
    frame, _, after = propose(
        make_book(90_000.0, A=200),
        make_target(A={"weight": 0.0, "note": ""}, B={"weight": 0.05, "price": 20.0}),
    )

    sold, bought = frame.loc["A"], frame.loc["B"]
    assert sold.drop(["commission_est", "slippage_est"]).to_dict() == {
        "side": "SELL",
        "shares": 200,
        "price": 50.0,
        "notional": 10_000.0,
        "weight_change": -0.1,
        "action": "CLOSE",
        "reason": "Target weight from 10% to 0%.",
        "liquidity_warning": "",
        "algorithm": "MARKET",
    }
    assert (bought["side"], bought["shares"], bought["price"], bought["notional"]) == (
        "BUY",
        249,
        20.0,
        4_980.0,
    )
    assert bought["weight_change"] == 0.0498
    assert after.loc["CASH", "shares"] == pytest.approx(
        90_000 + 10_000 - 4_980 - frame[["commission_est", "slippage_est"]].to_numpy().sum()
    )
    assert after.loc["CASH", "price"] == 1
    assert after["weight"].sum() == pytest.approx(1)


def test_an_exit_that_leaves_a_whole_share_is_a_reduction():
    frame, _, _ = propose(make_book(89_950.0, A=201), make_target(A=0.0))

    assert (frame["shares"]["A"], frame["action"]["A"]) == (200, "REDUCE")


def test_what_is_not_proposed_is_reported_with_its_size():
    tiny = {"weight": 0.05, "adv_usd": 900.0}  # five percent of it is less than a share
    _, dropped, _ = propose(make_book(), make_target(A=tiny, B={"weight": 0.0004}, C={"weight": 0.0011}))

    assert dropped["A"].reason == "the size limits leave less than one share"
    assert dropped["A"].notional_usd in (4_950, 5_000)  # whole shares
    assert dropped["B"].reason == "less than one share"
    assert dropped["B"].notional_usd == 40
    assert dropped["C"].reason == "close enough to its target to stay unchanged"
    assert dropped["C"].notional_usd == 110


def test_what_is_not_proposed_is_reported_to_the_cent():
    _, dropped, _ = propose(make_book(), make_target(A={"weight": 0.000312345}))

    assert dropped["A"].notional_usd == 31.23


def test_a_name_that_is_neither_held_nor_wanted_is_not_reported():
    gone = {"weight": 0.0, "has_quote": False}
    _, dropped, _ = propose(make_book(), make_target(A=0.0, B=0.0004, C=gone))

    assert list(dropped) == ["B"]


@pytest.mark.parametrize(("held", "action"), [(0.5, "OPEN"), (1, "INCREASE")])
def test_a_purchase_increases_what_is_held_from_one_share_on(held, action):
    frame, _, _ = propose(make_book(100_000.0 - 50 * held, A=held), make_target(A=0.05))

    assert frame["action"]["A"] == action


def test_sales_beyond_the_days_number_are_reported_with_that_number():
    _, dropped, _ = propose(
        make_book(70_000.0, A=200, B=200, C=200),
        make_target(A=0.0, B=0.0, C=0.0),
        **{"trades.max_trades": 2},
    )

    assert dropped["C"].reason.startswith("more than 2 trades in one day")


def test_a_holding_less_than_a_share_below_its_target_is_not_reported():
    _, dropped, _ = propose(make_book(95_000.0, A=100), make_target(A=0.0502))

    assert dropped == {}


# the limit is 15%, and costs may add half a percent of it
@pytest.mark.parametrize(("held", "is_reduced"), [(300, False), (301, False), (302, True)])
def test_a_line_within_its_band_is_reduced_only_beyond_what_its_limit_and_the_costs_allow(held, is_reduced):
    book = make_book(100_000.0 - 50 * held, A=held)

    frame, _, _ = propose(
        book,
        make_target(A=(held - 5) / 2_000),
        **{"trades.min_notional_usd": 100.0, "safety.max_cost_frac": 0.005},
    )

    assert frame.empty is not is_reduced
