"""List what is unusual today: what a person reads before everything else.

Stops are first, then what is new, the most serious first, then what earlier sessions had too, with the number of
sessions in a row. Each line links to the section that has the details. An ordinary day has none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tasks.core.text import counted
from tasks.reporting.day.executed import CENTS_PER_USD, Line
from tasks.reporting.day.inputs import DayInputs
from tasks.reporting.day.parity import parity_headline
from tasks.reporting.page.numerals import number, ordinal, signed_usd, typeset_percent, words
from tasks.reporting.page.sections.account.bridge import Bridge
from tasks.reporting.page.sections.account.contributors import ContributorLine
from tasks.reporting.page.sections.before_after import Compared
from tasks.reporting.page.sections.changes import Changes
from tasks.reporting.page.sections.notices import notices
from tasks.reporting.page.sections.risk_view import limit_notice
from tasks.reporting.page.sections.trades.trade_list import TradeLine
from tasks.risk.assessment import Assessment
from tasks.risk.limits import LimitState

Weight = Literal["stop", "warning", "note"]
ORDER: tuple[Weight, ...] = ("stop", "warning", "note")
LASTING = "As in earlier sessions"
NAMES_SHOWN = 5


@dataclass(frozen=True)
class Item:
    """One unusual fact, and the section that has the details.

    `trades` complete the words: the symbol and the text of each trade named, which leads to its row, then `ending`.
    `lasting` names what a later session may have too; it is empty for what belongs to this session alone.
    """

    weight: Weight
    words: str
    anchor: str
    lasting: tuple[str, ...] = ()
    sessions: int = 1  # published ones in a row that had it, this one included
    trades: tuple[tuple[str, str], ...] = ()
    between: str = ","
    ending: str = ""

    @property
    def is_new(self) -> bool:
        return self.sessions == 1

    @property
    def text(self) -> str:
        """Return the whole fact on one line, with its trades."""
        named = f"{self.between} ".join(words for _, words in self.trades)
        return f"{self.words} {named}{self.ending}" if named else f"{self.words}{self.ending}"

    @property
    def again(self) -> str:
        """Return how long it has lasted; "" for what is new."""
        return "" if self.is_new else f"{ordinal(self.sessions)} session in a row"


def attention(
    inputs: DayInputs,
    assessment: Assessment,
    trades: list[TradeLine],
    changes: Changes | None,
    bridge: Bridge,
    contributors: Sequence[ContributorLine],
    compared: Sequence[Compared],
) -> tuple[Item, ...]:
    """Return the items: stops, what is new, what lasts; in each the most serious first, then in reading order.

    `compared`: the portfolio before and after the trades.
    """
    before = inputs.previous.unusual if inputs.previous else {}
    items = [
        *(Item("warning", words, "summary", (words,)) for words in notices(inputs)),
        *_limits(assessment, {row.key: row.now for row in compared}, before),
        *_parity(inputs),
        *_execution(bridge),
        *_contributors(contributors),
        *_changes(changes),
        *_alerts(inputs),
        *_data(inputs),
        *_trades(inputs, trades),
        *_reversals(bridge, trades),
        *_overrides(inputs),
    ]
    aged = [replace(item, sessions=_sessions(item.lasting, before)) for item in items]
    return tuple(
        sorted(aged, key=lambda item: (item.weight != "stop", not item.is_new, ORDER.index(item.weight)))
    )


def headline(items: Sequence[Item]) -> str:
    """Return the heading over the new items."""
    if any(item.is_new for item in items):
        return "Unusual today"
    return "Nothing new today" if items else "Nothing unusual today"


def unusual_record(inputs: DayInputs, items: Sequence[Item]) -> dict[str, int]:
    """Return what a later session may have too, with the number of sessions: the next day counts on from it."""
    before = inputs.previous.unusual if inputs.previous else {}
    return {name: _sessions((name,), before) for item in items for name in item.lasting}


def _sessions(lasting: Sequence[str], before: Mapping[str, int]) -> int:
    return 1 + min((before.get(name, 0) for name in lasting), default=0)


def _limits(assessment: Assessment, held: Mapping[str, float], before: Mapping[str, int]) -> list[Item]:
    """Return one item for the limits that were exceeded for the same number of sessions."""
    by_sessions: dict[int, list[LimitState]] = {}
    for state in assessment.breached:
        by_sessions.setdefault(_sessions((_name(state),), before), []).append(state)
    return [
        Item("warning", limit_notice(states, held), "limits", tuple(map(_name, states)))
        for _, states in sorted(by_sessions.items())
    ]


def _name(state: LimitState) -> str:
    return f"limit {state.name}"


def _parity(inputs: DayInputs) -> list[Item]:
    parity = inputs.records.compared.parity
    if parity.state != "different":
        return []
    return [Item("stop", f"{parity_headline(parity)}. Find the cause before you approve.", "parity")]


def _execution(bridge: Bridge) -> list[Item]:
    if bridge.day is None:
        return []
    items = []
    if bridge.day.problem or (bridge.stages and not bridge.is_closed):
        items.append(Item("stop", f"Bridge of {bridge.day.session}: {bridge.words}.", "bridge"))
    short = [line.symbol for line in bridge.day.lines if line.filled < line.approved]
    if short:
        trades = f"{counted(len(short), 'trade')} of {bridge.day.session}"
        text = f"{trades} filled with fewer shares than approved: {_named(short)}."
        items.append(Item("note", text, "bridge"))
    return items


def _contributors(lines: Sequence[ContributorLine]) -> list[Item]:
    """Return what the ledger does not explain of the day's gain; the longer periods show it from then on."""
    return [
        Item(
            "stop",
            f"The ledger does not explain {signed_usd(one.unexplained_cents / CENTS_PER_USD, 2)} of the day's gain. "
            "Find the cause before you approve.",
            "performance",
        )
        for one in lines
        if one.key == "day" and one.unexplained_cents
    ]


def _changes(changes: Changes | None) -> list[Item]:
    if changes is None:
        return []
    items = []
    if changes.problem:
        items.append(Item("warning", changes.problem, "changes"))
    if changes.regime and not changes.problem:
        before, after = changes.regime
        items.append(Item("warning", f"The regime changed from {before} to {after}.", "regime"))
    if changes.model and not changes.problem:
        items.append(Item("note", f"The model changed: {changes.model[0]} → {changes.model[1]}.", "model"))
    return items


def _alerts(inputs: DayInputs) -> list[Item]:
    """Return the alerts of monitoring: each is a figure beyond what it was in training or in quiet markets."""
    health = inputs.records.health
    if health is None:
        return []
    retrain = " It is a reason to train a new champion."
    return [
        Item(
            "warning",
            f"{words(one.name)}: {one.detail}{retrain if one.retrain else ''}",
            "health",
            (f"alert {one.name}",),
        )
        for one in health.alerts
    ]


def _data(inputs: DayInputs) -> list[Item]:
    market = inputs.records.market
    items = [Item("warning", reason, "data", (reason,)) for reason in market.failovers]
    if market.quarantined:
        held = {holding.symbol for holding in inputs.records.portfolio.book.holdings}
        mine = sorted(held.intersection(market.quarantined))
        text = f"{counted(len(market.quarantined), 'name')} in quarantine: {_named(market.quarantined)}"
        text += f"; held: {_named(mine)}." if mine else "; none is held."
        items.append(Item("warning" if mine else "note", text, "data", (text,)))
    unquoted = [one.symbol for one in inputs.records.portfolio.book.holdings if not one.has_quote]
    if unquoted:
        text = (
            f"{counted(len(unquoted), 'holding')} had no bar today, and can only be sold: {_named(unquoted)}."
        )
        items.append(Item("warning", text, "data", (text,)))
    return items


def _trades(inputs: DayInputs, trades: list[TradeLine]) -> list[Item]:
    items = _fragile(inputs)
    warned = [line.symbol for line in trades if line.warning]
    if warned:
        text = f"{counted(len(warned), 'trade')} with a liquidity warning:"
        items.append(_of_trades("note", text, "trades", [(symbol, symbol) for symbol in warned]))
    if dropped := [line.symbol for line in inputs.records.trades.dropped]:
        text = f"{counted(len(dropped), 'intended trade')} dropped: {_named(dropped)}."
        items.append(Item("note", text, "dropped"))
    if inputs.records.portfolio.method not in {inputs.records.scores.champion.optimizer, "hold"}:
        method, wanted = inputs.records.portfolio.method, inputs.records.scores.champion.optimizer
        text = f"{words(wanted)} gave no portfolio; {words(method)} was used instead."
        items.append(Item("note", text, "weights", (text,)))
    return items


def _reversals(bridge: Bridge, trades: Sequence[TradeLine]) -> list[Item]:
    """Name the trades in the opposite direction of what the last execution filled."""
    filled = {line.symbol: line for line in bridge.day.lines if line.filled} if bridge.day else {}
    named = [
        (trade.symbol, _reversal(filled[trade.symbol], trade))
        for trade in trades
        if trade.symbol in filled and filled[trade.symbol].is_sale != trade.is_sale
    ]
    if not named:
        return []
    verb = "reverses" if len(named) == 1 else "reverse"
    text = f"{counted(len(named), 'trade')} {verb} the last execution's:"
    return [replace(_of_trades("note", text, "trades", named), between=";")]


def _reversal(before: Line, now: TradeLine) -> str:
    done, doing = ("sold", "buys") if before.is_sale else ("bought", "sells")
    return f"{now.symbol} {done} {number(before.filled, 0)}, now {doing} {number(now.shares, 0)}"


def _fragile(inputs: DayInputs) -> list[Item]:
    """Name the trades that persist in few reruns, the fewest first."""
    found = [(one.symbol, one.survival) for one in inputs.records.tickets.tickets if one.is_fragile]
    known = sorted(
        (survival.persisted, symbol, survival.runs) for symbol, survival in found if survival is not None
    )
    if not known:
        return []
    named = [(symbol, f"{symbol} in {persisted} of {runs}") for persisted, symbol, runs in known]
    mark = typeset_percent(inputs.run.settings.trades.fragile_below_frac, 0)
    trades = f"{counted(len(known), 'fragile trade')} persist{'s' if len(known) == 1 else ''}"
    text = f"{trades} in less than {mark} of the reruns with slightly different inputs:"
    return [_of_trades("warning", text, "why", named)]


def _of_trades(weight: Weight, text: str, anchor: str, named: Sequence[tuple[str, str]]) -> Item:
    """Return an item whose trades are named, each with a link to its row."""
    more = len(named) - NAMES_SHOWN
    ending = f" and {more} more." if more > 0 else "."
    return Item(weight, text, anchor, trades=tuple(named[:NAMES_SHOWN]), ending=ending)


def _overrides(inputs: DayInputs) -> list[Item]:
    if not inputs.overrides:
        return []
    text = f"{counted(len(inputs.overrides), 'override')} in effect for these trades."
    return [Item("note", text, "overrides", tuple(f"override {one.number}" for one in inputs.overrides))]


def _named(symbols: tuple[str, ...] | list[str]) -> str:
    shown = ", ".join(symbols[:NAMES_SHOWN])
    return shown if len(symbols) <= NAMES_SHOWN else f"{shown} and {len(symbols) - NAMES_SHOWN} more"
