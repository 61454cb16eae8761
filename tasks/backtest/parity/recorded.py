"""Read the inputs and the proposed trades of published days from the files in live/.

A day that cannot be compared is skipped with its reason: another version of settings or code, an older release, a
damaged file.
"""

import csv
import io
import math
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple, get_args

from config.sections import Portfolio as PortfolioSettings
from tasks.backtest.parity.schema import RecordedDay, Trade
from tasks.core.errors import ConfigError
from tasks.core.homes.home import Home
from tasks.core.ids import sha256_of_bytes
from tasks.core.json_text import parse_json
from tasks.core.reading import read_bytes
from tasks.core.sessions import sessions_ending
from tasks.portfolio.schema import CASH
from tasks.regime.schema import STATES

FILES = ("signals.json", "portfolio_weights.csv", "trades.csv")
DECIDED_FROM = "decided_from"  # its key in signals.json
OPTIMIZERS: tuple[str, ...] = get_args(PortfolioSettings.model_fields["optimizer"].annotation)
LARGEST = 1e12  # shares or dollars; more cannot have been published
DAMAGED = (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, csv.Error)


class Recorded(NamedTuple):
    """The days that can be compared, and those that cannot, with the reason."""

    days: list[RecordedDay]  # oldest first
    skipped: list[tuple[date, str]]
    sha256: str  # of the files that were read


def read_recorded(home: Home, session: date, *, sessions: int, basis: str) -> Recorded:
    """Return the published days among the `sessions` sessions up to the one before `session`."""
    days, skipped, digests = [], [], []
    for day in sessions_ending(session, sessions + 1)[:-1].tolist():
        folder = home.day_folder(day)
        if not folder.is_dir():
            continue
        try:
            files = {name: read_bytes(folder / name) for name in FILES}
            digests += [sha256_of_bytes(content) for content in files.values()]
            found = parse_day(day, files, basis=basis)
        except DAMAGED as error:
            found = f"its files cannot be read ({type(error).__name__})"
        if isinstance(found, str):
            skipped.append((day, found))
        else:
            days.append(found)
    return Recorded(days, skipped, sha256_of_bytes("".join(digests).encode()))


def first_recorded(home: Home, session: date) -> RecordedDay:
    """Return the first published day on or after the session. Raises ConfigError if there is none."""
    for day in home.days():
        if day < session:
            continue
        folder = home.day_folder(day)
        try:
            files = {name: read_bytes(folder / name) for name in FILES}
            found = parse_day(day, files, basis=None)
        except DAMAGED as error:
            raise ConfigError(
                f"{folder} cannot be read ({type(error).__name__}).",
                remedy="Restore it from a backup, or start at a later date.",
                path=str(folder),
            ) from error
        if isinstance(found, RecordedDay):
            return found
    raise ConfigError(
        f"No day on or after {session} was published by this release, so the home's positions are unknown.",
        remedy="Choose an earlier --from, or give a positions file.",
        session=str(session),
    )


def parse_day(session: date, files: Mapping[str, bytes], *, basis: str | None) -> RecordedDay | str:
    """Return the day, or why it cannot be compared; `basis` None: any.

    Raises one of DAMAGED for damaged files, also for a value that no day can have published.
    """
    signals = parse_json(files["signals.json"])
    decided = signals.get(DECIDED_FROM)
    if decided is None:
        return "it was recorded by an earlier release"
    if basis is not None and decided["basis"] != basis:
        return "settings or code have changed since"
    trades = {row["symbol"]: _trade(row) for row in _rows(files["trades.csv"])}
    rows = {row["symbol"]: row for row in _rows(files["portfolio_weights.csv"])}
    cash = rows.pop(CASH)
    # the file holds the shares after the trades
    held = {
        symbol: _number(row["shares"]) - _signed(trades.get(symbol, Trade("BUY", 0, 0, 0)))
        for symbol, row in rows.items()
    }
    spent = sum(_signed(trade) * trade.price_cents + trade.cost_cents for trade in trades.values())
    return RecordedDay(
        session=session,
        held={symbol: shares for symbol, shares in held.items() if shares},
        price_cents={symbol: _cents(row["price"]) for symbol, row in rows.items() if held[symbol]},
        cash_cents=_cents(cash["shares"]) + spent,
        weights={symbol: row["weight"] for symbol, row in rows.items() if _number(row["weight"])},
        trades=trades,
        scores={symbol: _finite(float.fromhex(one["exact"])) for symbol, one in signals["scores"].items()},
        optimizer=_one_of(OPTIMIZERS, decided["optimizer"]),
        ranks=bool(decided["ranks"]),
        score_to_return=_finite(float.fromhex(decided["score_to_return"])),
        state=_one_of(STATES, signals["regime"]["state"]),
        volatility_pct=float.fromhex(decided["volatility_pct"]),
        reductions_only=bool(decided["reductions_only"]),
        data=str(decided["data"]),
    )


def decided_from(day: RecordedDay, *, basis: str) -> dict[str, Any]:
    """Return the fields that `parse_day` reads in addition to the scores; numbers as exact hexadecimal text."""
    return {
        "basis": basis,
        "optimizer": day.optimizer,
        "ranks": day.ranks,
        "score_to_return": day.score_to_return.hex(),
        "volatility_pct": day.volatility_pct.hex(),
        "reductions_only": day.reductions_only,
        "data": day.data,
    }


def _trade(row: Mapping[str, str]) -> Trade:
    cost = _cents(row["commission_est"]) + _cents(row["slippage_est"])
    return Trade(
        _one_of(("BUY", "SELL"), row["side"]), int(_number(row["shares"])), _cents(row["price"]), cost
    )


def _signed(trade: Trade) -> int:
    return trade.shares if trade.side == "BUY" else -trade.shares


def _rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def _cents(written: str) -> int:
    return round(_number(written) * 100)


def _number(written: str) -> float:
    value = float(written)
    if not abs(value) <= LARGEST:
        raise ValueError(f"{written} is not a number of shares or dollars")
    return value


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("a score is not finite")
    return value


def _one_of(known: tuple[str, ...], written: object) -> str:
    if written not in known:
        raise ValueError(f"{written!r} is not one of {', '.join(known)}")
    return str(written)
