"""Every side of the features bench computes the same values: only speed is compared."""

from dataclasses import fields

import numpy as np
import pytest

from tasks.features.compute import compute_raw
from tests.bench.market import generated, long_table, on_panel, read_long, read_panel, write
from tests.bench.sides import SIDES
from tests.bench.twenty import TWENTY

NAMES = [feature.name for feature in TWENTY]


@pytest.fixture(scope="module")
def panel():
    return generated(symbols=6, sessions=400)


@pytest.fixture(scope="module")
def ours(panel):
    """Features × sessions × symbols."""
    return compute_raw(panel, TWENTY)


def assert_the_same(table, panel, ours, keys=None):
    """Compare at rows with a bar; a rival gives values elsewhere, and from four fifths of the first window on."""
    keys = long_table(panel) if keys is None else keys
    symbol, session = keys["symbol"].to_pandas(), keys["session"].to_numpy()
    for feature, values in zip(TWENTY, ours, strict=True):
        theirs = on_panel(panel, symbol, session, table[feature.name])
        theirs[np.isnan(panel.close)] = np.nan
        theirs[: feature.window - 1] = np.nan
        assert np.isfinite(values).any()
        np.testing.assert_allclose(theirs, values, rtol=1e-5, atol=1e-6, err_msg=feature.name)


def test_pandas_computes_what_we_compute(panel, ours):
    from tests.bench.rivals.pandas_groupby import twenty

    table = twenty(long_table(panel).to_pandas())

    assert list(table) == NAMES
    assert_the_same(table, panel, ours)


def test_polars_computes_what_we_compute(panel, ours):
    polars = pytest.importorskip("polars")
    from tests.bench.rivals.polars_over import twenty

    table = twenty(polars.from_arrow(long_table(panel)))

    assert table.columns == NAMES
    assert_the_same(table, panel, ours)


def test_duckdb_computes_what_we_compute(panel, ours):
    pytest.importorskip("duckdb")
    from tests.bench.rivals.duckdb_windows import connected, twenty

    table = twenty(connected(long_table(panel)))

    assert table.column_names == ["symbol", "session", *NAMES]
    assert_the_same(table, panel, ours, keys=table)


def test_the_market_is_read_as_it_was_written(panel, tmp_path):
    write(tmp_path / "market", panel)

    read = read_panel(tmp_path / "market")

    for field in fields(panel):
        np.testing.assert_equal(getattr(read, field.name), getattr(panel, field.name))
    assert read_long(tmp_path / "market").equals(long_table(panel))


def test_the_market_has_late_listings_and_missing_bars(panel):
    missing = np.isnan(panel.close)
    listed = np.argmin(missing, axis=0)

    assert (listed > 0).any()
    assert any(missing[row:, column].any() for column, row in enumerate(listed))


def test_the_market_stores_as_float32_what_it_is(panel):
    np.testing.assert_equal(panel.close.astype(np.float32).astype(np.float64), panel.close)


@pytest.mark.parametrize("name", sorted(SIDES.keys() - {"last_row_from_lake"}))
def test_every_side_finds_what_it_works_on(name, panel, tmp_path):
    if name in ("polars", "duckdb"):
        pytest.importorskip(name)
    write(tmp_path / "market", panel)

    work = SIDES[name](tmp_path / "market")

    work()
