"""Row `t` of the world is what the daily run reads as of session `t`, on a simulated lake that was filled in steps.

What a refresh brings for sessions that the lake already holds (restated bars, late rows) is known from that refresh on.
"""

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

from tasks.backtest.accounting.money import to_cents
from tasks.backtest.regimes import regimes_of
from tasks.backtest.scoring.store import read_world
from tasks.backtest.world import window_at
from tasks.core.errors import DataError
from tasks.core.homes.home import Home
from tasks.core.homes.run import Run
from tasks.core.sessions import session_on, sessions_between
from tasks.data.lake.store import read_tables
from tasks.data.panel.companies import company_index
from tasks.data.panel.reader import read_prices
from tasks.data.schema.records import SnapshotRef
from tasks.data.task import refresh_market
from tasks.portfolio.holdings.events import events_of
from tasks.portfolio.quotes import WINDOW, quotes
from tasks.regime.history import history_table
from tasks.regime.inputs import compute_inputs
from tasks.regime.store import regime_history
from tests.builders import make_settings
from tests.homes import LAST_SESSION

pytestmark = pytest.mark.slice

SETTINGS = make_settings(
    **{
        "data.simulated.symbols": 40,
        "data.simulated.first_session": "2022-06-01",
        "data.simulated.fault_rate": 0.01,
        "data.quality.max_quarantined_frac": 0.5,
        "data.universe.min_history_sessions": 21,
    }
)
DAYS = sessions_between(SETTINGS.data.simulated.first_session, LAST_SESSION)
REFRESHED = range(250, 266)  # a bar is restated on the day after
COMPARED = [60, 249, 250, 251, 256, 257, 258]


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> SnapshotRef:
    home = Home(tmp_path_factory.mktemp("world"))
    for row in REFRESHED:
        session = session_on(DAYS[row].item())
        assert session.closes_at is not None
        with suppress(DataError):  # a session that is not delivered comes with the next one
            market = refresh_market(Run(home, session, session.closes_at, SETTINGS))
    return market.snapshot


@pytest.fixture(scope="module")
def world(snapshot):
    return read_world(snapshot, dividend_pay_sessions=15)


@pytest.mark.parametrize("row", COMPARED)
def test_a_row_of_the_world_is_what_the_daily_run_knows_on_that_session(row, snapshot, world):
    day = DAYS[row].item()
    panel = read_prices(SnapshotRef("", snapshot.lake, day, snapshot.versions, snapshot.rules), window=WINDOW)
    tables = read_tables(snapshot.lake, snapshot.versions, ("actions", "lives", "renames"), session=day)
    companies = company_index(tables["lives"], tables["renames"])
    ids = companies.ids[np.searchsorted(companies.names, panel.symbols)]
    columns = np.searchsorted(world.company, ids)

    assert world.row(DAYS[row]) == row
    assert world.company[columns].tolist() == ids.tolist()
    np.testing.assert_array_equal(world.is_member[row, columns], panel.is_member[-1])
    np.testing.assert_array_equal(world.risk_free[row], panel.risk_free[-1])
    np.testing.assert_array_equal(world.market[row], panel.market[-1])
    for dated, known in ((world.sector, panel.sector), (world.cap_class, panel.cap_class)):
        assert [dated.names[code] for code in dated.codes[row, columns]] == known.tolist()

    window = window_at(world, row, WINDOW)
    np.testing.assert_array_equal(window.raw_close[:, columns], panel.raw_close)
    np.testing.assert_allclose(window.dollar_volume[:, columns], panel.dollar_volume, rtol=1e-15)
    growth = [np.diff(np.log(level), axis=0) for level in (window.close[:, columns], panel.close)]
    np.testing.assert_allclose(*growth, rtol=0, atol=1e-12)

    known = quotes(panel, quarantined=(), splits=events_of(tables["actions"], companies).splits)
    priced = np.isin(panel.symbols, known.index)
    order = known.loc[panel.symbols[priced]]
    expected = to_cents(order["price"].to_numpy(dtype=float))
    np.testing.assert_array_equal(world.price_cents[row, columns[priced]], expected)


@pytest.fixture(scope="module")
def regimes(snapshot, world):
    return regimes_of(snapshot, world, SETTINGS.regime)


@pytest.mark.parametrize("row", [*COMPARED, 264])
def test_the_regime_of_a_session_is_that_of_the_daily_run(row, snapshot, regimes):
    seen = replace(snapshot, session=DAYS[row].item())
    expected = regime_history(seen, SETTINGS.regime).iloc[-1]

    assert regimes.index[row] == expected.name
    assert regimes.iloc[row]["state"] == expected["state"]
    np.testing.assert_allclose(
        regimes.iloc[row].drop("state").to_numpy(dtype=float),
        expected.drop("state").to_numpy(dtype=float),
        rtol=0,
        atol=1e-12,
    )


def test_a_restated_bar_changes_readings_of_the_regime(world, regimes):
    as_first_known = history_table(world, compute_inputs(world), SETTINGS.regime)

    late = world.restated_bars.known_row.min()
    assert np.abs(as_first_known["correlation"] - regimes["correlation"])[late:].max() > 1e-9


def test_the_lake_has_restated_bars_and_names_in_quarantine(world):
    assert len(world.restated_bars.row) > 0
    assert world.is_quarantined.any()
