"""Compute registered features over a panel, in blocks of symbols and on several threads.

Computed in float64 and stored as float32. A row depends only on each feature's declared window: block size, grouping
and number of threads do not alter a single bit of the result.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.data.schema.records import Matrix, Panel
from tasks.features.engine import machine
from tasks.features.engine.cross_section import Peers, rank, transformed
from tasks.features.engine.feature import Feature, Values
from tasks.features.engine.inputs import values_of
from tasks.features.engine.program import Program, program_of
from tasks.features.engine.recipes import output_of
from tasks.features.engine.series import Series, named
from tasks.features.registry import BETA, MARKET_CAP, TRADED, factors, feature_set, reach, selected
from tasks.features.schema import FeatureMatrix

Part = TypeVar("Part")

THREADS = 2
BLOCK_SYMBOLS = 16  # as many float64 values as two cache lines hold
GROUP_CELLS = 125_000_000  # 0.5 GB of float32: the most raw values in memory
ROWS_AT_ONCE = 512  # about ten histories of this length fit into the L1 cache
TRANSFORM_CELLS = 80_000  # cells of one feature that are transformed at a time

Raw = NDArray[np.float32]  # features × symbols × sessions: each history is contiguous


def compute(panel: Panel, names: Sequence[str] | None = None) -> FeatureMatrix:
    """Return the features of every session; NaN where the panel does not hold the feature's whole window."""
    features = selected(names)
    values = np.empty((len(features), *panel.close.shape), dtype=np.float32)
    done = 0
    for few in iterate_features(panel, features):
        values[done : done + len(few)] = few
        done += len(few)
    return _matrix(panel, features, values, first_row=0)


def compute_last(panel: Panel, names: Sequence[str] | None = None) -> FeatureMatrix:
    """Return the features of the last session, from the panel's tail: bit-identical to the last row of `compute`."""
    features = selected(names)
    first_row = len(panel.sessions) - 1
    raw = _raw_last(panel, (*features, *factors(features)))
    peers = _peers(panel, raw[len(features) :], first_row=first_row)
    return _matrix(
        panel, features, _transformed_all(raw, features, peers, first_row=first_row), first_row=first_row
    )


def iterate_features(panel: Panel, features: Sequence[Feature]) -> Iterator[Values]:
    """Yield the transformed features, a few at a time, to limit memory."""
    peers = _peers(panel, _raw(panel, factors(features)), first_row=0)
    size = max(GROUP_CELLS // max(panel.close.size, 1), 1)
    for start in range(0, len(features), size):
        group = features[start : start + size]
        raw = _raw(panel, group)
        for first in range(0, len(group), THREADS):
            few = slice(first, first + THREADS)
            yield _transformed_all(raw[few], group[few], peers, first_row=0)


def members_frame(matrix: FeatureMatrix, is_member: NDArray[np.bool_]) -> pd.DataFrame:
    """Return the last session's members, indexed by symbol, one column per feature."""
    return pd.DataFrame(
        matrix.of_session(-1)[is_member],
        index=pd.Index(matrix.symbols[is_member].astype(object), name="symbol", dtype="str"),
        columns=list(matrix.names),
    )


def compute_raw(panel: Panel, features: Sequence[Feature]) -> Values:
    """Return the features before their cross-sectional transform (features × sessions × symbols)."""
    return _raw(panel, features).transpose(0, 2, 1)


def on_arrays(function: Callable[..., tuple[Series, ...]], *arrays: Matrix) -> tuple[Matrix, ...]:
    """Apply a feature function to arrays (sessions × symbols, float64), for windows outside the registry."""
    sessions, symbols = arrays[0].shape
    outputs = function(*(named(str(place)) for place in range(len(arrays))))
    program = program_of(outputs, rows_at_once=max(sessions, 1))
    found = np.empty((len(program.outputs), sessions, symbols))
    buffer, bars, no_output = (
        program.new_buffer(),
        np.zeros((1, sessions)),
        np.empty((0, 0, sessions), dtype=np.float32),
    )
    for symbol in range(symbols):
        inputs = np.array([[arrays[int(name)][:, symbol]] for name in program.inputs], dtype=np.float64)
        machine.run(*program.parts, inputs, bars, buffer, no_output, symbol)
        found[:, :, symbol] = [buffer[begin : begin + sessions] for begin in program.outputs]
    return tuple(found)


def _raw(panel: Panel, features: Sequence[Feature]) -> Raw:
    sessions, symbols = panel.close.shape
    raw = np.empty((len(features), symbols, sessions), dtype=np.float32)
    _fill(raw, panel, features, slice(None))
    return raw


def _raw_last(panel: Panel, features: Sequence[Feature]) -> Raw:
    raw = np.empty((len(features), len(panel.symbols), 1), dtype=np.float32)
    tail = max((feature.window for feature in features), default=1)
    _fill(raw, panel, features, slice(-tail, None))
    return raw


@lru_cache(maxsize=64)
def _program(features: tuple[Feature, ...], rows_at_once: int) -> Program:
    outputs = [output_of(feature, place) for place, feature in enumerate(features)]
    return program_of(outputs, rows_at_once=rows_at_once)


def _fill(raw: Raw, panel: Panel, features: Sequence[Feature], rows: slice) -> None:
    """Compute the features of every symbol from these rows of the panel."""
    if not features:
        return
    program = _program(tuple(features), ROWS_AT_ONCE)
    sources = [values_of(panel, name)[rows] for name in program.inputs]
    length = len(panel.sessions[rows])

    def fill(blocks: Iterator[slice]) -> None:
        buffer = program.new_buffer()
        inputs = np.empty((len(sources), BLOCK_SYMBOLS, length))
        for columns in blocks:
            block = inputs[:, : len(panel.symbols[columns])]
            for histories, values in zip(block, sources, strict=True):
                if values.shape[1] == 1:
                    histories[:] = values.T
                else:
                    machine.gather(histories, values[:, columns])
            bars = block[program.inputs.index("close")]
            machine.run(*program.parts, block, bars, buffer, raw, columns.start)

    _on_threads(fill, _blocks(len(panel.symbols), BLOCK_SYMBOLS))


def _peers(panel: Panel, raw: Raw, *, first_row: int) -> Peers:
    """Return the groups for transforms; `raw` holds the factors that neutral transforms remove, if any."""
    is_member = panel.is_member[first_row:]
    order = np.argsort(panel.company)
    if not len(raw):
        return Peers(is_member, panel.sector_at[first_row:], order)
    values = dict(zip((MARKET_CAP, TRADED, BETA), raw, strict=True))
    market_cap, traded, beta = (
        rank(np.where(is_member, values[name].T, np.float32(np.nan))) for name in (MARKET_CAP, TRADED, BETA)
    )
    has_caps = 2 * np.isfinite(market_cap).sum(axis=1) > is_member.sum(axis=1)
    size = np.where(has_caps[:, None], market_cap, traded)
    return Peers(is_member, panel.sector_at[first_row:], order, size, beta)


def _transformed_all(raw: Raw, features: Sequence[Feature], peers: Peers, *, first_row: int) -> Values:
    """Apply the cross-sectional transforms to raw values."""
    _, symbols, sessions = raw.shape
    values = np.empty((len(features), sessions, symbols), dtype=np.float32)

    def transform(positions: Iterator[int]) -> None:
        for position in positions:
            feature = features[position]
            for rows in _blocks(sessions, max(TRANSFORM_CELLS // max(symbols, 1), 1)):
                history = raw[position, :, rows].T
                values[position, rows] = transformed(history, feature.transform, peers.of(rows))
            values[position, : max(reach(feature) - 1 - first_row, 0)] = np.nan

    _on_threads(transform, range(len(features)))
    return values


def _matrix(panel: Panel, features: Sequence[Feature], values: Values, *, first_row: int) -> FeatureMatrix:
    names = tuple(feature.name for feature in features)
    return FeatureMatrix(panel.sessions[first_row:], panel.symbols, names, values, feature_set(names))


def _blocks(count: int, size: int) -> list[slice]:
    return [slice(start, start + size) for start in range(0, count, size)]


def _on_threads(work: Callable[[Iterator[Part]], None], parts: Iterable[Part]) -> None:
    """Run `work` on every thread; the threads share the parts."""
    remaining = iter(list(parts))
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(work, [remaining] * THREADS):
            pass  # an exception of a part is raised here
