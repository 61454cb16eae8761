"""The page's content as plain records: summary, trades, portfolio and sectors.

Reads the formatted ledger, so that the figures on the page match those in the files. Formats only sentences.
"""

from dataclasses import dataclass

import pandas as pd

from tasks.core.text import counted
from tasks.models.schema import Champion
from tasks.portfolio.explanation import unknown_sector_words
from tasks.portfolio.limits import UNKNOWN_SECTOR
from tasks.portfolio.schema import CASH
from tasks.reporting.day.files import as_text
from tasks.reporting.day.inputs import DayInputs, Records
from tasks.reporting.day.ledger import is_sale
from tasks.reporting.page.numerals import usd
from tasks.safety.schema import Check

DEAREST = 3
KILL_SWITCH = "kill_switch"  # the check that repeats the switch's state


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
class TradeLine:
    """One trade as the page shows it."""

    symbol: str
    name: str
    side: str
    action: str
    shares: float
    price: float
    notional: float
    weight_before: float
    weight_after: float
    cost: float
    reason: str
    warning: str
    algorithm: str
    is_sale: bool


@dataclass(frozen=True)
class BookLine:
    """One line of the target portfolio. The bars are fractions of the heaviest name."""

    symbol: str
    name: str
    sector: str
    weight: float
    current: float
    after: float  # weight of `shares` once every trade is filled
    shares: float
    price: float
    score: float
    bar: float
    current_bar: float
    is_cash: bool


@dataclass(frozen=True)
class GroupLine:
    """One sector or cap class against its limit. The bars are fractions of the widest scale."""

    name: str
    weight: float
    current: float
    limit: float
    bar: float
    current_bar: float
    limit_bar: float
    is_near: bool  # within a tenth of the limit


@dataclass(frozen=True)
class Costs:
    """The estimated costs of the day's trades."""

    commission_usd: float
    slippage_usd: float
    of_traded: float
    dearest: tuple[TradeLine, ...]


def summarise(inputs: DayInputs, trades: pd.DataFrame) -> Summary:
    """Summarise what to do, from the formatted trades."""
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


def one_line(inputs: DayInputs, summary: Summary) -> str:
    """Return the day in one line, for the terminal."""
    regime = inputs.records.regime.state
    session = f"{inputs.run.session}{' (simulated market)' if inputs.records.market.is_simulated else ''}"
    halted = " The kill switch halts new risk: sales only." if inputs.records.checks.reductions_only else ""
    if not inputs.records.scores.champion.ranks:
        halted += " No signal is used: the champion is the equal-weight baseline."
    if not summary.trades:
        return f"{session}: {regime}, no trades.{halted}"
    return (
        f"{session}: {regime}, {counted(summary.trades, 'trade')}"
        f" (buy {usd(summary.buy_usd)}, sell {usd(summary.sell_usd)}, cost {usd(summary.cost_usd)}),"
        f" {summary.exposure_after:.1%} invested afterwards.{halted}"
    )


def notices(inputs: DayInputs) -> tuple[str, ...]:
    """Return notices that must be read before the trades: once, at the top, not on every line."""
    settings = inputs.run.settings.portfolio
    weights = inputs.frames.weights
    wanted = weights[(weights["weight"] > 0) & (weights.index != CASH)]
    unknown = int((wanted["sector"] == UNKNOWN_SECTOR).sum())
    halted = (
        *_reductions_notice(inputs.records),
        *_overrides_notice(inputs),
        *_baseline_notice(inputs.records.scores.champion),
    )
    if not unknown:
        return halted
    of_all = f"The sector of {unknown} of {counted(len(wanted), 'name')} in the target portfolio is unknown"
    remedy = "Give the sectors of these names, or set portfolio.unknown_sector."
    return (*halted, f"{of_all}: {unknown_sector_words(settings)}. {remedy}")


def _reductions_notice(records: Records) -> tuple[str, ...]:
    if records.is_blocked or not records.checks.reductions_only:
        return ()
    said = f"The kill switch is on{halt_words(records.checks.kill_switch)}."
    return (f"Reductions only. {said} Nothing is bought until a named person resets it.",)


def _overrides_notice(inputs: DayInputs) -> tuple[str, ...]:
    if inputs.overrides is not None:
        return ()
    return ("The overrides cannot be read from the audit log: nothing is executed until it is repaired.",)


def _baseline_notice(champion: Champion) -> tuple[str, ...]:
    if champion.ranks:
        return ()
    rule = (
        "The most liquid names get equal weights within limits and the regime's cap; trades only restore them"
    )
    return (f"No signal is used: {champion.name}. {rule}. {champion.selection_reason}",)


def failed_checks(records: Records) -> list[Check]:
    """Return the failed checks, without the kill switch, which has its own text."""
    return [check for check in records.checks.checks if not check.passed and check.name != KILL_SWITCH]


def halt_words(kill_switch: str) -> str:
    """Return the continuation of the sentence 'The kill switch is on'; empty when the switch is clear."""
    if kill_switch == "clear":
        return ""
    rest = kill_switch.removeprefix("on").strip().rstrip(".")
    return rest if rest.startswith(", ") else f": {rest.lstrip(': ')}"


def trade_lines(inputs: DayInputs, trades: pd.DataFrame, weights: pd.DataFrame) -> list[TradeLine]:
    """Return the trades in the order of trades.csv."""
    current = dict(zip(weights["symbol"], weights["current_weight"], strict=True))
    sold = is_sale(trades["side"])
    return [
        TradeLine(
            symbol=str(line["symbol"]),
            name=inputs.backdrop.names.get(str(line["symbol"]), ""),
            side=str(line["side"]),
            action=str(line["action"]),
            shares=line["shares"],
            price=line["price"],
            notional=line["notional"],
            weight_before=current.get(line["symbol"], 0.0),
            weight_after=_not_minus_zero(current.get(line["symbol"], 0.0) + line["weight_change"]),
            cost=line["commission_est"] + line["slippage_est"],
            reason=as_text(line["reason"]),
            warning=as_text(line["liquidity_warning"]),
            algorithm=as_text(line["algorithm"]),
            is_sale=bool(is_sold),
        )
        for line, is_sold in zip(trades.to_dict("records"), sold, strict=True)
    ]


def book_lines(inputs: DayInputs, weights: pd.DataFrame) -> list[BookLine]:
    """Return the target portfolio in the order of portfolio_weights.csv, without names that are not held or wanted."""
    shown = weights[(weights["weight"] != 0) | (weights["current_weight"] != 0) | (weights["symbol"] == CASH)]
    named = shown.loc[shown["symbol"] != CASH, ["weight", "current_weight"]]
    scale = max(float(named.max().max()), 1e-9) if len(named) else 1.0
    after = inputs.frames.after["weight"]
    return [
        BookLine(
            symbol=str(line["symbol"]),
            name=inputs.backdrop.names.get(str(line["symbol"]), ""),
            sector=as_text(line["sector"]),
            weight=line["weight"],
            current=line["current_weight"],
            after=float(after.get(line["symbol"], 0.0)),
            shares=line["shares"],
            price=line["price"],
            score=line["score"],
            bar=min(max(line["weight"] / scale, 0.0), 1.0),
            current_bar=min(max(line["current_weight"] / scale, 0.0), 1.0),
            is_cash=line["symbol"] == CASH,
        )
        for line in shown.to_dict("records")
    ]


def sector_lines(inputs: DayInputs) -> list[GroupLine]:
    """Return sectors by weight with the sector limit; unknown sectors that count one by one have none."""
    settings = inputs.run.settings.portfolio
    limits = {UNKNOWN_SECTOR: 1.0} if settings.unknown_sector == "each_its_own" else {}
    return _groups(inputs.frames.weights, "sector", default_limit=settings.max_sector_frac, limits=limits)


def cap_class_lines(inputs: DayInputs) -> list[GroupLine]:
    """Return cap classes with their limits; empty where there is no cap data."""
    limits = {str(name): limit for name, limit in inputs.run.settings.portfolio.max_cap_class_frac.items()}
    weights = inputs.frames.weights
    known = weights[weights["cap_class"].isin(list(limits))]
    return _groups(known, "cap_class", default_limit=1.0, limits=limits)


def day_costs(trades: pd.DataFrame, lines: list[TradeLine]) -> Costs:
    """Split the costs; the most expensive lines are those that cost the most in dollars, the figure shown first."""
    commission, slippage = (float(trades[name].sum()) for name in ("commission_est", "slippage_est"))
    traded = float(trades["notional"].sum())
    return Costs(
        commission_usd=commission,
        slippage_usd=slippage,
        of_traded=(commission + slippage) / traded if traded else 0.0,
        dearest=tuple(sorted(lines, key=lambda line: (-line.cost, line.symbol))[:DEAREST]),
    )


def _groups(
    weights: pd.DataFrame, column: str, *, default_limit: float, limits: dict[str, float]
) -> list[GroupLine]:
    invested = weights[weights.index != CASH]
    sums = invested.groupby(column, sort=True)[["weight", "current_weight"]].sum()
    sums = sums[(sums["weight"] > 0) | (sums["current_weight"] > 0)]
    if sums.empty:
        return []
    widest = max(float(sums.max().max()), default_limit if default_limit < 1 else max(limits.values())) * 1.05
    lines = [
        GroupLine(
            name=str(name) or "Unknown",
            weight=float(row["weight"]),
            current=float(row["current_weight"]),
            limit=limits.get(str(name), default_limit),
            bar=float(row["weight"]) / widest,
            current_bar=float(row["current_weight"]) / widest,
            limit_bar=min(limits.get(str(name), default_limit) / widest, 1.0),
            is_near=float(row["weight"]) > 0.9 * limits.get(str(name), default_limit),
        )
        for name, row in sums.iterrows()
    ]
    return sorted(lines, key=lambda line: (-line.weight, -line.current, line.name))


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


def _not_minus_zero(weight: float) -> float:
    return 0.0 if abs(weight) < 5e-9 else weight
