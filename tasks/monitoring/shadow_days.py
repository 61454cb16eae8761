"""Store what the challenger would have scored, one file per session in data/shadow/, sealed with its own hash.

Beside the day, not in it: nothing that is approved or executed depends on these files. They cannot be computed again
once the challenger has been replaced, so they are state, and part of a backup.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from tasks.core.atomic import write_bytes
from tasks.core.errors import StorageError
from tasks.core.homes.home import Home
from tasks.core.ids import sealed, unsealed
from tasks.core.json_text import parse_json
from tasks.core.reading import read_bytes
from tasks.core.sessions import day_named
from tasks.models.schema import Champion, Statistic
from tasks.monitoring.realised_skill import ScoredDay
from tasks.monitoring.schema import Realised, parse_realised


@dataclass(frozen=True)
class ShadowDay:
    """The challenger's scores of a session, and the skill of its earlier scores that became known with it."""

    scored: ScoredDay
    realised: tuple[Realised, ...]


def write_shadow(home: Home, day: ShadowDay) -> None:
    """Replace the session's file atomically."""
    content = sealed(_record(day))
    write_bytes(_path(home, day.scored.session), (json.dumps(content, indent=1) + "\n").encode())


def read_shadows(home: Home, *, before: date | None = None, most: int | None = None) -> list[ShadowDay]:
    """Return the stored sessions, oldest first; the last `most` of those before a session.

    Raises StorageError for a file that was altered or damaged.
    """
    days = sorted(day for path in home.shadow.glob("*.json") if (day := day_named(path.stem)) is not None)
    chosen = [day for day in days if before is None or day < before]
    return [_read(_path(home, day)) for day in chosen[-most if most else 0 :]]


def shadow_skill(days: Sequence[ShadowDay]) -> dict[date, Realised]:
    """Return the challengers' realized skill by session of the scores."""
    return dict(sorted({one.session: one for day in days for one in day.realised}.items()))


def scored_by(champion: Champion, session: date, scores: Mapping[str, float]) -> ScoredDay | None:
    """Return the scores with the expected IC of their model; None for a model without a statistic (a baseline)."""
    if champion.statistic is None:
        return None
    return ScoredDay(
        session=session,
        model=champion.name,
        model_sha256=champion.model_sha256,
        statistic=champion.statistic,
        expected=float(champion.metrics["neutral_ic"]),
        expected_error=float(champion.metrics["neutral_ic_se"]),
        expected_sessions=int(champion.metrics["sessions"]),
        scores=dict(scores),
        expected_accuracy=champion.metrics.get("hit_rate"),
    )


def _path(home: Home, session: date) -> Path:
    return home.shadow / f"{session.isoformat()}.json"


def _record(day: ShadowDay) -> dict[str, Any]:
    scored = asdict(day.scored) | {
        "session": day.scored.session.isoformat(),
        "scores": {symbol: score.hex() for symbol, score in sorted(day.scored.scores.items())},
    }
    return {"scored": _plain(scored), "realised": [_plain(asdict(one)) for one in day.realised]}


def _plain(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return dates as text and tuples as lists, as JSON has them: the hash covers what is read back."""
    plain = json.loads(json.dumps(record, default=str))
    return dict(plain)


def _read(path: Path) -> ShadowDay:
    try:
        record = unsealed(parse_json(read_bytes(path)))
        scored = record["scored"]
        statistic = scored["statistic"]
        return ShadowDay(
            ScoredDay(
                **scored
                | {
                    "session": date.fromisoformat(scored["session"]),
                    "statistic": Statistic(
                        statistic["entry"], statistic["horizon_sessions"], tuple(statistic["controls"])
                    ),
                    "scores": {symbol: float.fromhex(text) for symbol, text in scored["scores"].items()},
                }
            ),
            tuple(parse_realised(one) for one in record["realised"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StorageError(
            f"{path} cannot be used: it is damaged or was altered ({type(error).__name__}).",
            remedy="Restore it from a backup, or delete it: the comparison of the challenger then lacks that session.",
            path=str(path),
        ) from error
