"""The generated tables of docs/costs.md: dated fees, and what a portfolio of 20 positions costs by order type.

`make docs` writes them. `make costs` also measures spread estimators on real prices (`costs_record`).
"""

from datetime import date
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from config.costs_section import Costs, Fees, OrderType
from tasks.costs.model import Conditions, CostEstimate, estimate
from tests.builders import make_settings

PAGE = Path(__file__).parents[2] / "docs" / "costs.md"
TRADE_DATE = date(2026, 5, 4)
BOOKS_USD = {"$100,000": 1e5, "$1M": 1e6, "$10M": 1e7, "$100M": 1e8}
ORDER_TYPES: tuple[OrderType, ...] = get_args(OrderType)
SEED_BPS = (20.7, 17.9, 16.2)

# Price, dollar volume a day and daily volatility of 20 names: medians of twentieths by dollar volume of the 501 members
# of the S&P 500 with prices at the end of 2019, rounded.
NAMES = np.array(
    [
        (153, 1540e6, 0.0114),
        (121, 680e6, 0.0115),
        (134, 457e6, 0.0124),
        (120, 364e6, 0.0131),
        (139, 294e6, 0.0137),
        (98, 264e6, 0.0130),
        (111, 226e6, 0.0127),
        (108, 205e6, 0.0125),
        (100, 181e6, 0.0118),
        (109, 169e6, 0.0121),
        (111, 153e6, 0.0122),
        (76, 136e6, 0.0132),
        (79, 122e6, 0.0130),
        (75, 112e6, 0.0117),
        (95, 101e6, 0.0133),
        (69, 92.4e6, 0.0127),
        (90, 82.2e6, 0.0125),
        (66, 73.7e6, 0.0131),
        (65, 63.4e6, 0.0117),
        (52, 43.3e6, 0.0135),
    ]
)


def book_costs(
    book_usd: float,
    order_type: OrderType,
    *,
    costs: Costs,
    sells: bool = False,
    index_multiplier: float = 1.0,
) -> CostEstimate:
    """Return the cost of buying (or selling) the 20 names, each a twentieth of the portfolio in whole shares."""
    conditions = Conditions(NAMES[:, 0], NAMES[:, 2], NAMES[:, 1] / NAMES[:, 0], TRADE_DATE, index_multiplier)
    return estimate(
        shares_of(book_usd), np.full(len(NAMES), sells), conditions, costs=costs, order_type=order_type
    )


def shares_of(book_usd: float) -> NDArray[np.float64]:
    """Return the whole shares of each name."""
    shares: NDArray[np.float64] = np.floor(book_usd / len(NAMES) / NAMES[:, 0])
    return shares


def cost_bps(found: CostEstimate, book_usd: float) -> float:
    """Return the cost in basis points of what is traded."""
    return 1e4 * found.total_usd / float((shares_of(book_usd) * NAMES[:, 0]).sum())


def size_that_costs(bps: float, order_type: OrderType, *, costs: Costs) -> float:
    """Return the size of the portfolio in USD at which buying it costs so much, by bisection."""
    low, high = 1e5, 1e10
    while high / low > 1.001:
        middle = (low * high) ** 0.5
        dearer = cost_bps(book_costs(middle, order_type, costs=costs), middle) > bps
        low, high = (low, middle) if dearer else (middle, high)
    return low


def book_table(costs: Costs) -> str:
    """Return what buying the portfolio costs in basis points, by order type and size."""
    rows = [f"| order type | {' | '.join(BOOKS_USD)} |", "|---" * (len(BOOKS_USD) + 1) + "|"]
    for order_type in ORDER_TYPES:
        cells = [
            f"{cost_bps(book_costs(usd, order_type, costs=costs), usd):.1f}" for usd in BOOKS_USD.values()
        ]
        rows.append(f"| {order_type} | {' | '.join(cells)} |")
    spread = [
        book_costs(usd, "market", costs=costs).spread_usd.sum() / usd * 1e4 for usd in BOOKS_USD.values()
    ]
    rows.append(f"| market, half-spread only | {' | '.join(f'{each:.1f}' for each in spread)} |")
    fees = [
        book_costs(usd, "market", costs=costs, sells=True).commission_usd.sum() for usd in BOOKS_USD.values()
    ]
    per_book = zip(fees, BOOKS_USD.values(), strict=True)
    rows.append(f"| a sale adds fees of | {' | '.join(f'{fee / usd * 1e4:.2f}' for fee, usd in per_book)} |")
    beyond = [int((shares_of(usd) * NAMES[:, 0] > 0.05 * NAMES[:, 1]).sum()) for usd in BOOKS_USD.values()]
    rows.append(f"| names above 5% of the day's volume | {' | '.join(str(each) for each in beyond)} |")
    return "\n".join(rows)


def seed_table(costs: Costs) -> str:
    """Return the size of the portfolio at which each order type would cost the seed's figures."""
    rows = [
        f"| order type | {' | '.join(f'{bps} bps' for bps in SEED_BPS)} |",
        "|---" * (len(SEED_BPS) + 1) + "|",
    ]
    for order_type in ORDER_TYPES:
        sizes = [f"${size_that_costs(bps, order_type, costs=costs) / 1e6:,.0f}M" for bps in SEED_BPS]
        rows.append(f"| {order_type} | {' | '.join(sizes)} |")
    return "\n".join(rows)


def sec_table(fees: Fees) -> str:
    """Return the rates of the SEC's fee."""
    rows = ["| trade dates from | USD per million sold | source |", "|---|---|---|"]
    return "\n".join([*rows, *(f"| {r.since} | {r.usd_per_million:.2f} | {r.source} |" for r in fees.sec)])


def taf_table(fees: Fees) -> str:
    """Return the rates of FINRA's fee."""
    rows = ["| trade dates from | USD per share sold | at most, USD per sale | source |", "|---|---|---|---|"]
    return "\n".join(
        [*rows, *(f"| {r.since} | {r.usd_per_share:.6f} | {r.max_usd:.2f} | {r.source} |" for r in fees.taf)]
    )


def tables() -> dict[str, str]:
    """Return the tables by the name of their markers."""
    costs = make_settings().costs
    return {
        "book": book_table(costs),
        "seed": seed_table(costs),
        "sec": sec_table(costs.fees),
        "taf": taf_table(costs.fees),
    }


def with_tables(page: str, named: dict[str, str]) -> str:
    """Return the page with each table between its markers."""
    for name, table in named.items():
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        before, rest = page.split(begin)
        page = f"{before}{begin}\n\n{table}\n\n{end}{rest.split(end)[1]}"
    return page
