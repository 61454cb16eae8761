"""Add, list and end the standing instructions of a person."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from flows.terminal import Options, Result
from tasks.core.clock import now
from tasks.core.errors import ConfigError
from tasks.core.homes.home import Home
from tasks.core.homes.opening import find_home, parsed_date, settings_of
from tasks.core.sessions import exchange_date
from tasks.core.text import counted
from tasks.execution.gates.table import WAIVABLE
from tasks.portfolio.holdings.known_symbols import read_known_symbols
from tasks.safety.overrides import (
    EFFECTS,
    Instruction,
    Override,
    Scope,
    add_override,
    end_override,
    read_overrides,
)


@dataclass(frozen=True)
class Scoped:
    """What an override is about, as it was given: exactly one of these."""

    symbol: str
    sector: str
    strategy: str
    everything: bool

    def named(self) -> tuple[Scope, str]:
        """Return the scope and its name. Raises ConfigError unless exactly one is given."""
        names: dict[Scope, str] = {"symbol": self.symbol, "sector": self.sector, "strategy": self.strategy}
        given: list[tuple[Scope, str]] = [(scope, name) for scope, name in names.items() if name]
        if self.everything:
            given.append(("all", ""))
        if len(given) != 1:
            raise ConfigError(
                "The scope of the override is missing or ambiguous.",
                remedy="Give exactly one of --symbol, --sector, --strategy and --all.",
            )
        return given[0]


def add(
    options: Options,
    effect: str,
    scoped: Scoped,
    *,
    multiplier: str | None,
    until: str,
    by: str,
    reason: str,
) -> Result:
    """Log an override that restricts what is executed."""
    home = find_home(options.home)
    if (effect == "multiplier") != (multiplier is not None):
        raise ConfigError(
            "--multiplier and the effect multiplier require each other.", remedy="Give both or neither."
        )
    scope, name = scoped.named()
    if scope == "symbol":
        _refuse_unknown(options, home, name)
    instruction = Instruction(
        EFFECTS[effect],
        scope,
        name,
        _until(until),
        multiplier=Decimal(1) if multiplier is None else _multiplier(multiplier),
    )
    return _added(home, add_override(home, instruction, by, reason, now()))


def waive(options: Options, gate: str, scoped: Scoped, *, until: str, by: str, reason: str) -> Result:
    """Log that a gate is waived. Raises ConfigError for a gate that must hold."""
    home = find_home(options.home)
    if gate not in WAIVABLE:
        raise ConfigError(
            f"{gate[:40]!a} is not a gate that can be waived.",
            remedy=f"Give one of {', '.join(sorted(WAIVABLE))}.",
        )
    scope, name = scoped.named()
    if scope == "symbol":
        _refuse_unknown(options, home, name)
    return _added(
        home,
        add_override(home, Instruction("waive", scope, name, _until(until), gate=gate), by, reason, now()),
    )


def list_all(options: Options, *, ended: bool) -> Result:
    """Return the overrides that hold today or later; with `ended`, all of the log."""
    home, today = find_home(options.home), _today()
    every = read_overrides(home)
    active = [one for one in every if one.is_active(today)]
    shown = every if ended else active
    head = f"{counted(len(active), 'override')} in {home.root}."
    return Result(_document(home, shown), "\n".join([head[0].upper() + head[1:], *map(_line, shown)]))


def end(options: Options, number: int, *, by: str, reason: str) -> Result:
    """Log that an override no longer holds."""
    home = find_home(options.home)
    ended = end_override(home, number, by, reason, now())
    return Result(_document(home, (ended,)), f"Ended: {_line(ended)}")


def _refuse_unknown(options: Options, home: Home, symbol: str) -> None:
    """Raise ConfigError for a symbol that the lake does not know, which would protect nothing."""
    known = read_known_symbols(home, settings_of(home, options.profile).settings)
    if known is None or known.is_current(symbol):
        return
    raise ConfigError(
        f"{symbol[:40]!a} is not a symbol of the market data{known.closest(symbol)}.",
        remedy="Nothing was added, so nothing is restricted or waived. Correct the symbol.",
        symbol=symbol,
    )


def _added(home: Home, override: Override) -> Result:
    return Result(_document(home, (override,)), f"Added: {_line(override)}")


def _line(one: Override) -> str:
    asked = one.instruction
    state = f"; ended {one.ended_at[:10]} by {one.ended_by}" if one.ended_at else ""
    return f"{one.number}: {asked.description}, until {asked.until}, by {one.by}: {one.reason}{state}"


def _document(home: Home, overrides: Iterable[Override]) -> dict[str, object]:
    return {
        "home": str(home.root),
        "overrides": [
            {
                "number": one.number,
                "effect": one.instruction.effect,
                "scope": one.instruction.scope,
                "name": one.instruction.name,
                "multiplier": str(one.instruction.multiplier),
                "gate": one.instruction.gate,
                "until": str(one.instruction.until),
                "by": one.by,
                "reason": one.reason,
                "at": one.at,
                "ended_at": one.ended_at,
                "ended_by": one.ended_by,
            }
            for one in overrides
        ],
    }


def _until(text: str) -> date:
    day = parsed_date(text)
    if day < _today():
        raise ConfigError(
            f"An override until {day} would have no effect.", remedy="Give today or a later date, YYYY-MM-DD."
        )
    return day


def _multiplier(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ConfigError(
            f"{text[:20]!a} is not a valid number.", remedy="Give a number from 0 to 1."
        ) from None


def _today() -> date:
    return exchange_date(now())
