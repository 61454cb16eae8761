"""Compute registered features over a panel: block by block of symbols, on the processor's threads.

Decides nothing about any feature. Everything is computed in float64 and kept as float32. A row's values depend on
each feature's declared window alone; how symbols are cut into blocks, features into groups, or how many threads there
are, changes no bit.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.data.schema import Panel
from tasks.features.cross_section import Peers, rank, transformed
from tasks.features.inputs import Block
from tasks.features.kernels import Histories, kept
from tasks.features.registry import BETA, MARKET_CAP, TRADED, factors, feature_set, reach, selected
from tasks.features.schema import Feature, FeatureMatrix, Values

Part = TypeVar("Part")

THREADS = 2
BLOCK_CELLS = (
    80_000  # 0.6 MB an array: what a kernel works on stays in the cache (measured: 32 symbols × 10 years)
)
GROUP_CELLS = 250_000_000  # 1 GB of float32: what is in memory at once of a matrix that is written to disk


def compute(panel: Panel, names: Sequence[str] | None = None) -> FeatureMatrix:
    """Return the features of every session; missing where the panel does not hold the feature's whole window."""
    features = selected(names)
    return _matrix(panel, features, compute_raw(panel, (*features, *factors(features))), first_row=0)


def compute_last(panel: Panel, names: Sequence[str] | None = None) -> FeatureMatrix:
    """Return the features of the last session, from the needed tail alone: the same bits as `compute`'s last row."""
    features = selected(names)
    raw = compute_raw_last(panel, (*features, *factors(features)))
    return _matrix(panel, features, raw, first_row=len(panel.sessions) - 1)


def computed_in_groups(panel: Panel, names: Sequence[str]) -> Iterator[Values]:
    """Yield what `compute` returns, some features at a time, so that a large market needs little memory."""
    features = selected(names)
    peers = _peers(panel, compute_raw(panel, factors(features)), first_row=0)
    size = max(GROUP_CELLS // max(panel.close.size, 1), 1)
    for start in range(0, len(features), size):
        group = features[start : start + size]
        yield _formed(compute_raw(panel, group), group, peers, first_row=0)


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
        for values, feature in zip(raw, features, strict=True):
            found = _found(feature, block, rows=sessions)
            values[:, columns] = kept(found, block["close"].T, feature.window - 1).T

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
        last_close = np.ascontiguousarray(block["close"][-1:].T)
        for values, feature in enough:
            found = _found(feature, block, rows=feature.window)[:, -1:]
            values[:, columns] = kept(np.ascontiguousarray(found), last_close, 0).T

    _on_threads(fill, _blocks(tail, symbols))
    return raw


def _found(feature: Feature, block: Block, *, rows: int) -> Histories:
    """Call the feature's function on the last `rows` of its inputs; symbols × sessions."""
    with np.errstate(all="ignore"):
        values = feature.function(*(block[name][-rows:] for name in feature.inputs))
    return np.ascontiguousarray(np.broadcast_to(values, (rows, block.shape[1])).T, dtype=np.float64)


def _peers(panel: Panel, raw: Values, *, first_row: int) -> Peers:
    """Return who is compared with whom; `raw` holds the factors that neutral forms take out, if there are any."""
    is_member = panel.is_member[first_row:]
    alphabetical = np.argsort(panel.symbols, kind="stable")
    if not len(raw):
        return Peers(is_member, panel.sector, alphabetical)
    figures = dict(zip((MARKET_CAP, TRADED, BETA), raw, strict=True))
    market_cap, traded, beta = (
        rank(np.where(is_member, figures[name], np.float32(np.nan))) for name in (MARKET_CAP, TRADED, BETA)
    )
    has_caps = 2 * np.isfinite(market_cap).sum(axis=1) > is_member.sum(axis=1)
    size = np.where(has_caps[:, None], market_cap, traded)
    return Peers(is_member, panel.sector, alphabetical, size, beta)


def _formed(raw: Values, features: Sequence[Feature], peers: Peers, *, first_row: int) -> Values:
    """Put the raw values, in place, into their cross-sectional forms."""
    pieces = _blocks(raw.shape[2], raw.shape[1])

    def form(position: int) -> None:
        feature = features[position]
        for rows in pieces:
            raw[position, rows] = transformed(raw[position, rows], feature.transform, peers.of(rows))
        raw[position, : max(reach(feature) - 1 - first_row, 0)] = np.nan

    _on_threads(form, range(len(features)))
    return raw


def _matrix(panel: Panel, features: Sequence[Feature], raw: Values, *, first_row: int) -> FeatureMatrix:
    """Make the matrix of the features, whose raw values come first, and those of their factors after them."""
    peers = _peers(panel, raw[len(features) :], first_row=first_row)
    values = _formed(raw[: len(features)], features, peers, first_row=first_row)
    names = tuple(feature.name for feature in features)
    return FeatureMatrix(panel.sessions[first_row:], panel.symbols, names, values, feature_set(names))


def _blocks(length: int, count: int) -> list[slice]:
    """Cut `count` columns (or rows) of this length into pieces of BLOCK_CELLS."""
    width = max(BLOCK_CELLS // max(length, 1), 1)
    return [slice(start, start + width) for start in range(0, count, width)]


def _on_threads(work: Callable[[Part], None], parts: Iterable[Part]) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(work, parts):
            pass  # a failed part raises here
