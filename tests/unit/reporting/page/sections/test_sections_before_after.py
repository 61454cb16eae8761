import numpy as np
import pytest

from tasks.portfolio.schema import CASH
from tasks.reporting.day.assessed import assess_day
from tasks.reporting.day.ledger import printed_trades
from tasks.reporting.page.sections.before_after import Compared, before_and_after
from tasks.reporting.page.sections.summary import summarise
from tasks.risk.tail import portfolio_risk
from tests.unit.reporting.example_day import make_inputs


def is_over(*, after, limit):
    return Compared("largest", "Largest position", "percent", 0.95, after, limit).is_over


def rows_of(**kind):
    inputs = make_inputs(**kind)
    rows = before_and_after(inputs, summarise(inputs, printed_trades(inputs.frames.trades)))
    return inputs, {row.key: row for row in rows}


def test_the_figures_are_those_of_the_weights_at_the_close_and_after_the_trades():
    inputs, rows = rows_of()
    now, after = inputs.frames.weights["current_weight"], inputs.frames.after["weight"]

    for held, name in ((now, "now"), (after, "after")):
        risk = portfolio_risk(held.drop(CASH), inputs.frames.returns, 0.95)
        assert getattr(rows["volatility"], name) == pytest.approx(risk["volatility"])
        assert getattr(rows["var_1d"], name) == pytest.approx(risk["var_1d"])
        assert getattr(rows["largest"], name) == held.drop(CASH).max()
    assert rows["cash"].after == inputs.records.trades.cash_after_usd


def test_the_risk_limits_are_about_the_portfolio_that_the_table_shows():
    inputs, rows = rows_of()

    assessed = {limit.name: limit for limit in assess_day(inputs).limits}

    for name in ("volatility", "var_1d", "beta"):
        assert (assessed[name].value, assessed[name].limit) == (
            pytest.approx(rows[name].after),
            rows[name].limit,
        )


def test_a_figure_over_its_limit_is_marked_and_one_without_a_limit_is_not():
    _, rows = rows_of()

    assert rows["cash"].limit is None
    assert not rows["cash"].is_over
    assert not rows["invested"].is_over
    assert is_over(after=0.9, limit=0.8)
    assert not is_over(after=0.8, limit=0.9)
    assert not is_over(after=0.1 + 0.2, limit=0.3)  # at its limit, but for rounding
    assert not is_over(after=0.9, limit=None)
    assert is_over(after=5.0, limit=0.0)


def test_without_trades_nothing_changes_and_all_cash_has_no_risk():
    _, held = rows_of(hold=True)
    _, cash = rows_of(empty=True)

    assert all(row.now == pytest.approx(row.after) for row in held.values())
    assert cash["volatility"].after == cash["largest"].after == 0.0
    assert np.isfinite([row.after for row in cash.values()]).all()
