"""Describe each trade in text: what it is, why it is proposed, how to execute it, and what was dropped.

Changes no number.
"""

import numpy as np
import pandas as pd

from tasks.core.text import percent
from tasks.trades.lines import Lines
from tasks.trades.plan import Plan
from tasks.trades.schema import TRADE_COLUMNS, Dropped

ALGORITHMS = (
    (500, "MARKET"),
    (2_000, "TWAP"),
    (5_000, "VWAP"),
    (10_000, "ADAPTIVE"),
)  # below this many shares
LARGEST = "ICEBERG"
ORDER = ("CLOSE", "REDUCE", "OPEN", "INCREASE")  # exits first


def trades_frame(lines: Lines, plan: Plan, notes: pd.Series) -> pd.DataFrame:
    """Return the frame of `Trades`: exits first, then by size. `notes` explain the targets, by symbol."""
    rows = [
        _row(line, lines, plan, str(notes[lines.symbols[line]]))
        for line in np.flatnonzero(plan.sells + plan.buys).tolist()
    ]
    rows.sort(
        key=lambda row: (ORDER.index(str(row["action"])), -float(str(row["notional"])), str(row["symbol"]))
    )
    frame = pd.DataFrame(rows, columns=list(TRADE_COLUMNS))
    text = ["symbol", "side", "action", "reason", "liquidity_warning", "algorithm"]
    numbers = [column for column in TRADE_COLUMNS if column not in (*text, "shares")]
    return frame.astype(
        {**dict.fromkeys(text, "str"), **dict.fromkeys(numbers, "float64"), "shares": "int64"}
    )


def dropped_trades(lines: Lines, plan: Plan) -> tuple[Dropped, ...]:
    """Return the desired trades that are not proposed, by symbol."""
    found = {
        line: Dropped(lines.symbols[line], shares * int(lines.price_cents[line]) / 100, why)
        for line, (shares, why) in plan.cut_log.dropped.items()
        if plan.sells[line] + plan.buys[line] == 0
    }
    gap_cents = lines.weight * lines.equity_cents - lines.value_cents
    for line in range(len(lines.symbols)):
        why = _why_nothing(line, lines, gap_cents[line])
        if why and line not in found and plan.sells[line] + plan.buys[line] == 0:
            found[line] = Dropped(lines.symbols[line], round(abs(float(gap_cents[line])) / 100, 2), why)
    return tuple(found[line] for line in sorted(found))


def algorithm_for(shares: int) -> str:
    """Return how to execute an order of this size."""
    return next((name for below, name in ALGORITHMS if shares < below), LARGEST)


def _row(line: int, lines: Lines, plan: Plan, note: str) -> dict[str, object]:
    sells, buys = int(plan.sells[line]), int(plan.buys[line])
    shares = sells + buys
    notional_cents = shares * int(lines.price_cents[line])
    return {
        "symbol": lines.symbols[line],
        "side": "SELL" if sells else "BUY",
        "shares": shares,
        "price": int(lines.price_cents[line]) / 100,
        "notional": notional_cents / 100,
        "weight_change": round((notional_cents if buys else -notional_cents) / lines.equity_cents, 10),
        "commission_est": int(plan.commission_cents[line]) / 100,
        "slippage_est": int(plan.slippage_cents[line]) / 100,
        "action": _action(sells, float(lines.held[line])),
        "reason": _reason(line, lines, plan, note),
        "liquidity_warning": "; ".join([*plan.cut_log.warned.get(line, []), *_doubts(line, lines)]),
        "algorithm": algorithm_for(shares),
    }


def _action(sells: int, held: float) -> str:
    if sells:
        return "CLOSE" if held - sells < 1 else "REDUCE"
    return "INCREASE" if held >= 1 else "OPEN"


def _reason(line: int, lines: Lines, plan: Plan, note: str) -> str:
    now, then = lines.value_cents[line] / lines.equity_cents, lines.weight[line]
    said = [note] if note else []
    said.append(f"target weight from {percent(now)} to {percent(then)}")
    said += dict.fromkeys(plan.cut_log.cut.get(line, []))
    words = "; ".join(said)
    return f"{words[:1].upper()}{words[1:]}."


def _doubts(line: int, lines: Lines) -> list[str]:
    doubts = []
    if not lines.has_quote[line]:
        doubts.append("no quote on the session: the price is the last known one and the order may not fill")
    if lines.is_quarantined[line]:
        doubts.append("in quarantine: the last price is in doubt")
    return doubts


def _why_nothing(line: int, lines: Lines, gap_cents: float) -> str:
    """Return why a name is not traded although it is off its target; empty if there is nothing to trade."""
    price = int(lines.price_cents[line])
    if lines.is_exit[line]:
        return (
            "its price is below one cent"
            if price == 0
            else "less than one share is left, which cannot be sold"
        )
    if gap_cents > 0 and not lines.may_buy[line]:
        if not lines.has_quote[line]:
            return "no quote on the session: not bought"
        return "in quarantine: not bought" if lines.is_quarantined[line] else "no known volume: not bought"
    if abs(gap_cents) < price:
        return "less than one share" if lines.held[line] == 0 and gap_cents > 0 else ""
    return "close enough to its target to be left alone"
