"""The metadata of a champion: read and write champion_metadata.json, sealed with its own hash.

A file that differs from what was sealed is rejected.
"""

import json
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from tasks.core.errors import ModelError
from tasks.core.ids import canonical_json, sha256_of_bytes
from tasks.core.json_text import parse_json
from tasks.core.reading import read_bytes
from tasks.models.kinds.registry import KINDS
from tasks.models.schema import Baseline, Champion, Probe, Statistic

MODEL_NAME, METADATA_NAME = "champion_model", "champion_metadata.json"
SEAL = "metadata_sha256"
SCHEMA_VERSION = 3  # 1 has no statistic, 2 no baseline
LARGEST_METADATA = 10_000_000  # bytes; typically some hundred thousand
LARGEST_MODEL = 1_000_000_000  # a large forest has tens of millions
FIRST_TRAINING = "afterclose weekly --quick"  # minutes; training every candidate takes far longer
TRAIN_AGAIN = "Run `afterclose weekly` to train a new champion."


@dataclass(frozen=True)
class Metadata:
    """Everything stored about a champion except the model itself."""

    champion: Champion
    suffix: str
    features: tuple[str, ...]
    parameters: dict[str, float | int | str]
    seed: int
    snapshot: str
    libraries: dict[str, str]
    probe: Probe
    baseline: Baseline | None = None  # None in one stored by an earlier release, or of a challenger

    @property
    def model_name(self) -> str:
        return f"{MODEL_NAME}.{self.suffix}"


def read_metadata(path: Path) -> Metadata:
    """Read and verify one metadata file. Raises ModelError if it is missing, damaged or edited."""
    content = read_or_refuse(path, "There is no champion yet.", most_bytes=LARGEST_METADATA)
    try:
        record = parse_json(content)
        seal = record.pop(SEAL)
        if seal != sha256_of_bytes(canonical_json(record).encode()):
            raise damaged(path, "its own hash differs")
        return _metadata(record, path)
    except KeyError as error:
        raise damaged(path, f"it has no {error.args[0]!r}") from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise damaged(path, f"it cannot be read ({type(error).__name__})") from error


def _metadata(record: dict[str, Any], path: Path) -> Metadata:
    champion = Champion(
        name=record["model_name"],
        kind=record["kind"],
        optimizer=record["optimizer"],
        model_sha256=record["model_sha256"],
        feature_set=record["feature_set"],
        trained_through=date.fromisoformat(record["trained_through"]),
        selection_date=date.fromisoformat(record["selection_date"]),
        selection_reason=record["selection_reason"],
        weighted_score=record["weighted_score"],
        metrics=record["metrics"],
        ranks=record["ranks"],
        statistic=_statistic(record.get("statistic")),
    )
    suffix = str(record["model_file"]).removeprefix(f"{MODEL_NAME}.")
    if champion.kind not in KINDS or KINDS[champion.kind].suffix != suffix:  # also rejects a path as suffix
        raise damaged(path, "its kind does not match its model file")
    rows = tuple(tuple(row) for row in record["probe"]["rows"])
    return Metadata(
        champion=champion,
        suffix=suffix,
        features=tuple(record["features"]),
        parameters=record["parameters"],
        seed=record["seed"],
        snapshot=record["data_snapshot"],
        libraries=record["libraries"],
        probe=(rows, tuple(record["probe"]["scores"])),
        baseline=_baseline(record.get("baseline")),
    )


def _baseline(record: dict[str, Any] | None) -> Baseline | None:
    if record is None:
        return None
    found = Baseline(
        columns=tuple(record["columns"]),
        edges=tuple(tuple(row) for row in record["edges"]),
        shares=tuple(tuple(row) for row in record["shares"]),
        present=tuple(record["present"]),
        largest_psi=tuple(record["largest_psi"]),
        block_sessions=int(record["block_sessions"]),
        sessions=int(record["sessions"]),
    )
    rows = (found.edges, found.shares, found.present, found.largest_psi)
    if any(len(row) != len(found.columns) for row in rows):
        raise ValueError("the columns of its baseline do not agree")
    return found


def _statistic(record: dict[str, Any] | None) -> Statistic | None:
    if record is None:
        return None
    return Statistic(record["entry"], record["horizon_sessions"], tuple(record["controls"]))


def sealed(metadata: Metadata) -> bytes:
    """Return the file's content, including its own hash."""
    champion = metadata.champion
    record: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "model_name": champion.name,
        "kind": champion.kind,
        "optimizer": champion.optimizer,
        "weighted_score": champion.weighted_score,
        "metrics": champion.metrics,
        "statistic": asdict(champion.statistic) if champion.statistic else None,
        "selection_date": champion.selection_date.isoformat(),
        "selection_reason": champion.selection_reason,
        "trained_through": champion.trained_through.isoformat(),
        "ranks": champion.ranks,
        "model_file": metadata.model_name,
        "model_sha256": champion.model_sha256,
        "data_snapshot": metadata.snapshot,
        "feature_set": champion.feature_set,
        "features": list(metadata.features),
        "parameters": metadata.parameters,
        "seed": metadata.seed,
        "libraries": metadata.libraries,
        "baseline": asdict(metadata.baseline) if metadata.baseline else None,
        "probe": {"rows": [list(row) for row in metadata.probe[0]], "scores": list(metadata.probe[1])},
    }
    seal = sha256_of_bytes(canonical_json(record).encode())
    long = {name: record.pop(name) for name in ("baseline", "probe")}
    text = json.dumps(record, indent=2, allow_nan=False)[:-2]
    # each on one line, last, so that the rest stays readable
    lines = "".join(f'  "{name}": {json.dumps(value, allow_nan=False)},\n' for name, value in long.items())
    return f'{text},\n{lines}  "{SEAL}": "{seal}"\n}}\n'.encode()


def read_or_refuse(path: Path, missing: str, *, most_bytes: int) -> bytes:
    """Return the file's bytes. Raises ModelError if it is missing, unreadable or too large."""
    try:
        size = path.stat().st_size
        if size > most_bytes:  # before reading, to protect the memory
            raise damaged(path, f"it has {size:,} bytes; the limit is {most_bytes:,}")
        return read_bytes(path)
    except FileNotFoundError as error:
        remedy = f"Run `{FIRST_TRAINING}` to train one."
        raise ModelError(missing, remedy=remedy, file=str(path)) from error
    except OSError as error:
        raise ModelError(
            f"{path} cannot be read: {error.strerror}.", remedy="Fix its permissions.", file=str(path)
        ) from error


def damaged(path: Path, why: str) -> ModelError:
    """Return the error for a file that differs from what was stored."""
    return ModelError(
        f"{path.parent.name}/{path.name} is damaged or was edited: {why}.",
        remedy=f"Restore production/ from a backup. {TRAIN_AGAIN}",
        file=str(path),
    )
