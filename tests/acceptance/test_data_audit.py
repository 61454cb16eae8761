"""Status and verification of the whole lake."""

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.errors import DataError
from tasks.core.homes.home import Home
from tasks.data.lake.head import read_head
from tasks.data.lake.store import read_table
from tasks.data.upkeep.verify import verify_lake
from tests.deliveries import days_of, make_delivery, refresh, scaled, small_run, typed


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home whose market runs over the turn of a year, with a unit error, a silence and a split."""
    base = scaled(make_delivery(sessions=150, symbols=12), "S04", date(2023, 12, 20), 10.0)
    quiet = (base.bars["symbol"] == "S07") & (base.bars["session"] > pd.Timestamp(2024, 1, 3))
    home = tmp_path_factory.mktemp("filled")
    delivery = replace(base, bars=base.bars[~quiet])
    with pytest.MonkeyPatch.context() as patch:
        refresh(patch, home, delivery, days_of(delivery)[100])
        refresh(patch, home, delivery)
    return home


@pytest.fixture
def home(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(filled, tmp_path / "home"))


def test_an_empty_home_has_nothing_to_verify(tmp_path):
    with pytest.raises(DataError, match="The lake is empty"):
        verify_lake(small_run(tmp_path))


def test_verifying_finds_what_was_found_on_arrival(filled):
    verified = verify_lake(small_run(filled))

    head = read_head(Home(filled).lake)
    assert head is not None
    stored = read_table(Home(filled).lake, head.versions, "findings")
    expected = sorted(zip(stored["symbol"], stored["session"].dt.date, stored["rule"], strict=True))
    assert [(one.symbol, one.session, one.rule) for one in verified.findings] == expected
    assert verified.by_rule == {"no_bar": 1, "unit_error": 1}
    assert (verified.sessions, verified.symbols) == (150, 12)


def tamper(home: Path, table: str, column: str, value: float) -> None:
    """Change the first value of a column on disk, behind the lake's back."""
    path = next((home / "data" / "lake" / table).rglob("*.parquet"))
    rows = pq.read_table(path, partitioning=None)
    values = rows[column].to_pylist()
    changed = pa.array([value, *values[1:]], rows.schema.field(column).type)
    size = path.stat().st_size
    pq.write_table(rows.set_column(rows.column_names.index(column), column, changed), path)
    for log in (home / "data" / "lake" / table / "_delta_log").glob("*.json"):
        log.write_text(log.read_text().replace(f'"size":{size},', f'"size":{path.stat().st_size},'))


@pytest.mark.parametrize(
    ("table", "column"), [("bars", "close"), ("actions", "factor"), ("riskfree", "yield_pct")]
)
def test_a_figure_changed_behind_the_lakes_back_is_found_with_its_session(home, table, column):
    tamper(home, table, column, 41.0)

    with pytest.raises(
        DataError, match="The rows of 1 session differ from what was committed; the first is 202"
    ) as e:
        verify_lake(small_run(home))

    assert e.value.exit_code == 5


def test_too_many_names_in_quarantine_fail_the_verification(tmp_path, monkeypatch):
    delivery = make_delivery(sessions=30, symbols=12)
    for symbol in ("S01", "S02"):
        delivery = scaled(delivery, symbol, days_of(delivery)[-2], 10.0)
    refresh(monkeypatch, tmp_path, delivery)

    assert verify_lake(small_run(tmp_path)).by_rule == {"unit_error": 2}
    with pytest.raises(DataError, match="2 of 12 symbols are in quarantine"):
        verify_lake(small_run(tmp_path, **{"data.quality.max_quarantined_frac": 0.1}))


def test_what_was_refused_on_arrival_is_listed_although_it_is_stored_nowhere_else(tmp_path, monkeypatch):
    delivery = make_delivery(sessions=30, symbols=12)
    day = days_of(delivery)[-3]
    rows = [*delivery.actions.itertuples(index=False), ("S05", pd.Timestamp(day), 0.0, 2.0)]
    actions = typed("actions", pd.DataFrame(rows, columns=["symbol", "session", "dividend", "split"]))
    refresh(monkeypatch, tmp_path, replace(delivery, actions=actions))

    (finding,) = verify_lake(small_run(tmp_path)).findings

    assert (finding.symbol, finding.session, finding.rule) == ("S05", day, "unconfirmed_action")
    assert finding.action == "action not applied"


def test_members_without_prices_are_counted_year_by_year(tmp_path, monkeypatch):
    base = make_delivery(sessions=150, symbols=12)
    rows = [("GONE", date(2023, 1, 2), date(2024, 2, 1)), ("LATE", date(2024, 1, 2), None)]
    others = typed("members", pd.DataFrame(rows, columns=["symbol", "start", "end"]))
    refresh(monkeypatch, tmp_path, replace(base, members=pd.concat([base.members, others])))

    coverage = verify_lake(small_run(tmp_path)).coverage

    assert [(one.session.year, one.members, one.priced) for one in coverage] == [
        (2023, 13, 12),
        (2024, 13, 12),
    ]


def test_a_restated_history_verifies(tmp_path, monkeypatch):
    from tests.deliveries import Served

    base = make_delivery(sessions=40, symbols=12)
    refresh(monkeypatch, tmp_path, base, days_of(base)[-2])

    class Rewriting(Served):
        def fetch(self, *, after, through):
            return replace(super().fetch(after=after, through=through), bars=self.everything.bars)

    refresh(monkeypatch, tmp_path, Rewriting(scaled(base, "S03", days_of(base)[20], 1.01)))

    assert verify_lake(small_run(tmp_path)).by_rule == {"restated": 2}
