"""Summarize the day: what to do, what it costs, and why there may be nothing to do.

Reads the formatted ledger, so that the figures on the page match those in the files. Formats only sentences.
"""

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import pandas as pd

from tasks.approval.unanswered import policy_of
from tasks.core.sessions import EXCHANGE_TIME_ZONE, exchange_minute, session_after, session_on
from tasks.core.text import counted
from tasks.reporting.day.inputs import DayInputs
from tasks.reporting.day.ledger import is_sale
from tasks.reporting.page.numerals import usd


@dataclass(frozen=True)
class Summary:
    """The day's summary: figures and text."""

    headline: str
    words: str
    why: tuple[str, ...]  # only where there is nothing to do
    trades: int
    buys: int
    sells: int
    buy_usd: float
    sell_usd: float
    cost_usd: float
    cost_frac: float
    cash_after_usd: float
    exposure_after: float
    exposure_cap: float
    equity_usd: float


@dataclass(frozen=True)
class Validity:
    """The session whose open the trades are for, and the time of that open in New York, as HH:MM."""

    session: date
    until: str


def summarise(inputs: DayInputs, trades: pd.DataFrame) -> Summary:
    """Summarize what to do, from the formatted trades."""
    records = inputs.records
    equity = records.portfolio.book.equity_usd
    sold = is_sale(trades["side"])
    buy_usd, sell_usd = (float(trades["notional"][side].sum()) for side in (~sold, sold))
    cost = float((trades["commission_est"] + trades["slippage_est"]).sum())
    cash = records.trades.cash_after_usd
    exposure = 1 - cash / (equity - cost)
    count = len(trades)
    return Summary(
        headline=_headline(inputs, count),
        words=_words(int((~sold).sum()), int(sold.sum()), buy_usd, sell_usd) if count else "",
        why=() if count else tuple(_why_nothing(inputs)),
        trades=count,
        buys=int((~sold).sum()),
        sells=int(sold.sum()),
        buy_usd=buy_usd,
        sell_usd=sell_usd,
        cost_usd=cost,
        cost_frac=cost / equity,
        cash_after_usd=cash,
        exposure_after=0.0 if abs(exposure) < 1e-9 else exposure,
        exposure_cap=records.portfolio.exposure_cap,
        equity_usd=equity,
    )


def validity(inputs: DayInputs) -> Validity:
    """Return the open that the trades are for; an approval expires at it."""
    following = session_on(session_after(inputs.run.session.day))
    if following.opens_at is None:
        raise ValueError(f"{following} has no open")  # the calendar's own contradiction
    return Validity(following.day, f"{following.opens_at.astimezone(ZoneInfo(EXCHANGE_TIME_ZONE)):%H:%M}")


def one_line(inputs: DayInputs, summary: Summary) -> str:
    """Return the day in one line, for the terminal."""
    regime = inputs.records.regime.state
    session = f"{inputs.run.session}{' (simulated market)' if inputs.records.market.is_simulated else ''}"
    halted = " The kill switch halts new risk: sells only." if inputs.records.checks.reductions_only else ""
    if not inputs.records.scores.champion.ranks:
        halted += " No signal is used: the champion is the equal-weight baseline."
    if not summary.trades:
        return f"{session}: {regime}, no trades.{halted}"
    return (
        f"{session}: {regime}, {counted(summary.trades, 'trade')}"
        f" (buy {usd(summary.buy_usd)}, sell {usd(summary.sell_usd)}, cost {usd(summary.cost_usd)}),"
        f" {summary.exposure_after:.1%} invested afterwards.{halted}{_spaced(unanswered(inputs, summary))}"
    )


def unanswered(inputs: DayInputs, summary: Summary) -> str:
    """Return what happens if nobody answers, where the settings let sales go; "" if nothing does."""
    policy, session = policy_of(inputs.run.settings), inputs.run.session
    if not policy.is_on or not summary.sells:
        return ""
    buys = f"; {counted(summary.buys, 'buy lapses', 'buys lapse')}" if summary.buys else ""
    return (
        f"Without an answer by {exchange_minute(policy.due_at(session))}, "
        f"{counted(summary.sells, 'sell is sent', 'sells are sent')} without approval (execution.no_answer){buys}."
    )


def _spaced(words: str) -> str:
    return f" {words}" if words else ""


def _headline(inputs: DayInputs, count: int) -> str:
    if inputs.records.is_blocked:
        return "Blocked. Nothing may be traded"
    if inputs.records.checks.reductions_only:
        return f"Reductions only. {counted(count, 'trade')} to review"
    if count:
        return f"{counted(count, 'trade')} to review"
    if inputs.records.portfolio.exposure_cap == 0 and not inputs.records.portfolio.book.holdings:
        return "Stay in cash"
    return "Nothing to do"


def _words(buys: int, sells: int, buy_usd: float, sell_usd: float) -> str:
    parts = []
    if sells:
        parts.append(f"sell {counted(sells, 'name')} for {usd(sell_usd)}")
    if buys:
        parts.append(f"buy {counted(buys, 'name')} for {usd(buy_usd)}")
    sentence = ", then ".join(parts)
    return f"{sentence[0].upper()}{sentence[1:]}."


def _why_nothing(inputs: DayInputs) -> list[str]:
    portfolio, regime = inputs.records.portfolio, inputs.records.regime
    why = []
    if portfolio.exposure_cap == 0:
        why.append(f"The regime is {regime.state}: it allows no exposure.")
    elif not regime.allows_new_positions:
        why.append(f"The regime is {regime.state}: it allows no new positions.")
    if portfolio.method == "hold" and portfolio.exposure_cap > 0:
        why.append("No optimizer returned a portfolio, so the holdings stay unchanged.")
    if dropped := len(inputs.records.trades.dropped):
        why.append(
            f"{counted(dropped, 'trade')} was dropped; the reason is below."
            if dropped == 1
            else f"{dropped} trades were dropped; the reasons are below."
        )
    return why or ["The portfolio already matches its target."]
