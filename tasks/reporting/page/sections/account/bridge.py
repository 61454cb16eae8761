"""Yesterday's bridge: from the equity of the backtest's target to the broker's, closed to the cent, with its causes.

Shows the last execution; its steps and cents are those of execution.json.
"""

from dataclasses import dataclass

from tasks.core.sessions import session_after
from tasks.core.text import MINUS, counted
from tasks.reporting.day.executed import BPS, CENTS_PER_USD, UNEXPLAINED, BridgeRow, ExecutedDay
from tasks.reporting.day.inputs import DayInputs
from tasks.reporting.page.numerals import long_date, number, usd

STAGES = {
    "target": "Target, as the backtest fills it",
    "proposed": "Proposed",
    "approved": "Approved",
    "ordered": "Ordered",
    "filled": "Filled",
    "price": "Prices paid",
    "costs": "Charged by the broker",
    "account": "Account",
}
ALWAYS = ("proposed", "approved", "ordered", "filled")  # shown even where nothing changed


@dataclass(frozen=True)
class Stage:
    """One stage with what it changed, in cents, and the causes."""

    key: str
    label: str
    cents: int
    causes: tuple[BridgeRow, ...]


@dataclass(frozen=True)
class Paid:
    """What the trades of a session cost, in cents: negative prices were better than at the decision.

    `execution_cents` is the part of the prices that is spread and impact, None without a bridge: only with the fees
    it compares with the estimate.
    """

    price_cents: int
    fee_cents: int
    execution_cents: int | None
    estimated_cents: int | None
    traded_cents: int

    @property
    def total_cents(self) -> int:
        return self.price_cents + self.fee_cents

    @property
    def comparable_cents(self) -> int | None:
        """What the estimate is of: fees, spread and impact, without the moves of the market before the order."""
        return None if self.execution_cents is None else self.fee_cents + self.execution_cents

    @property
    def bps(self) -> float:
        return self.total_cents / self.traded_cents * BPS


@dataclass(frozen=True)
class Bridge:
    """The last execution as the page shows it. `stages` is empty where there is no bridge; `words` state why."""

    day: ExecutedDay | None
    words: str
    start_cents: int
    stages: tuple[Stage, ...]
    unexplained_cents: int
    end_cents: int
    equity_words: str  # how the end relates to today's equity
    due_cents: int  # dividends due, which complete it to the equity at today's close
    costs: tuple[str, ...]

    @property
    def is_closed(self) -> bool:
        return self.day is not None and self.day.is_closed


def bridge_of(inputs: DayInputs) -> Bridge:
    """Return the bridge of the last executed session."""
    if not inputs.executed:
        return _without(None, "No trades have been executed yet.")
    day = inputs.executed[0]
    if day.problem:
        return _without(day, day.problem)
    if not day.bridge:
        return _without(day, f"The execution of {day.session} has no bridge: {day.why}.")
    start, *steps, _, end = day.bridge
    rest = sum(row.cents for row in day.bridge if row.cause == UNEXPLAINED)
    return Bridge(
        day=day,
        words=_closed_words(day, rest),
        start_cents=start.cents,
        stages=_stages(steps),
        unexplained_cents=rest,
        end_cents=end.cents,
        equity_words=_equity_words(inputs, day, end.cents),
        due_cents=_due_cents(inputs, day),
        costs=cost_words(day),
    )


def paid_for(day: ExecutedDay | None) -> Paid | None:
    """Return what the trades cost; None if nothing was filled."""
    if day is None or not day.traded_cents:
        return None
    execution = day.execution_cents if day.bridge else None
    return Paid(day.slippage_cents, day.fee_cents, execution, day.estimated_cents, day.traded_cents)


def paid_line(day: ExecutedDay | None) -> str:
    """Return what the trades of the execution cost, on one line; "" if nothing was filled."""
    paid = paid_for(day)
    if day is None or paid is None:
        return ""
    cost = f"{_money(paid.total_cents)}, {number(paid.bps, 1)} bps of {_money(paid.traded_cents)} traded"
    return f"{cost} (trades of {long_date(day.session)})"


def when_words(inputs: DayInputs, day: ExecutedDay) -> str:
    """Return the session of an execution, and that it is the last one where it is not the session before today."""
    is_before_today = session_after(day.session) == inputs.run.session.day
    return long_date(day.session) + ("" if is_before_today else ", the last session with an execution,")


def cost_words(day: ExecutedDay) -> tuple[str, ...]:
    """Return what the execution filled and cost, in sentences."""
    filled = [line for line in day.lines if line.filled]
    whole = sum(line.filled == line.approved for line in filled)
    text = [f"{whole} of {counted(len(day.lines), 'trade')} filled in full"]
    if fewer := len(filled) - whole:
        text.append(f"{fewer} in part")
    if unfilled := len(day.lines) - len(filled):
        text.append(f"{unfilled} not at all")
    paid = paid_for(day)
    if paid is None:
        return (f"{', '.join(text)}.",)
    total = paid.total_cents
    estimate = (
        ""
        if paid.estimated_cents is None or paid.comparable_cents is None
        else f" With spread and impact {_money(paid.comparable_cents)}, estimated {_money(paid.estimated_cents)}."
    )
    moved = f"{_money(abs(paid.price_cents))} {'in our favour' if paid.price_cents < 0 else 'against us'}"
    in_all = f"{_money(abs(total))} {'gained' if total < 0 else 'paid'}, {number(abs(paid.bps), 1)} bps"
    fees = f"Charged by the broker {_money(paid.fee_cents)}.{estimate}"
    prices = f"Prices moved {moved} between the close of the decision and the fills: in all {in_all}."
    return (f"{', '.join(text)}: {_money(paid.traded_cents)} traded.", f"{fees} {prices}")


def _closed_words(day: ExecutedDay, rest: int) -> str:
    if day.is_closed:
        return "Closed to the cent"
    if rest:
        return f"Not closed: {_money(rest)} is unexplained"
    return "Not closed: the steps do not sum to the broker's equity"


def _equity_words(inputs: DayInputs, day: ExecutedDay, end_cents: int) -> str:
    if day.fill_session != inputs.run.session.day:
        return f"At the close of {day.fill_session}."
    if _due_cents(inputs, day):
        return "Without dividends due"
    difference = round(inputs.records.portfolio.book.equity_usd * CENTS_PER_USD) - end_cents
    if not difference:
        return "It is the equity at today's close."
    return f"Today's equity differs from it by {_money(difference)}."


def _due_cents(inputs: DayInputs, day: ExecutedDay) -> int:
    """Return the dividends due at today's close, where the bridge ends there without any other difference."""
    book, end = inputs.records.portfolio.book, day.bridge[-1]
    ends_today = day.fill_session == inputs.run.session.day
    if not ends_today or round(book.equity_usd * CENTS_PER_USD) != end.cents:
        return 0
    return round(book.receivable_usd * CENTS_PER_USD)


def _stages(steps: list[BridgeRow]) -> tuple[Stage, ...]:
    of_stage = {key: tuple(row for row in steps if row.step == key) for key in STAGES if key != "target"}
    return tuple(
        Stage(key, STAGES[key], sum(row.cents for row in rows), rows)
        for key, rows in of_stage.items()
        if rows or key in ALWAYS
    )


def _without(day: ExecutedDay | None, words: str) -> Bridge:
    return Bridge(day, words, 0, (), 0, 0, "", 0, ())


def _money(cents: int) -> str:
    return f"{MINUS if cents < 0 else ''}{usd(abs(cents) / CENTS_PER_USD, 2)}"
