"""What holds for every registered feature, whatever it computes: a new one is covered the moment it is declared."""

import ast
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.data.schema import Panel
from tasks.features import engine
from tasks.features.engine import compute, compute_last, compute_raw, compute_raw_last
from tasks.features.program import rows_of_inputs
from tasks.features.recipes import recipe
from tasks.features.registry import FEATURES, feature_names, reach, selected, warm_up
from tasks.features.rolling import lag, rolling_mean
from tasks.features.schema import Feature, FeatureMatrix
from tests.unit.features.panels import CONSTANT, GAPPY, columns_of, rough_panel, rows_of, with_later_rows_of

EVERY_FEATURE = pytest.mark.parametrize("name", feature_names())
SESSIONS = 330
CUT = 300

seeds = st.integers(0, 10_000)
cuts = st.integers(warm_up() - 20, SESSIONS)
few = settings(max_examples=10)


@cache
def panel() -> Panel:
    return rough_panel(sessions=SESSIONS)


@cache
def whole_of(*names: str) -> FeatureMatrix:
    """Return the features over the whole panel; all that are registered if none is named."""
    return compute(panel(), list(names) or None)


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


@EVERY_FEATURE
def test_deleting_later_rows_changes_no_bit(name):
    whole = whole_of(name)

    without_later_rows = compute(early_panel(), [name])

    assert same_bits(without_later_rows.values, whole.values[:, :CUT])


@EVERY_FEATURE
def test_noise_in_later_rows_changes_no_bit(name):
    whole = whole_of(name)

    with_noise = compute(with_later_rows_of(panel(), rough_panel(99, sessions=SESSIONS), CUT), [name])

    assert same_bits(with_noise.values[:, :CUT], whole.values[:, :CUT])


@EVERY_FEATURE
def test_the_day_from_its_window_alone_equals_the_full_computation(name):
    (feature,) = selected([name])
    whole = whole_of(name)

    from_window = compute_last(rows_of(panel(), slice(-reach(feature), None)), [name])

    assert np.isfinite(from_window.values).any()
    assert same_bits(from_window.values[:, -1], whole.values[:, -1])


@EVERY_FEATURE
def test_a_value_wants_its_whole_window(name):
    (feature,) = selected([name])

    first_rows = compute(panel(), [name]).values[0, : feature.window - 1]

    assert np.isnan(first_rows).all()


@EVERY_FEATURE
def test_the_declared_window_is_no_longer_than_needed(name):
    (feature,) = selected([name])
    oldest = SESSIONS - feature.window

    changed = with_nonsense_in(panel(), oldest)

    assert not same_bits(compute_raw_last(changed, [feature]), compute_raw_last(panel(), [feature]))


@EVERY_FEATURE
def test_the_order_of_symbols_does_not_matter(name):
    order = np.random.default_rng(0).permutation(len(panel().symbols))

    permuted = compute(columns_of(panel(), order), [name])

    assert same_bits(permuted.values, whole_of(name).values[:, :, order])


@EVERY_FEATURE
def test_names_outside_the_session_do_not_matter(name):
    members = np.flatnonzero(panel().is_member[-1])

    among_members = compute_last(columns_of(panel(), members), [name])

    assert same_bits(among_members.values, compute_last(panel(), [name]).values[:, :, members])


@EVERY_FEATURE
def test_a_split_changes_nothing(name):
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

    assert same_bits(compute(after, [name]).values, whole_of(name).values)


@EVERY_FEATURE
def test_the_unit_in_which_a_share_is_counted_does_not_matter(name):
    """A split before the first bar scales all prices and volumes of a symbol."""
    per_share = np.where(np.arange(len(panel().symbols)) == 7, 4.0, 1.0)
    prices = {field: getattr(panel(), field) * per_share for field in ("open", "high", "low", "close")}

    scaled = replace(panel(), **prices, volume=panel().volume / per_share)

    assert same_bits(compute(scaled, [name]).values, whole_of(name).values)


@EVERY_FEATURE
def test_a_missing_bar_and_a_name_outside_the_index_have_no_value(name):
    values = whole_of(name).values[0]

    assert np.isnan(values[np.isnan(panel().close)]).all()
    assert np.isnan(values[~panel().is_member]).all()


@EVERY_FEATURE
def test_a_price_that_never_moves_has_a_value(name):
    (feature,) = selected([name])

    (values,) = compute_raw(panel(), [feature])

    assert np.isfinite(values[max(feature.window - 1, 60) :, CONSTANT]).all()


@EVERY_FEATURE
def test_forms_across_the_session_keep_their_bounds(name):
    (feature,) = selected([name])
    values = whole_of(name).values
    known = values[np.isfinite(values)]

    if feature.transform in {"rank", "sector_rank"}:
        assert known.min() >= 0
        assert known.max() <= 1
    assert not np.isinf(values).any()


@pytest.mark.parametrize(
    ("cheat", "complaint"),
    [
        (lambda close: close - np.nanmean(close), "whole history"),
        (lambda close: np.cumsum(close) / 3, "whole history"),
        (np.add.accumulate, "whole history|ufunc"),
        (lambda close: close + close[-1], "subscriptable"),
        (lambda close: lag(close, -1), "look ahead"),
        (lambda close: lag(close, 5), "declares a window of 5 rows and looks at 6"),
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


@EVERY_FEATURE
def test_the_declared_window_is_what_the_recipe_looks_at(name):
    (feature,) = selected([name])

    assert rows_of_inputs(recipe(feature)) == feature.window


@given(seed=seeds, cut=cuts)
@few
def test_on_any_market_the_day_equals_the_full_computation(seed, cut):
    market = rows_of(rough_panel(seed, sessions=SESSIONS), slice(0, cut))

    day = compute_last(rows_of(market, slice(-warm_up(), None)))

    assert same_bits(day.values[:, 0], compute(market).values[:, -1])


@given(seed=seeds, cut=cuts)
@few
def test_on_any_market_no_value_knows_a_later_row(seed, cut):
    market = rough_panel(seed, sessions=SESSIONS)
    noise = rough_panel(seed + 1, sessions=SESSIONS)

    whole = compute(market).values[:, :cut]

    assert same_bits(compute(rows_of(market, slice(0, cut))).values, whole)
    assert same_bits(compute(with_later_rows_of(market, noise, cut)).values[:, :cut], whole)


@pytest.mark.parametrize(
    ("part", "size"),
    [
        ("BLOCK_SYMBOLS", 1),
        ("BLOCK_SYMBOLS", 5),
        ("ROWS_AT_ONCE", 7),
        ("ROWS_AT_ONCE", 100),
        ("ROWS_AT_ONCE", 10**6),
    ],
)
def test_how_the_market_is_cut_into_pieces_changes_no_bit(monkeypatch, part, size):
    whole = whole_of()

    monkeypatch.setattr(engine, part, size)

    assert same_bits(compute(panel()).values, whole.values)
    assert same_bits(compute_last(panel()).values[:, 0], whole.values[:, -1])


def test_a_missing_bar_is_not_a_zero():
    (values,) = compute_raw(panel(), selected(["return_1"]))
    missing = np.flatnonzero(np.isnan(panel().close[1:-1, GAPPY])) + 1

    assert missing.size
    assert np.isnan(values[missing, GAPPY]).all()
    assert np.isnan(values[missing + 1, GAPPY]).all()


def test_a_symbol_without_any_bar_has_no_features_and_changes_no_other():
    whole = compute_raw(panel(), FEATURES)
    close = panel().close.copy()
    close[:, GAPPY] = np.nan

    values = compute_raw(replace(panel(), close=close), FEATURES)

    assert np.isnan(values[:, :, GAPPY]).all()
    assert same_bits(np.delete(values, GAPPY, axis=2), np.delete(whole, GAPPY, axis=2))


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
