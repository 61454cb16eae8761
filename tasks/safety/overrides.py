"""Standing instructions of a person: do not buy, reduce only, do not trade, a multiplier, or a gate that is waived.

The audit log is the truth: an override begins and ends with a row in it, and its number is its place among the rows
that begin one. Pure, except `add_override`, `end_override` and `read_overrides`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from tasks.core.accountability import require_name_and_reason
from tasks.core.errors import ConfigError, SafetyError
from tasks.core.homes.home import Home
from tasks.core.text import escape_controls
from tasks.data.schema.symbols import is_safe_symbol
from tasks.safety.audit import Row, read_intact, record

Effect = Literal["do_not_buy", "reduce_only", "do_not_trade", "multiplier", "waive"]
Scope = Literal["symbol", "sector", "strategy", "all"]

ADDED, ENDED = "override_added", "override_ended"
EFFECTS: dict[str, Effect] = {
    "do_not_buy": "do_not_buy",
    "reduce_only": "reduce_only",
    "do_not_trade": "do_not_trade",
    "multiplier": "multiplier",
    "waive": "waive",
}
SCOPES: dict[str, Scope] = {"symbol": "symbol", "sector": "sector", "strategy": "strategy", "all": "all"}
LABEL = r"[A-Za-z0-9][A-Za-z0-9 &/._^=-]{0,39}"
ADDED_DETAIL = re.compile(
    r"(do_not_buy|reduce_only|do_not_trade|multiplier|waive)"
    r"(?: ((?:0|1)(?:\.[0-9]{1,4})?|[a-z_]{1,40}))?"
    rf", (symbol|sector|strategy|all)(?: ({LABEL}))?, until ([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}): (.*)"
)
ENDED_DETAIL = re.compile(r"override ([0-9]{1,6}): (.*)")


@dataclass(frozen=True)
class Instruction:
    """What a person asks for. It holds through the session `until`."""

    effect: Effect
    scope: Scope
    name: str  # of the symbol, sector or strategy; "" for all
    until: date
    multiplier: Decimal = Decimal(1)  # with effect "multiplier": 0 to 1
    gate: str = ""  # with effect "waive"

    def covers(self, symbol: str, sector: str, strategy: str) -> bool:
        """Return whether it is about this symbol. An unknown sector is covered by an override of any sector."""
        if self.scope == "symbol":
            return self.name == symbol
        if self.scope == "sector":
            return sector in {self.name, ""}
        return self.scope == "all" or self.name == strategy

    @property
    def description(self) -> str:
        """The effect and what it is about: "do_not_buy, symbol AAPL"."""
        value = f" {self.multiplier}" if self.effect == "multiplier" else f" {self.gate}" if self.gate else ""
        return f"{self.effect}{value}, {self.scope}{f' {self.name}' if self.name else ''}"


@dataclass(frozen=True)
class Override:
    """An instruction with its number and owner. An ended one stays in the log."""

    number: int
    instruction: Instruction
    by: str
    at: str
    reason: str
    ended_at: str = ""
    ended_by: str = ""

    def is_active(self, session: date) -> bool:
        """Return whether it holds in the session."""
        return not self.ended_at and session <= self.instruction.until

    @property
    def description(self) -> str:
        """What is in effect, and who asked for it."""
        return f"override {self.number} by {self.by} ({self.instruction.description}): {self.reason}"


@dataclass(frozen=True)
class Permitted:
    """The shares that overrides leave of a trade, and the override that reduced them."""

    shares: int
    by: Override | None = None


def overrides_in(rows: Iterable[Row]) -> tuple[Override, ...]:
    """Return every override of the log, in order; ended ones are marked. Rows of other events are ignored.

    A row that begins an override and cannot be read raises ValueError: an instruction is never dropped silently.
    """
    found: list[Override] = []
    for row in rows:
        if row.event == ADDED:
            found.append(_added(len(found) + 1, row))
        elif row.event == ENDED:
            parsed = ENDED_DETAIL.fullmatch(row.detail)
            place = int(parsed[1]) - 1 if parsed else -1
            if 0 <= place < len(found) and not found[place].ended_at:
                known = found[place]
                found[place] = Override(
                    known.number, known.instruction, known.by, known.at, known.reason, row.at, row.by
                )
    return tuple(found)


def permitted_shares(
    shares: int, *, is_sale: bool, symbol: str, sector: str, strategy: str, active: Iterable[Override]
) -> Permitted:
    """Return how many of the shares may be traded: none, all, or a buy times the multiplier, rounded down.

    The strictest override decides. Sales are only affected by do_not_trade.
    """
    least = Permitted(shares)
    for override in active:
        instruction = override.instruction
        if instruction.effect == "waive" or not instruction.covers(symbol, sector, strategy):
            continue
        allowed = _allowed(shares, instruction, is_sale=is_sale)
        if allowed < least.shares:
            least = Permitted(allowed, override)
    return least


def waiver_of(
    gate: str, *, symbol: str, sector: str, strategy: str, active: Iterable[Override]
) -> Override | None:
    """Return the active override that waives this gate for the symbol; None without one."""
    for override in active:
        instruction = override.instruction
        if (
            instruction.effect == "waive"
            and instruction.gate == gate
            and (
                instruction.scope == "all" or (symbol and instruction.covers(symbol, sector or "?", strategy))
            )
        ):
            return override
    return None


def read_overrides(home: Home) -> tuple[Override, ...]:
    """Return every override of the home. Raises SafetyError if the audit log is damaged."""
    try:
        return overrides_in(read_intact(home))
    except ValueError as error:
        raise SafetyError(
            f"The overrides cannot be read from the audit log: {error}.",
            remedy="Compare live/audit_log.csv with a backup; until then nothing can be executed.",
            path=str(home.audit_log),
        ) from error


def add_override(home: Home, instruction: Instruction, by: str, reason: str, at: datetime) -> Override:
    """Log the override. Raises ConfigError for one that cannot be written or would never apply."""
    require_name_and_reason("Adding an override", by=by, reason=reason)
    _refuse_unusable(instruction)
    read_overrides(home)  # a damaged log does not take an instruction that nobody could read
    detail = (
        f"{instruction.description}, until {instruction.until}: {escape_controls(' '.join(reason.split()))}"
    )
    if not _is_read_back(detail, instruction):
        raise ConfigError(
            f"The override cannot be written: {instruction.description!a}.",
            remedy="Use letters, digits, spaces and & / . - in names (at most 40 characters).",
        )
    record(home, event=ADDED, by=by, detail=detail, at=at)
    return read_overrides(home)[-1]


def end_override(home: Home, number: int, by: str, reason: str, at: datetime) -> Override:
    """Log that the override no longer holds, and return it."""
    require_name_and_reason("Ending an override", by=by, reason=reason)
    known = {override.number: override for override in read_overrides(home)}
    if number not in known or known[number].ended_at:
        state = "has already ended" if number in known else "does not exist"
        raise ConfigError(
            f"Override {number} {state}.", remedy="`afterclose overrides list` shows those in effect."
        )
    record(home, event=ENDED, by=by, detail=f"override {number}: {' '.join(reason.split())}", at=at)
    return next(override for override in read_overrides(home) if override.number == number)


def _is_read_back(detail: str, instruction: Instruction) -> bool:
    try:
        return _added(0, Row("", ADDED, "", detail)).instruction == instruction
    except ValueError:
        return False


def _added(number: int, row: Row) -> Override:
    parsed = ADDED_DETAIL.fullmatch(row.detail)
    if parsed is None:
        raise ValueError(f"override {number} cannot be read")
    effect, value, scope, name, until, reason = parsed.groups()
    instruction = Instruction(
        EFFECTS[effect],
        SCOPES[scope],
        name or "",
        date.fromisoformat(until),
        multiplier=Decimal(value) if effect == "multiplier" else Decimal(1),
        gate=value or "" if effect == "waive" else "",
    )
    return Override(number, instruction, row.by, row.at, reason)


def _allowed(shares: int, instruction: Instruction, *, is_sale: bool) -> int:
    if instruction.effect == "do_not_trade":
        return 0
    if is_sale:
        return shares
    return int(shares * instruction.multiplier) if instruction.effect == "multiplier" else 0


def _refuse_unusable(instruction: Instruction) -> None:
    if instruction.scope == "symbol" and not is_safe_symbol(instruction.name):
        raise ConfigError(
            f"{instruction.name[:20]!r} is not a valid symbol.", remedy="Write it as in trades.csv."
        )
    if (instruction.scope == "all") != (instruction.name == ""):
        raise ConfigError(
            "The override names no symbol, sector or strategy.", remedy="Name the symbol, sector or strategy."
        )
    if not (instruction.multiplier.is_finite() and 0 <= instruction.multiplier <= 1):
        raise ConfigError(
            f"The multiplier {instruction.multiplier} is not between 0 and 1.",
            remedy="Give a number from 0 to 1.",
        )
