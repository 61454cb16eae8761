"""Compute registered features over a panel: block by block of symbols, on the processor's threads.

Decides nothing about any feature. Everything is computed in float64 and kept as float32. A row's values depend on
each feature's declared window alone; how symbols are cut into blocks, or how many threads there are, changes no bit.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.data.schema import Panel
from tasks.features.cross_section import transformed
from tasks.features.inputs import Block
from tasks.features.registry import feature_set, selected
from tasks.features.schema import Feature, FeatureMatrix, Values

Part = TypeVar("Part")

THREADS = 2
BLOCK_CELLS = (
    80_000  # 0.6 MB an array: what a kernel works on stays in the cache (measured: 32 symbols × 10 years)
)


def compute(panel: Panel, names: Sequence[str] | None = None) -> FeatureMatrix:
    """Return the features of every session; missing where the panel does not hold the feature's whole window."""
    features = selected(names)
    return _matrix(panel, features, compute_raw(panel, features), first_row=0)


def compute_last(panel: Panel, names: Sequence[str] | None = None) -> FeatureMatrix:
    """Return the features of the last session, from the needed tail alone: the same bits as `compute`'s last row."""
    features = selected(names)
    return _matrix(panel, features, compute_raw_last(panel, features), first_row=len(panel.sessions) - 1)


def members_frame(matrix: FeatureMatrix, is_member: NDArray[np.bool_]) -> pd.DataFrame:
    """Return the last session's members, indexed by symbol, one column per feature."""
    return pd.DataFrame(
        matrix.of_session(-1)[is_member],
        index=pd.Index(matrix.symbols[is_member].astype(object), name="symbol", dtype="str"),
        columns=list(matrix.names),
    )


def compute_raw(panel: Panel, features: Sequence[Feature]) -> Values:
    """Return the features as their functions give them, before any cross-sectional form."""
    sessions, symbols = panel.close.shape
    raw = np.empty((len(features), sessions, symbols), dtype=np.float32)

    def fill(columns: slice) -> None:
        block = Block(panel, slice(None), columns)
        no_bar = np.isnan(block["close"])
        for values, feature in zip(raw, features, strict=True):
            values[:, columns] = _values(feature, block, rows=sessions)
            values[: feature.window - 1, columns] = np.nan
            values[:, columns][no_bar] = np.nan

    _on_threads(fill, _blocks(sessions, symbols))
    return raw


def compute_raw_last(panel: Panel, features: Sequence[Feature]) -> Values:
    """Return the last session's features before any cross-sectional form."""
    sessions, symbols = panel.close.shape
    raw = np.full((len(features), 1, symbols), np.nan, dtype=np.float32)
    enough = [
        (values, feature) for values, feature in zip(raw, features, strict=True) if feature.window <= sessions
    ]
    tail = max((feature.window for _, feature in enough), default=1)

    def fill(columns: slice) -> None:
        block = Block(panel, slice(sessions - tail, None), columns)
        no_bar = np.isnan(block["close"][-1])
        for values, feature in enough:
            values[0, columns] = _values(feature, block, rows=feature.window)[-1]
            values[0, columns][no_bar] = np.nan

    _on_threads(fill, _blocks(tail, symbols))
    return raw


def _values(feature: Feature, block: Block, *, rows: int) -> Values:
    """Call the feature's function on the last `rows` of its inputs. What is not finite is missing."""
    with np.errstate(all="ignore"):
        values = feature.function(*(block[name][-rows:] for name in feature.inputs))
        kept = np.broadcast_to(values, (rows, block.shape[1])).astype(np.float32)
    kept[~np.isfinite(kept)] = np.nan
    return kept


def _matrix(panel: Panel, features: Sequence[Feature], raw: Values, *, first_row: int) -> FeatureMatrix:
    """Put the raw values, in place, into their cross-sectional forms."""
    members = panel.is_member[first_row:]
    pieces = _blocks(len(panel.symbols), len(members))

    def transform(position: int) -> None:
        for rows in pieces:
            form = features[position].transform
            raw[position, rows] = transformed(raw[position, rows], form, members[rows], panel.sector)

    _on_threads(transform, range(len(features)))
    names = tuple(feature.name for feature in features)
    return FeatureMatrix(panel.sessions[first_row:], panel.symbols, names, raw, feature_set(names))


def _blocks(length: int, count: int) -> list[slice]:
    """Cut `count` columns (or rows) of this length into pieces of BLOCK_CELLS."""
    width = max(BLOCK_CELLS // max(length, 1), 1)
    return [slice(start, start + width) for start in range(0, count, width)]


def _on_threads(work: Callable[[Part], None], parts: Iterable[Part]) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(work, parts):
            pass  # a failed part raises here
