"""Faults planted in the simulated market are found, and clean bars pass."""

from collections import Counter
from datetime import date
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from tasks.core.errors import DataError
from tasks.core.homes.run import Run
from tasks.core.sessions import FIRST_DAY, sessions_between
from tasks.data.gates.conform import conform
from tasks.data.gates.context_rows import Known
from tasks.data.intake.admit import admit
from tasks.data.lake.head import read_head
from tasks.data.lake.store import read_table
from tasks.data.task import refresh_market
from tasks.simulation.parameters import Parameters
from tasks.simulation.provider import SimulatedProvider
from tasks.simulation.truth import Truth, simulate
from tests.builders import make_run, make_settings

pytestmark = pytest.mark.slice

FIRST, LAST = date(2021, 1, 4), date(2022, 12, 30)
OF_SESSIONS = ("future_dated", "outage", "rescaled", "shifted")
SEEN_BY_ASKING_DAILY = {"restated", *OF_SESSIONS}


def market(seed: int, *, symbols: int = 80, first: date = FIRST, rate: float = 0.001) -> Parameters:
    return Parameters(seed, symbols, first, 0.03, fault_rate=rate)


def check(parameters: Parameters, through: date) -> tuple[Truth, set[tuple[str, date]], int]:
    """Return the truth, the symbols and sessions that the gates name in the whole history, and how many bars came."""
    simulation = simulate(parameters, through)
    tables = conform(simulation.delivery, through=through, provider="simulated")
    days = sessions_between(FIRST_DAY, through)
    batch = admit(tables, Known(), through=through, trading_days=days, limits=make_settings().data.quality)
    findings = batch.rows["findings"]
    named = set(zip(findings["symbol"], findings["session"].dt.date, strict=True))
    return simulation.truth, named, len(tables["bars"])


def measure(parameters: list[Parameters], through: date) -> tuple[Counter[str], Counter[str], int, int]:
    """Return by kind what was planted and what was missed, and how many clean bars were flagged of how many."""
    planted, missed = Counter[str](), Counter[str]()
    flagged = bars = 0
    for one in parameters:
        truth, named, count = check(one, through)
        of_bars = [fault for fault in truth.faults if fault[0] not in SEEN_BY_ASKING_DAILY]
        planted.update(kind for kind, _, _ in of_bars)
        missed.update(kind for kind, symbol, day in of_bars if (symbol, day) not in named)
        flagged += len(named - {(symbol, day) for _, symbol, day in truth.faults})
        bars += count
    return planted, missed, flagged, bars


def assert_found(parameters: list[Parameters], through: date, *, least: int) -> None:
    planted, missed, flagged, bars = measure(parameters, through)

    assert planted.total() >= least
    assert set(planted) == {"missing", "ten_fold", "stale", "duplicate", "split"}
    assert missed.total() <= 0.05 * planted.total(), (planted, missed)
    assert flagged <= 0.001 * bars, (flagged, bars)


def test_planted_faults_are_found_and_clean_bars_are_not_flagged():
    seeds = (4, 2, 6)  # of the first six, 4 and 6 have splits that are not announced
    assert_found([market(seed, rate=0.002) for seed in seeds], LAST, least=150)


@pytest.mark.prove
def test_planted_faults_are_found_on_many_markets():
    many = [market(seed, symbols=400, first=date(2016, 1, 4), rate=0.0005) for seed in range(10, 15)]

    assert_found(many, date(2023, 12, 29), least=1500)


def run_of(home: Path, day: date, parameters: Parameters) -> Run:
    settings = {
        name: getattr(parameters, name) for name in ("seed", "symbols", "first_session", "fault_rate")
    }
    return make_run(home, day, **{f"data.simulated.{name}": value for name, value in settings.items()})


def planted_days(parameters: Parameters, kind: str) -> list[tuple[str, date]]:
    return [(symbol, day) for what, symbol, day in planted(parameters) if what == kind]


@cache
def planted(parameters: Parameters) -> tuple[tuple[str, str, date], ...]:
    return simulate(parameters, date(2021, 6, 30)).truth.faults


@pytest.mark.parametrize("kind", OF_SESSIONS)
def test_a_session_that_is_planted_bad_as_a_whole_stops_the_day_and_the_next_one_goes_on(kind, tmp_path):
    parameters = market(3, symbols=40, rate=0.002)
    ((_, day), *_) = planted_days(parameters, kind)
    days = sessions_between(day, date(2021, 12, 31))

    with pytest.raises(DataError):
        refresh_market(run_of(tmp_path, day, parameters))

    assert refresh_market(run_of(tmp_path, days[1].item(), parameters)).new_bars >= 30


def test_a_bar_that_is_planted_to_be_restated_is_named_on_the_next_day(tmp_path):
    parameters = market(3, symbols=40, rate=0.002)
    whole_days = {day for kind in OF_SESSIONS for _, day in planted_days(parameters, kind)}
    restated = [one for one in planted_days(parameters, "restated") if one[1] not in whole_days][:2]

    for symbol, day in restated:
        after = sessions_between(day, date(2021, 12, 31))[1].item()
        refresh_market(run_of(tmp_path, day, parameters))
        market_after = refresh_market(run_of(tmp_path, after, parameters))

        named = [one for one in market_after.findings if one.rule == "restated" and one.symbol == symbol]
        assert len(named) == 1
        assert f"the close of {day}" in named[0].evidence
        assert refresh_market(run_of(tmp_path, day, parameters)).restated_bars == 0


def test_faults_are_found_the_same_in_one_delivery_or_in_parts(tmp_path):
    parameters = market(4, symbols=40, rate=0.002)
    odd = {day for kind in SEEN_BY_ASKING_DAILY for _, day in planted_days(parameters, kind)}
    days = [day for day in sessions_between(date(2021, 2, 1), date(2021, 6, 30)).tolist() if day not in odd]
    stops = [*days[10::23], days[-1]]

    whole = refresh_market(run_of(tmp_path / "whole", stops[-1], parameters))
    for day in stops:
        parts = refresh_market(run_of(tmp_path / "parts", day, parameters))

    assert len(stops) >= 4
    assert parts.snapshot.id == whole.snapshot.id
    assert findings_in(tmp_path / "parts") == findings_in(tmp_path / "whole")


def findings_in(home: Path) -> list[tuple[object, ...]]:
    lake = home / "data" / "lake"
    head = read_head(lake)
    assert head is not None
    table = read_table(lake, head.versions, "findings")
    return sorted(table[["symbol", "session", "rule", "evidence"]].itertuples(index=False, name=None))


def test_without_a_rate_nothing_is_planted():
    assert simulate(market(1, rate=0.0), date(2021, 3, 1)).truth.faults == ()


def test_a_market_with_faults_is_the_same_in_parts_and_as_a_whole():
    provider = SimulatedProvider(market(1))
    whole = provider.fetch(after=None, through=date(2021, 6, 30)).bars
    begun = provider.fetch(after=None, through=date(2021, 3, 31)).bars

    key = ["symbol", "session"]
    settled = whole["session"] < pd.Timestamp(2021, 3, 31)  # the last session may still be restated
    pd.testing.assert_frame_equal(
        whole[settled].sort_values([*key, "close"], ignore_index=True),
        begun[begun["session"] < pd.Timestamp(2021, 3, 31)].sort_values([*key, "close"], ignore_index=True),
    )
