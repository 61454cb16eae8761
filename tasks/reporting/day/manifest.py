"""Record the exact inputs of a day, so that it can be recomputed and compared byte for byte.

Lists everything that can vary: data, settings, model, positions, history, code, libraries, seeds. Timings are stored
only here: nothing else differs between two equal runs.
"""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version

from config.settings import config_hash
from tasks.core.ids import sha256_of_bytes
from tasks.core.versions.libraries import installed_versions
from tasks.core.versions.source_code import CODE_ROOT, code_fingerprint
from tasks.reporting.day.files import SCHEMA_VERSION, json_bytes
from tasks.reporting.day.history import history_hash
from tasks.reporting.day.inputs import DayInputs

LIBRARIES = (
    "clarabel",
    "cvxpy",
    "deltalake",
    "exchange-calendars",
    "lightgbm",
    "matplotlib",
    "numba",
    "numpy",
    "pandas",
    "pyarrow",
    "pyportfolioopt",
    "scikit-learn",
    "scipy",
    "xgboost",
    "xgboost-cpu",  # the same library under another name: whichever is installed
)


@dataclass(frozen=True)
class Provenance:
    """Hashes of every input, and the versions of the code and libraries."""

    inputs: dict[str, str | None]
    versions: dict[str, str]
    seeds: dict[str, int]


def provenance(inputs: DayInputs, *, positions_sha256: str | None) -> Provenance:
    """Return the hash of every input of the day. `positions_sha256` is None if there is no positions file yet."""
    settings, records = inputs.run.settings, inputs.records
    return Provenance(
        inputs={
            "snapshot": records.market.snapshot.id,
            "config": config_hash(settings),
            "champion": records.scores.champion.model_sha256,
            "features": records.scores.champion.feature_set,
            "positions": positions_sha256,
            "performance_history": history_hash(inputs.history),
            "previous_day": inputs.previous.fingerprint if inputs.previous else None,
            "compared_days": records.compared.parity.recorded_sha256,
            "executions": _executions_sha256(inputs),
        },
        versions={
            "afterclose": version("afterclose"),
            "code": code_fingerprint(CODE_ROOT),
            "python": platform.python_version(),
            **installed_versions(LIBRARIES),
        },
        seeds={"settings": settings.seed, "simulated_market": settings.data.simulated.seed},
    )


def _executions_sha256(inputs: DayInputs) -> str | None:
    """Return the hash of the executions that the report shows; None without one."""
    if not inputs.executed:
        return None
    return sha256_of_bytes("".join(one.fingerprint for one in inputs.executed).encode())


def manifest_json(
    inputs: DayInputs,
    source: Provenance,
    files: Mapping[str, bytes],
    timings: Mapping[str, float],
    *,
    kept_sha256: str | None = None,
) -> bytes:
    """Write manifest.json, which lists the hashes of the other files in the directory.

    `kept_sha256` names the index of the inputs that were kept for a replay (tasks/core/homes/kept.py).
    """
    return json_bytes(
        {
            "schema_version": SCHEMA_VERSION,
            "session": str(inputs.run.session),
            "as_of": inputs.run.as_of.isoformat(),
            "status": "blocked" if inputs.records.is_blocked else "published",
            "inputs": source.inputs | {"kept": kept_sha256},
            "versions": source.versions,
            "seeds": source.seeds,
            "failovers": inputs.records.market.failovers,
            "rewritten": inputs.records.market.rewritten,
            "sha256": {name: sha256_of_bytes(content) for name, content in files.items()},
            "timings": dict(timings),
        }
    )
