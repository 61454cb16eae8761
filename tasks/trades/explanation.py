"""Describe each trade in text: what it is, why it is proposed, how to execute it, and what was dropped.

Changes no figures.
"""

import numpy as np
import pandas as pd

from tasks.core.text import percent
from tasks.trades.cuts import CutLog, Drop, Step
from tasks.trades.lines import Lines
from tasks.trades.plan import Plan
from tasks.trades.rules import TradeRules
from tasks.trades.schema import TRADE_COLUMNS, Dropped

ALGORITHMS = (
    (500, "MARKET"),
    (2_000, "TWAP"),
    (5_000, "VWAP"),
    (10_000, "ADAPTIVE"),
)  # below this many shares
LARGEST = "ICEBERG"
ORDER = ("CLOSE", "REDUCE", "OPEN", "INCREASE")  # exits first


def trades_frame(
    lines: Lines, plan: Plan, symbols: tuple[str, ...], notes: pd.Series, rules: TradeRules
) -> pd.DataFrame:
    """Return the frame of `Trades`: exits first, then by size.

    `symbols`: by line. `notes` explain the targets, by symbol.
    """
    steps = step_words(lines, rules)
    rows = [
        {"symbol": symbols[line], **_row(line, lines, plan, str(notes[symbols[line]]), steps, rules)}
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


def dropped_trades(
    lines: Lines, plan: Plan, symbols: tuple[str, ...], rules: TradeRules
) -> tuple[Dropped, ...]:
    """Return the desired trades that are not proposed, by symbol."""
    steps, log = step_words(lines, rules), plan.cut_log
    gap_cents = lines.weight * lines.equity_cents - lines.value_cents
    found = []
    for line in np.flatnonzero(plan.sells + plan.buys == 0).tolist():
        if log.dropped[line]:
            lost_usd = int(log.dropped_shares[line]) * int(lines.price_cents[line]) / 100
            why = drop_words(int(log.dropped[line]), steps, rules)
        else:
            lost_usd = round(abs(float(gap_cents[line])) / 100, 2)
            why = _why_nothing(line, lines, gap_cents[line])
        if why:
            found.append(Dropped(symbols[line], lost_usd, why))
    return tuple(sorted(found, key=lambda one: one.symbol))


def step_words(lines: Lines, rules: TradeRules) -> tuple[str, ...]:
    """Return the name of each limit in the order of the steps of tasks/trades/cuts.py."""
    enters = not (lines.held > 0).any()
    return (
        f"{percent(rules.max_adv_frac)} of the average daily volume",
        f"{percent(rules.max_trade_frac)} of the portfolio in one trade",
        f"the day's limit of {percent(rules.max_entry_buys_frac if enters else rules.max_buys_frac)} for buys",
        f"the day's limit of {percent(rules.max_daily_notional_frac)} for buys and sells",
        *(f"the limit for {group.name}" for group in lines.limits.groups),
        "the exposure limit",
        "the cash available after sells and costs",
    )


def cut_words(line: int, log: CutLog, steps: tuple[str, ...]) -> list[str]:
    """Return how a trade was cut, in the order of the steps."""
    return [
        f"cut to fit {steps[step]}"
        if step >= Step.DAYS_BUYS
        else f"cut to {steps[step]}; the rest is left for later sessions"
        for step in np.flatnonzero(log.cut[:, line]).tolist()
    ]


def volume_warnings(line: int, log: CutLog, rules: TradeRules) -> list[str]:
    """Return how a name's volume limited its trade, or that it is unknown."""
    if log.lacks_volume[line]:
        return ["the average daily volume is unknown"]
    if not log.before_volume[line]:
        return []
    before, after = log.before_volume[line], log.after_volume[line]
    return [
        f"cut from {before:,} to {after:,} shares, {percent(rules.max_adv_frac)} of the average daily volume"
    ]


def drop_words(code: int, steps: tuple[str, ...], rules: TradeRules) -> str:
    """Return why a desired trade is not proposed."""
    if code >= Drop.NO_ROOM:
        return f"{steps[code - Drop.NO_ROOM]} leaves no room"
    return {
        Drop.SIZE: "the size limits leave less than one share",
        Drop.SMALL: f"worth less than {rules.min_notional_usd:,.0f} USD",
        Drop.WORTHLESS: "selling would cost more than its proceeds",
        Drop.TOO_MANY: f"more than {rules.max_trades} trades in one day; exits and larger trades come first",
    }[Drop(code)]


def algorithm_for(shares: int) -> str:
    """Return how to execute an order of this size."""
    return next((name for below, name in ALGORITHMS if shares < below), LARGEST)


def _row(
    line: int, lines: Lines, plan: Plan, note: str, steps: tuple[str, ...], rules: TradeRules
) -> dict[str, object]:
    sells, buys = int(plan.sells[line]), int(plan.buys[line])
    shares = sells + buys
    notional_cents = shares * int(lines.price_cents[line])
    return {
        "side": "SELL" if sells else "BUY",
        "shares": shares,
        "price": int(lines.price_cents[line]) / 100,
        "notional": notional_cents / 100,
        "weight_change": round((notional_cents if buys else -notional_cents) / lines.equity_cents, 10),
        "commission_est": int(plan.commission_cents[line]) / 100,
        "slippage_est": int(plan.slippage_cents[line]) / 100,
        "action": _action(sells, float(lines.held[line])),
        "reason": _reason(line, lines, plan, note, steps),
        "liquidity_warning": "; ".join(_warnings(line, lines, plan, rules)),
        "algorithm": algorithm_for(shares),
    }


def _action(sells: int, held: float) -> str:
    if sells:
        return "CLOSE" if held - sells < 1 else "REDUCE"
    return "INCREASE" if held >= 1 else "OPEN"


def _reason(line: int, lines: Lines, plan: Plan, note: str, steps: tuple[str, ...]) -> str:
    now, then = lines.value_cents[line] / lines.equity_cents, lines.weight[line]
    said = [note] if note else []
    said.append(f"target weight from {percent(now)} to {percent(then)}")
    said += cut_words(line, plan.cut_log, steps)
    words = "; ".join(said)
    return f"{words[:1].upper()}{words[1:]}."


def _warnings(line: int, lines: Lines, plan: Plan, rules: TradeRules) -> list[str]:
    warnings = volume_warnings(line, plan.cut_log, rules)
    if not lines.has_quote[line]:
        warnings.append("no quote on the session: the price is the last known one and the order may not fill")
    if lines.is_quarantined[line]:
        warnings.append("in quarantine: the last price is in doubt")
    return warnings


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
    return "close enough to its target to stay unchanged"
