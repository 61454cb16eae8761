from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tasks.portfolio.schema import CASH
from tasks.reporting.day.ledger import printed_trades
from tasks.reporting.page.sections.trades.struck import Affected, without_each
from tasks.reporting.page.sections.trades.trade_list import TradeLine, trade_lines
from tasks.risk.tail import portfolio_risk
from tests.builders import make_settings
from tests.unit.reporting.example_day import make_inputs


def limited(inputs, **limits):
    """Return the inputs with other limits of the portfolio."""
    settings = inputs.run.settings
    portfolio = settings.portfolio.model_copy(update=limits)
    run = replace(inputs.run, settings=settings.model_copy(update={"portfolio": portfolio}))
    return replace(inputs, run=run)


def planted(*rows, cap=1.0, **settings):
    """Return the inputs of a portfolio of 100,000 USD at 10 USD a share, without costs, and its trades.

    Each row: symbol, sector, cap class, and its weight now, in the target and after the trades.
    """
    example = make_inputs()
    run = replace(example.run, settings=make_settings(**({"portfolio.max_position_frac": 1.0} | settings)))
    symbols = [row[0] for row in rows]
    weights = pd.DataFrame(
        {
            "sector": [row[1] for row in rows] + [""],
            "cap_class": [row[2] for row in rows] + [""],
            "current_weight": [row[3] for row in rows] + [1 - sum(row[3] for row in rows)],
            "weight": [row[4] for row in rows] + [1 - sum(row[4] for row in rows)],
        },
        index=pd.Index([*symbols, CASH], name="symbol"),
    )
    held = [(row[0], row[5]) for row in rows if row[5]]
    cash = round(EQUITY * (1 - sum(weight for _, weight in held)), 2)
    after = pd.DataFrame(
        {
            "shares": [*(weight * EQUITY / PRICE for _, weight in held), cash],
            "price": [PRICE] * len(held) + [1.0],
            "weight": [*(weight for _, weight in held), cash / EQUITY],
        },
        index=pd.Index([*(symbol for symbol, _ in held), CASH], name="symbol"),
    )
    returns = pd.DataFrame(np.random.default_rng(0).normal(0, 0.01, (100, len(rows))), columns=symbols)
    records = example.records
    book = replace(
        records.portfolio.book, equity_usd=EQUITY, cash_usd=EQUITY * weights["current_weight"][CASH]
    )
    traded = sum(abs(row[5] - row[3]) for row in rows)
    inputs = replace(
        example,
        run=run,
        records=replace(
            records,
            portfolio=replace(records.portfolio, book=book, exposure_cap=cap),
            trades=replace(records.trades, turnover=traded / 2, cost_usd=0.0),
        ),
        frames=replace(example.frames, weights=weights, after=after, returns=returns),
    )
    return inputs, [trade(row[0], row[5] - row[3]) for row in rows if row[5] != row[3]]


def trade(symbol, change, reason=""):
    """Return a trade that changes the weight in a portfolio of 100,000 USD."""
    amount = abs(change) * EQUITY
    side, action = ("SELL", "REDUCE") if change < 0 else ("BUY", "INCREASE")
    return TradeLine(
        symbol,
        "",
        side,
        action,
        round(amount / PRICE),
        PRICE,
        amount,
        change,
        0.0,
        reason,
        "",
        "",
        change < 0,
    )


def with_cash(inputs, *, after, before=None):
    """Return the inputs with other cash, in USD, after the trades and before them."""
    frame = inputs.frames.after.copy()
    frame.loc[CASH, "shares"] = after
    portfolio = inputs.records.portfolio
    if before is not None:
        portfolio = replace(portfolio, book=replace(portfolio.book, cash_usd=before))
    return replace(
        inputs,
        frames=replace(inputs.frames, after=frame),
        records=replace(inputs.records, portfolio=portfolio),
    )


EQUITY, PRICE = 100_000.0, 10.0
INPUTS = limited(make_inputs(), max_cap_class_frac={})  # that of large caps binds in the example
LINES = trade_lines(INPUTS, printed_trades(INPUTS.frames.trades))
STRUCK = without_each(INPUTS, LINES)


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_a_struck_trade_gives_back_its_notional_and_its_cost(side):
    line = next(line for line in LINES if line.side == side)
    sign = 1 if side == "BUY" else -1
    records, equity = INPUTS.records, INPUTS.records.portfolio.book.equity_usd

    one = STRUCK[line.symbol]

    left = records.trades.cash_after_usd + sign * line.notional + line.cost
    assert one.figures.cash_usd == pytest.approx(left, abs=0.005)
    assert one.figures.turnover_frac == pytest.approx(records.trades.turnover - line.notional / 2 / equity)
    assert one.figures.cost_usd == pytest.approx(records.trades.cost_usd - line.cost)
    assert one.of_all.cash_usd == pytest.approx(records.trades.cash_after_usd)
    assert np.sign(one.sector_change) == -sign


def test_the_risk_is_that_of_the_portfolio_without_the_trade():
    line = next(line for line in LINES if line.action == "OPEN")
    after = INPUTS.frames.after["weight"].drop([CASH, line.symbol])

    one = STRUCK[line.symbol]

    risk = portfolio_risk(after, INPUTS.frames.returns, 0.95)
    assert one.figures.volatility_frac == pytest.approx(risk["volatility"], rel=1e-4)
    assert one.figures.var_frac == pytest.approx(risk["var_1d"], rel=1e-4)


def test_the_only_name_can_be_struck():
    inputs = make_inputs(empty=True)

    assert without_each(inputs, []) == {}


def test_the_limit_is_the_one_whose_use_changes_most():
    line = next(line for line in LINES if line.action == "OPEN")

    one = STRUCK[line.symbol]

    assert one.affected is not None
    assert one.affected.name == one.sector
    assert (one.affected.after, one.affected.limit) == (one.sector_weight, 0.3)
    assert one.affected.before - one.affected.after == pytest.approx(-one.sector_change)


def test_a_limit_that_the_strike_exceeds_comes_before_a_larger_change_within_limits():
    within, over = Affected("Energy", 0.05, 0.25, 0.3), Affected("Volatility", 0.249, 0.2501, 0.25)
    already = Affected("VaR 1 d", 0.05, 0.04, 0.025)

    assert max([within, over, already], key=lambda one: one.rank) is over
    assert max([within, already], key=lambda one: one.rank) is within


def test_a_struck_sale_that_the_purchases_need_is_refused():
    largest = max((line for line in LINES if line.is_sale), key=lambda line: line.notional)
    after = INPUTS.frames.after.copy()
    after.loc[CASH, "shares"] = largest.notional / 2
    short = replace(INPUTS, frames=replace(INPUTS.frames, after=after))

    found = without_each(short, LINES)

    assert found[largest.symbol].refused == "the buys cost more than the cash"
    assert not any(found[line.symbol].refused for line in LINES if not line.is_sale)


@pytest.mark.parametrize(("owed", "refused"), [(0.0, ""), (0.01, "the buys cost more than the cash")])
def test_without_purchases_cash_may_stay_negative_but_not_fall(owed, refused):
    """The only trade, a sale that repays half of what is owed, is struck."""
    inputs, lines = planted(("AAA", "Energy", "large", 0.2, 0.1, 0.1))
    cash = -15_000.0

    found = without_each(with_cash(inputs, after=cash + 10_000, before=cash + owed), lines)

    assert found["AAA"].refused == refused


@pytest.mark.parametrize(
    ("setting", "value", "refused"),
    [
        ("max_sector_frac", 0.1, "Communication Services "),
        ("max_position_frac", 0.05, "VSTA "),
        ("max_cap_class_frac", {"large": 0.5}, "large caps "),
    ],
)
def test_a_struck_sale_is_refused_where_the_rest_exceeds_a_limit_of_the_portfolio(setting, value, refused):
    """The sale of VSTA would be all of a large cap in its sector."""
    found = without_each(limited(INPUTS, **{setting: value}), LINES)["VSTA"].refused

    assert found.startswith(refused)
    assert "limit" in found
    assert without_each(INPUTS, LINES)["VSTA"].refused == ""


ENERGY_AT_20 = {"portfolio.max_sector_frac": 0.2, "portfolio.max_cap_class_frac": {}}


def test_a_strike_is_refused_where_other_trades_fill_the_limit_although_the_target_keeps_it():
    """Kept at 10%, AAA makes 10 + 4 + 5 of the target, but 10 + 8 + 5 of the portfolio: BBB is sold in part."""
    inputs, lines = planted(
        ("AAA", "Energy", "large", 0.10, 0.0, 0.0),
        ("BBB", "Energy", "large", 0.10, 0.04, 0.08),
        ("CCC", "Energy", "large", 0.0, 0.05, 0.05),
        **ENERGY_AT_20,
    )

    assert without_each(inputs, lines)["AAA"].refused == "Energy 23.00%, limit 20.00%"


def test_a_limit_that_was_exceeded_before_may_stay_exceeded_but_not_further():
    """Energy is 25% before and 22% after: above its limit, but lower; its target is 15%."""
    inputs, lines = planted(
        ("AAA", "Energy", "large", 0.10, 0.0, 0.0),
        ("BBB", "Energy", "large", 0.15, 0.05, 0.12),
        **ENERGY_AT_20,
    )

    assert without_each(inputs, lines)["AAA"].refused == ""


@pytest.mark.parametrize(
    ("cap", "settings", "refused"),
    [
        (0.5, {}, "invested 55.0%, limit 50.0%"),
        (1.0, {"portfolio.max_cap_class_frac": {"small": 0.05}}, "small caps 20.0%, limit 5.0%"),
        (1.0, {"portfolio.max_position_frac": 0.15}, "AAA 20.0%, limit 15.0%"),
        (1.0, {"portfolio.max_sector_frac": 0.36}, "Energy 40.0%, limit 36.0%"),
        (0.55, {"portfolio.max_cap_class_frac": {"small": 0.2}, "portfolio.max_sector_frac": 0.4}, ""),
    ],
)
def test_every_kind_of_limit_refuses_a_strike_that_exceeds_it(cap, settings, refused):
    """Kept at 20%, the small cap AAA makes 40% of its sector and 55% of the portfolio."""
    inputs, lines = planted(
        ("AAA", "Energy", "small", 0.20, 0.0, 0.0),
        ("BBB", "Energy", "large", 0.20, 0.20, 0.20),
        ("CCC", "Utilities", "large", 0.15, 0.15, 0.15),
        cap=cap,
        **({"portfolio.max_cap_class_frac": {}, "portfolio.max_sector_frac": 1.0} | settings),
    )

    assert without_each(inputs, lines)["AAA"].refused == refused


@pytest.mark.parametrize(
    ("unknown", "refused", "limit"),
    [
        ("one_sector", "Unknown 30.0%, limit 20.0%", 0.2),
        ("each_its_own", "", None),
    ],
)
def test_names_of_unknown_sector_share_its_limit_unless_each_is_its_own(unknown, refused, limit):
    inputs, lines = planted(
        ("AAA", "Unknown", "large", 0.15, 0.0, 0.0),
        ("BBB", "Unknown", "large", 0.15, 0.15, 0.15),
        **ENERGY_AT_20 | {"portfolio.unknown_sector": unknown},
    )

    one = without_each(inputs, lines)["AAA"]

    assert one.refused == refused
    assert one.affected is not None
    assert (one.affected.name == "Unknown", one.sector_weight) == (limit is not None, pytest.approx(0.3))


def test_a_name_that_is_its_own_sector_may_still_not_exceed_the_limit_of_a_sector():
    """The checks refuse it: a group of one name is a sector too."""
    inputs, lines = planted(
        ("AAA", "Unknown", "large", 0.25, 0.0, 0.0),
        **ENERGY_AT_20 | {"portfolio.unknown_sector": "each_its_own"},
    )

    assert without_each(inputs, lines)["AAA"].refused == "Unknown (AAA) 25.0%, limit 20.0%"


@pytest.mark.parametrize(("stopped", "refused"), [((), ""), (("AAA",), "stop loss"), (("BBB",), "")])
@pytest.mark.parametrize("reason", ["stop loss: it closed 25% below", "verkauft"])
def test_a_sale_by_a_stop_cannot_be_struck_whatever_its_reason_says(stopped, refused, reason):
    inputs, _ = planted(("AAA", "Energy", "large", 0.1, 0.0, 0.0))
    records = replace(inputs.records, portfolio=replace(inputs.records.portfolio, stopped=stopped))

    found = without_each(replace(inputs, records=records), [trade("AAA", -0.1, reason)])

    assert found["AAA"].refused == refused


@pytest.mark.parametrize(
    ("left", "refused"), [(0.0, ""), (-0.01, "the buys cost more than the cash"), (0.01, "")]
)
def test_a_strike_may_leave_no_cash_but_not_owe_a_cent(left, refused):
    inputs, lines = planted(
        ("AAA", "Energy", "large", 0.1, 0.0, 0.0), ("BBB", "Utilities", "large", 0.0, 0.1, 0.1)
    )

    one = without_each(with_cash(inputs, after=10_000 + left), lines)["AAA"]

    assert (one.figures.cash_usd, one.refused) == (left, refused)


def test_cash_is_in_whole_cents():
    inputs, lines = planted(("AAA", "Energy", "large", 0.0, 0.1, 0.1))
    bought = replace(lines[0], notional=0.1, cost=0.2)  # 0.1 + 0.2 is 0.30000000000000004

    assert without_each(with_cash(inputs, after=0.0), [bought])["AAA"].figures.cash_usd == 0.3


def test_a_sector_that_only_a_strike_leaves_in_the_portfolio_has_its_limit():
    inputs, lines = planted(("AAA", "Energy", "large", 0.10, 0.0, 0.0))

    one = without_each(inputs, lines)["AAA"]

    assert one.affected == Affected("Energy", 0.0, pytest.approx(0.1), 0.3)


def test_a_sector_that_a_strike_takes_out_of_the_portfolio_has_its_limit():
    inputs, lines = planted(("AAA", "Energy", "large", 0.0, 0.1, 0.1))

    one = without_each(inputs, lines)["AAA"]

    assert one.affected == Affected("Energy", pytest.approx(0.1), 0.0, 0.3)


def test_a_struck_purchase_that_covers_a_short_position_leaves_it():
    inputs, lines = planted(("AAA", "Energy", "large", -0.05, 0.05, 0.05))

    one = without_each(inputs, lines)["AAA"]

    assert one.figures.invested_frac == pytest.approx(-0.05)
    assert one.figures.cash_usd == pytest.approx(105_000)


def test_what_a_strike_keeps_is_valued_at_the_price_of_the_trade():
    """5,000 of 10,000 USD are sold at 10; the list of positions still has a price of 20."""
    inputs, lines = planted(("AAA", "Energy", "large", 0.10, 0.05, 0.05))
    after = inputs.frames.after.copy()
    after.loc["AAA", "price"] = 20.0

    one = without_each(replace(inputs, frames=replace(inputs.frames, after=after)), lines)["AAA"]

    assert one.figures.invested_frac == pytest.approx(0.1)


def test_weights_are_of_the_equity_before_the_trades_whose_costs_lower_it_as_limits_are():
    """BBB stays bought: 20,000 of 100,000 USD, of which its cost leaves 99,000."""
    inputs, (struck, kept) = planted(
        ("AAA", "Energy", "large", 0.0, 0.1, 0.1), ("BBB", "Utilities", "large", 0.0, 0.2, 0.2)
    )

    found = without_each(with_cash(inputs, after=69_000.0), [struck, replace(kept, cost=1_000.0)])["AAA"]

    assert found.figures.cash_usd == 79_000
    assert found.figures.invested_frac == pytest.approx(0.2)
    assert found.figures.sectors == {"Utilities": pytest.approx(0.2)}


def test_a_figure_at_its_limit_is_not_over_it():
    assert not Affected("Invested", 0.0, 0.0, 0.0).is_over
    assert not Affected("Energy", 0.0, 0.3, 0.3).is_over
    assert Affected("Invested", 0.0, 0.0001, 0.0).is_over


@pytest.mark.parametrize(
    ("cap", "setting", "name"),
    [(0.3, {}, "Invested"), (1.0, {"risk.daily_budget_frac": 0.001}, "VaR 1 d")],
)
def test_the_limit_on_the_total_or_on_the_risk_is_named_where_the_strike_exceeds_it(cap, setting, name):
    """Two sectors of 20% are within their limits of 30%."""
    inputs, lines = planted(
        ("AAA", "Energy", "large", 0.2, 0.0, 0.0),
        ("BBB", "Utilities", "large", 0.2, 0.2, 0.2),
        cap=cap,
        **setting,
    )

    one = without_each(inputs, lines)["AAA"]

    limit = {"Invested": cap, "VaR 1 d": 0.001}[name]
    before, after = {
        "Invested": (0.2, 0.4),
        "VaR 1 d": (one.of_all.var_frac, one.figures.var_frac),
    }[name]
    assert one.affected == Affected(name, pytest.approx(before), pytest.approx(after), limit)
    assert one.affected.is_over
