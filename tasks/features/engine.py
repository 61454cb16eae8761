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
from tasks.features.compiled import Histories
from tasks.features.cross_section import Peers, rank, transformed
from tasks.features.inputs import Block
from tasks.features.kernels import keep
from tasks.features.registry import BETA, MARKET_CAP, TRADED, factors, feature_set, reach, selected
from tasks.features.schema import Feature, FeatureMatrix, Values

Part = TypeVar("Part")

THREADS = 2
BLOCK_CELLS = (
    80_000  # 0.6 MB an array: what a kernel works on stays in the cache (measured: 32 symbols × 10 years)
)
GROUP_CELLS = 125_000_000  # 0.5 GB of float32: what is held at once of raw values

Raw = NDArray[np.float32]  # features × symbols × sessions: each history is computed, and kept, in one piece


def compute(panel: Panel, names: Sequence[str] | None = None) -> FeatureMatrix:
    """Return the features of every session; missing where the panel does not hold the feature's whole window."""
    features = selected(names)
    values = np.empty((len(features), *panel.close.shape), dtype=np.float32)
    done = 0
    for few in computed_in_turn(panel, features):
        values[done : done + len(few)] = few
        done += len(few)
    return _matrix(panel, features, values, first_row=0)


def compute_last(panel: Panel, names: Sequence[str] | None = None) -> FeatureMatrix:
    """Return the features of the last session, from the needed tail alone: the same bits as `compute`'s last row."""
    features = selected(names)
    first_row = len(panel.sessions) - 1
    raw = _raw_last(panel, (*features, *factors(features)))
    peers = _peers(panel, raw[len(features) :], first_row=first_row)
    return _matrix(panel, features, _formed(raw, features, peers, first_row=first_row), first_row=first_row)


def computed_in_turn(panel: Panel, features: Sequence[Feature]) -> Iterator[Values]:
    """Yield the features in their forms, a few at a time, so that a large market needs little memory."""
    peers = _peers(panel, _raw(panel, factors(features)), first_row=0)
    size = max(GROUP_CELLS // max(panel.close.size, 1), 1)
    for start in range(0, len(features), size):
        group = features[start : start + size]
        raw = _raw(panel, group)
        for first in range(0, len(group), THREADS):
            few = slice(first, first + THREADS)
            yield _formed(raw[few], group[few], peers, first_row=0)


def members_frame(matrix: FeatureMatrix, is_member: NDArray[np.bool_]) -> pd.DataFrame:
    """Return the last session's members, indexed by symbol, one column per feature."""
    return pd.DataFrame(
        matrix.of_session(-1)[is_member],
        index=pd.Index(matrix.symbols[is_member].astype(object), name="symbol", dtype="str"),
        columns=list(matrix.names),
    )


def compute_raw(panel: Panel, features: Sequence[Feature]) -> Values:
    """Return the features as their functions give them, before any cross-sectional form."""
    return _raw(panel, features).transpose(0, 2, 1)


def compute_raw_last(panel: Panel, features: Sequence[Feature]) -> Values:
    """Return the last session's features before any cross-sectional form."""
    return _raw_last(panel, features).transpose(0, 2, 1)


def _raw(panel: Panel, features: Sequence[Feature]) -> Raw:
    sessions, symbols = panel.close.shape
    raw = np.empty((len(features), symbols, sessions), dtype=np.float32)

    def fill(columns: slice) -> None:
        block = Block(panel, slice(None), columns)
        for values, feature in zip(raw, features, strict=True):
            found = _found(feature, block, rows=sessions)
            keep(values[columns], found, block["close"].T, feature.window - 1)

    _on_threads(fill, _blocks(sessions, symbols))
    return raw


def _raw_last(panel: Panel, features: Sequence[Feature]) -> Raw:
    sessions, symbols = panel.close.shape
    raw = np.full((len(features), symbols, 1), np.nan, dtype=np.float32)
    enough = [
        (values, feature) for values, feature in zip(raw, features, strict=True) if feature.window <= sessions
    ]
    tail = max((feature.window for _, feature in enough), default=1)

    def fill(columns: slice) -> None:
        block = Block(panel, slice(sessions - tail, None), columns)
        last_close = np.ascontiguousarray(block["close"][-1:].T)
        for values, feature in enough:
            found = _found(feature, block, rows=feature.window)[:, -1:]
            keep(values[columns], np.ascontiguousarray(found), last_close, 0)

    _on_threads(fill, _blocks(tail, symbols))
    return raw


def _found(feature: Feature, block: Block, *, rows: int) -> Histories:
    """Call the feature's function on the last `rows` of its inputs; symbols × sessions."""
    with np.errstate(all="ignore"):
        values = feature.function(*(block[name][-rows:] for name in feature.inputs))
    return np.ascontiguousarray(np.broadcast_to(values, (rows, block.shape[1])).T, dtype=np.float64)


def _peers(panel: Panel, raw: Raw, *, first_row: int) -> Peers:
    """Return who is compared with whom; `raw` holds the factors that neutral forms take out, if there are any."""
    is_member = panel.is_member[first_row:]
    alphabetical = np.argsort(panel.symbols, kind="stable")
    if not len(raw):
        return Peers(is_member, panel.sector, alphabetical)
    figures = dict(zip((MARKET_CAP, TRADED, BETA), raw, strict=True))
    market_cap, traded, beta = (
        rank(np.where(is_member, figures[name].T, np.float32(np.nan))) for name in (MARKET_CAP, TRADED, BETA)
    )
    has_caps = 2 * np.isfinite(market_cap).sum(axis=1) > is_member.sum(axis=1)
    size = np.where(has_caps[:, None], market_cap, traded)
    return Peers(is_member, panel.sector, alphabetical, size, beta)


def _formed(raw: Raw, features: Sequence[Feature], peers: Peers, *, first_row: int) -> Values:
    """Put raw values into their cross-sectional forms."""
    _, symbols, sessions = raw.shape
    values = np.empty((len(features), sessions, symbols), dtype=np.float32)

    def form(position: int) -> None:
        feature = features[position]
        for rows in _blocks(symbols, sessions):
            history = raw[position, :, rows].T
            values[position, rows] = transformed(history, feature.transform, peers.of(rows))
        values[position, : max(reach(feature) - 1 - first_row, 0)] = np.nan

    _on_threads(form, range(len(features)))
    return values


def _matrix(panel: Panel, features: Sequence[Feature], values: Values, *, first_row: int) -> FeatureMatrix:
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
