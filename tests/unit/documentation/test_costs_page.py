import numpy as np
import pytest

from tasks.costs.model import Conditions, estimate
from tests.builders import make_settings
from tests.documentation.costs_page import (
    BOOKS_USD,
    PAGE,
    TRADE_DATE,
    book_costs,
    cost_bps,
    size_that_costs,
    tables,
    with_tables,
)

COSTS = make_settings().costs


def test_the_tables_of_the_page_are_what_the_model_computes_today():
    page = PAGE.read_text()

    assert page == with_tables(page, tables()), "docs/costs.md is stale: run `make docs`"


def test_a_table_replaces_what_was_between_its_markers():
    page = "a\n<!-- x: begin -->\n\nold\n\n<!-- x: end -->\nb"

    assert with_tables(page, {"x": "new"}) == "a\n<!-- x: begin -->\n\nnew\n\n<!-- x: end -->\nb"


@pytest.mark.parametrize("order_type", ["market", "vwap", "moo"])
def test_a_larger_portfolio_costs_more_basis_points(order_type):
    bps = [cost_bps(book_costs(usd, order_type, costs=COSTS), usd) for usd in BOOKS_USD.values()]

    assert bps == sorted(bps)


def test_the_size_that_costs_a_figure_costs_that_figure():
    usd = size_that_costs(20.7, "market", costs=COSTS)

    assert cost_bps(book_costs(usd, "market", costs=COSTS), usd) == pytest.approx(20.7, rel=1e-3)


@pytest.mark.parametrize(
    ("notional_usd", "price", "volume_usd", "volatility", "order_type", "part", "bps"),
    [
        (50_000, 30.0, 5e6, 0.025, "market", "slippage_usd", 26.5),
        (1.6e6, 100.0, 160e6, 0.0126, "vwap", "impact_usd", 7.8),
    ],
)
def test_the_figures_in_the_text_are_those_of_the_model(
    notional_usd, price, volume_usd, volatility, order_type, part, bps
):
    shares = np.array([notional_usd // price])
    conditions = Conditions(
        np.array([price]), np.array([volatility]), np.array([volume_usd / price]), TRADE_DATE
    )

    found = estimate(shares, np.array([False]), conditions, costs=COSTS, order_type=order_type)

    assert getattr(found, part)[0] / (shares[0] * price) * 1e4 == pytest.approx(bps, abs=0.05)
    assert f"{bps} basis" in " ".join(PAGE.read_text().split())
