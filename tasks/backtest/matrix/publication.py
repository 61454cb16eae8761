"""The files of a matrix, by name: see docs/backtest.md."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from tasks.backtest.matrix.tables import (
    Baseline,
    Measured,
    comparison,
    details,
    equity_table,
    regime_breakdown,
)
from tasks.core.ids import canonical_json, sha256_of_record

MATRIX_FILE = "backtest_comparison_matrix.csv"
DETAILS_FILE = "backtest_detailed_results.json"
REGIMES_FILE = "regime_performance_breakdown.csv"
PICTURE_FILE = "equity_curves.png"
EQUITY_FILE = "equity_curves.csv"


def files_of(
    measured: Sequence[Measured],
    equal_weight: Baseline,
    scores: Mapping[str, str],
    terms: Mapping[str, Any],
    picture: bytes,
) -> dict[str, bytes]:
    """Return the content of each file. `scores`: id by model; `terms`: the options that all combinations share."""
    detailed = {"terms": dict(terms), **details(measured, equal_weight, scores)}
    return {
        MATRIX_FILE: _csv(comparison(measured)),
        DETAILS_FILE: (canonical_json(detailed) + "\n").encode(),
        REGIMES_FILE: _csv(regime_breakdown(measured)),
        PICTURE_FILE: picture,
        EQUITY_FILE: _csv(equity_table(measured)),
    }


def id_of_matrix(combinations: Sequence[str]) -> str:
    """Return the id of a matrix by the ids of its combinations, in their order."""
    return sha256_of_record(list(combinations))[:16]


def _csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False, float_format="%.10g", lineterminator="\n").encode()
