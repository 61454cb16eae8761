"""What holds for every registered feature, whatever it computes: a new one is covered the moment it is declared."""

import ast
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.data.schema.records import Panel
from tasks.features import compute as engine
from tasks.features.compute import compute, compute_last, compute_raw
from tasks.features.engine.feature import Feature
from tasks.features.engine.program import rows_of_inputs
from tasks.features.engine.recipes import recipe
from tasks.features.engine.rolling import lag, rolling_mean
from tasks.features.registry import FEATURES, feature_names, reach, selected, warm_up
from tasks.features.schema import FeatureMatrix
from tests.unit.features.panels import CONSTANT, GAPPY, columns_of, rough_panel, rows_of, with_later_rows_of

SESSIONS = 330
CUT = 300

seeds = st.integers(0, 10_000)
cuts = st.integers(warm_up() - 20, SESSIONS)
few = settings(max_examples=10)


@cache
def panel() -> Panel:
    return rough_panel(sessions=SESSIONS)


@cache
def whole() -> FeatureMatrix:
    """Return all registered features over the whole panel."""
    return compute(panel())


@cache
def early_panel() -> Panel:
    return rows_of(panel(), slice(0, CUT))


def with_nonsense_in(market: Panel, row: int) -> Panel:
    """Return the market with one session of wild prices and filings, on another day of the week and month."""
    rng = np.random.default_rng(1)
    names = ("open", "high", "low", "close", "raw_close", "volume", "dollar_volume", "market")
    changed = {name: getattr(market, name).copy() for name in names}
    filed = {name: values.copy() for name, values in market.fundamentals.items()}
    for values in (*changed.values(), *filed.values()):
        values[row] *= rng.lognormal(0, 5, values[row].shape)
    sessions = market.sessions.copy()
    sessions[row] += 17
    return replace(market, **changed, fundamentals=filed, sessions=sessions)


def same_bits(one: np.ndarray, two: np.ndarray) -> bool:
    return np.array_equal(one, two, equal_nan=True)


def differing(one: np.ndarray, two: np.ndarray, names: Iterable[str] = feature_names()) -> list[str]:
    """Return the names of the features that differ in a bit."""
    return [name for name, a, b in zip(names, one, two, strict=True) if not same_bits(a, b)]


def grouped_by(key: Callable[[Feature], int]) -> list[tuple[int, list[str]]]:
    """Return the names of the features that share a key, key by key."""
    in_order = sorted(FEATURES, key=key)
    return [(number, [feature.name for feature in group]) for number, group in groupby(in_order, key=key)]


def test_a_feature_alone_has_the_bits_that_it_has_among_all():
    alone = [compute(panel(), [name]).values[0] for name in feature_names()]

    assert differing(alone, whole().values) == []


def test_deleting_later_rows_changes_no_bit():
    without_later_rows = compute(early_panel())

    assert differing(without_later_rows.values, whole().values[:, :CUT]) == []


def test_noise_in_later_rows_changes_no_bit():
    with_noise = compute(with_later_rows_of(panel(), rough_panel(99, sessions=SESSIONS), CUT))

    assert differing(with_noise.values[:, :CUT], whole().values[:, :CUT]) == []


def test_the_day_from_its_window_alone_equals_the_full_computation():
    full = dict(zip(feature_names(), whole().values[:, -1], strict=True))

    for rows, names in grouped_by(reach):
        from_window = compute_last(rows_of(panel(), slice(-rows, None)), names).values[:, -1]

        assert [
            name for name, day in zip(names, from_window, strict=True) if not np.isfinite(day).any()
        ] == []
        assert differing(from_window, [full[name] for name in names], names) == []


def test_a_value_wants_its_whole_window():
    early = [
        feature.name
        for feature, values in zip(FEATURES, whole().values, strict=True)
        if not np.isnan(values[: feature.window - 1]).all()
    ]

    assert early == []


def test_the_declared_window_is_no_longer_than_needed():
    for window, names in grouped_by(lambda feature: feature.window):
        changed = with_nonsense_in(panel(), SESSIONS - window)

        features = selected(names)
        now, before = (
            compute_raw(rows_of(market, slice(-window, None)), features)[:, -1:]
            for market in (changed, panel())
        )

        assert set(names) - set(differing(now, before, names)) == set()


def test_the_order_of_symbols_does_not_matter():
    order = np.random.default_rng(0).permutation(len(panel().symbols))

    permuted = compute(columns_of(panel(), order))

    assert differing(permuted.values, whole().values[:, :, order]) == []


def test_names_outside_the_session_do_not_matter():
    members = np.flatnonzero(panel().is_member[-1])

    among_members = compute_last(columns_of(panel(), members))

    assert differing(among_members.values, compute_last(panel()).values[:, :, members]) == []


def test_a_split_changes_nothing():
    """Its factor is in total-return prices already; on the tape the price halves, and the shares double."""
    split, on_the_tape = (slice(200, None), 6), panel().raw_close.copy()
    on_the_tape[split] /= 2
    shares = panel().fundamentals["shares"].copy()
    shares[split] *= 2
    after = replace(
        panel(),
        raw_close=on_the_tape,
        fundamentals=panel().fundamentals | {"shares": shares},
    )

    assert differing(compute(after).values, whole().values) == []


def test_the_unit_in_which_a_share_is_counted_does_not_matter():
    """A split before the first bar scales all prices and volumes of a symbol."""
    per_share = np.where(np.arange(len(panel().symbols)) == 7, 4.0, 1.0)
    prices = {field: getattr(panel(), field) * per_share for field in ("open", "high", "low", "close")}

    scaled = replace(panel(), **prices, volume=panel().volume / per_share)

    assert differing(compute(scaled).values, whole().values) == []


def test_a_missing_bar_and_a_name_outside_the_index_have_no_value():
    nowhere = np.isnan(panel().close) | ~panel().is_member

    with_value = np.isfinite(whole().values[:, nowhere]).any(axis=1)

    assert [name for name, has in zip(feature_names(), with_value, strict=True) if has] == []


def test_a_price_that_never_moves_has_a_value():
    raw = compute_raw(panel(), FEATURES)

    without = [
        feature.name
        for feature, values in zip(FEATURES, raw, strict=True)
        if not np.isfinite(values[max(feature.window - 1, 60) :, CONSTANT]).all()
    ]
    assert without == []


def test_forms_across_the_session_keep_their_bounds():
    ranked = np.array([feature.transform in {"rank", "sector_rank"} for feature in FEATURES])
    values = whole().values
    beyond = np.isinf(values) | (ranked[:, None, None] & ((values < 0) | (values > 1)))

    assert [name for name, is_beyond in zip(feature_names(), beyond, strict=True) if is_beyond.any()] == []


@pytest.mark.parametrize(
    ("cheat", "complaint"),
    [
        (lambda close: close - np.nanmean(close), "whole history"),
        (lambda close: np.cumsum(close) / 3, "whole history"),
        (np.add.accumulate, "whole history|ufunc"),
        (lambda close: close + close[-1], "subscriptable"),
        (lambda close: lag(close, -1), "look ahead"),
        (lambda close: lag(close, 5), "declares a window of 5 rows but looks at 6"),
        (lambda close: rolling_mean(lag(close, 2), 4), "looks at 6"),
        (lambda close: close - panel().close[:, 0], "not with ndarray"),
    ],
    ids=[
        "mean of all",
        "running sum",
        "sum of all",
        "the last row",
        "ahead",
        "lag",
        "window",
        "another symbol",
    ],
)
def test_a_feature_that_looks_beyond_its_window_is_refused(cheat, complaint):
    feature = Feature("cheat", "none", cheat, ("close",), 5, "breaks the rule")

    with pytest.raises((TypeError, ValueError), match=complaint):
        compute_raw(panel(), [feature])


def test_the_declared_window_is_what_the_recipe_looks_at():
    looks_at = {feature.name: rows_of_inputs(recipe(feature)) for feature in FEATURES}

    assert looks_at == {feature.name: feature.window for feature in FEATURES}


@given(seed=seeds, cut=cuts)
@few
def test_on_any_market_the_day_equals_the_full_computation(seed, cut):
    market = rows_of(rough_panel(seed, sessions=SESSIONS), slice(0, cut))

    day = compute_last(rows_of(market, slice(-warm_up(), None)))

    assert differing(day.values[:, 0], compute(market).values[:, -1]) == []


@given(seed=seeds, cut=cuts)
@few
def test_on_any_market_no_value_knows_a_later_row(seed, cut):
    market = rough_panel(seed, sessions=SESSIONS)
    noise = rough_panel(seed + 1, sessions=SESSIONS)

    early = compute(market).values[:, :cut]

    assert differing(compute(rows_of(market, slice(0, cut))).values, early) == []
    assert differing(compute(with_later_rows_of(market, noise, cut)).values[:, :cut], early) == []


@pytest.mark.parametrize(
    ("part", "size"),
    [
        ("BLOCK_SYMBOLS", 1),
        ("BLOCK_SYMBOLS", 5),
        ("ROWS_AT_ONCE", 7),
        ("ROWS_AT_ONCE", 100),
        ("ROWS_AT_ONCE", 10 * SESSIONS),
    ],
)
def test_how_the_market_is_cut_into_pieces_changes_no_bit(monkeypatch, part, size):
    expected = whole().values

    monkeypatch.setattr(engine, part, size)

    assert differing(compute(panel()).values, expected) == []
    assert differing(compute_last(panel()).values[:, 0], expected[:, -1]) == []


def test_a_missing_bar_is_not_a_zero():
    (values,) = compute_raw(panel(), selected(["return_1"]))
    missing = np.flatnonzero(np.isnan(panel().close[1:-1, GAPPY])) + 1

    assert missing.size
    assert np.isnan(values[missing, GAPPY]).all()
    assert np.isnan(values[missing + 1, GAPPY]).all()


def test_a_symbol_without_any_bar_has_no_features_and_changes_no_other():
    complete = compute_raw(panel(), FEATURES)
    close = panel().close.copy()
    close[:, GAPPY] = np.nan

    values = compute_raw(replace(panel(), close=close), FEATURES)

    assert np.isnan(values[:, :, GAPPY]).all()
    assert same_bits(np.delete(values, GAPPY, axis=2), np.delete(complete, GAPPY, axis=2))


def test_labels_never_enter_features():
    slice_folder = Path(engine.__file__).parent
    importers = [
        path.name
        for path in slice_folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.ImportFrom) and "labels" in f"{node.module}.{[a.name for a in node.names]}")
        or (isinstance(node, ast.Import) and any("labels" in alias.name for alias in node.names))
    ]

    assert importers == []


def test_names_are_unique_and_plain():
    names = feature_names()

    assert len(set(names)) == len(names) >= 30
    assert all(name.isidentifier() and name.islower() for name in names)
    assert all(feature.description and feature.version >= 1 for feature in FEATURES)
