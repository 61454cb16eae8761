"""The last published day as the split of today's trades needs it, parsed from its files. No disk."""

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from tasks.core.json_text import parse_json
from tasks.portfolio.schema import CASH
from tasks.trades.tickets.record import FILE as TICKETS
from tasks.trades.tickets.record import parse_tickets

SIGNALS, WEIGHTS = "signals.json", "portfolio_weights.csv"
FILES = (SIGNALS, WEIGHTS, TICKETS)  # a day of an earlier release lacks the last
DECIDED_FROM = "decided_from"


@dataclass(frozen=True)
class PreviousDecision:
    """What the last published day decided from, by the symbols of its session."""

    session: date
    weights: dict[str, float]  # target without cash
    scores: dict[str, float]
    ranks: bool
    score_to_return: float
    optimizer: str
    state: str  # of the regime
    volatility_pct: float  # NaN: unknown
    reductions_only: bool  # new risk was halted
    quarantined: tuple[str, ...]
    model_name: str
    model_sha256: str
    basis: str  # hash of settings and code


def parse_previous(session: date, files: Mapping[str, bytes]) -> PreviousDecision | str:
    """Return the decision, or the reason why it cannot be compared.

    Raises ValueError, KeyError, TypeError or AttributeError for damaged files.
    """
    signals = parse_json(files[SIGNALS])
    decided = signals.get(DECIDED_FROM)
    if decided is None:
        return "it was recorded by an earlier release"
    rows = csv.DictReader(io.StringIO(files[WEIGHTS].decode(), newline=""))
    weights = {row["symbol"]: _finite(float(row["weight"])) for row in rows}
    weights.pop(CASH)
    return PreviousDecision(
        session=session,
        weights={symbol: weight for symbol, weight in weights.items() if weight > 0},
        scores={symbol: _finite(float.fromhex(one["exact"])) for symbol, one in signals["scores"].items()},
        ranks=bool(decided["ranks"]),
        score_to_return=_finite(float.fromhex(decided["score_to_return"])),
        optimizer=str(decided["optimizer"]),
        state=str(signals["regime"]["state"]),
        volatility_pct=float.fromhex(decided["volatility_pct"]),
        reductions_only=bool(decided["reductions_only"]),
        quarantined=parse_tickets(files[TICKETS]).quarantined if TICKETS in files else (),
        model_name=str(signals["model"]["name"]),
        model_sha256=str(signals["model"]["hash"]),
        basis=str(decided["basis"]),
    )


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("a number is not finite")
    return value
