"""Replace the sizes of planned trades by those that a person wants. Nothing else of the plan changes.

No limit is applied: the checks of the day decide whether the result may be approved.
"""

from collections.abc import Mapping
from dataclasses import replace

from tasks.trades.lines import Lines
from tasks.trades.plan import Plan, costs_of
from tasks.trades.rules import TradeRules


def resized(plan: Plan, lines: Lines, changes: Mapping[int, int], rules: TradeRules) -> Plan:
    """Return the plan with these changes in shares by line: positive buys, negative sells, 0 does not trade."""
    sells, buys = plan.sells.copy(), plan.buys.copy()
    for line, shares in changes.items():
        sells[line], buys[line] = max(-shares, 0), max(shares, 0)
    of_sells = costs_of(sells, lines, is_sale=True, rules=rules)
    of_buys = costs_of(buys, lines, is_sale=False, rules=rules)
    commission, slippage = of_sells[0] + of_buys[0], of_sells[1] + of_buys[1]
    return replace(plan, sells=sells, buys=buys, commission_cents=commission, slippage_cents=slippage)
