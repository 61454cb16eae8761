"""The lake: incremental, idempotent, independent of how it was filled and of what arrived later, safe in a crash."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.core.sessions import sessions_between
from tasks.data.gates.conform import conform
from tasks.data.intake import update
from tasks.data.intake.admit import admit
from tasks.data.lake import commits
from tasks.data.lake.commits import commit
from tasks.data.lake.head import Head, read_head
from tasks.data.lake.store import make_snapshot, read_table
from tasks.data.panel.reader import keep_prices, read_panel, read_prices
from tasks.data.providers.base import Delivery
from tasks.data.schema.batch import Batch
from tasks.data.schema.records import Market, Panel, PanelRules, SnapshotRef
from tests.builders import FRIDAY, make_settings
from tests.deliveries import Served, cut, days_of, make_delivery, refresh, scaled, typed

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)

ANY_SESSION = {
    f"data.quality.session.{name}": value
    for name, value in {
        "max_moved_frac_strict": 1.0,
        "max_median_gap_frac": 1e9,
        "max_median_move_frac": 1e9,
    }.items()
}  # a market may do what it likes: what is asked here is who sees it

LENIENT = settings(
    max_examples=3,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def assert_same_panel(one: Panel, other: Panel) -> None:
    for name, value in asdict(one).items():
        expected = getattr(other, name)
        if isinstance(value, dict):
            assert value.keys() == expected.keys()
            for figure in value:
                np.testing.assert_array_equal(value[figure], expected[figure], err_msg=figure)
        else:
            np.testing.assert_array_equal(value, expected, err_msg=name)


def content_of(lake: Path) -> dict[str, bytes]:
    return {str(p.relative_to(lake)): p.read_bytes() for p in sorted(lake.rglob("*")) if p.is_file()}


def test_a_second_refresh_asks_for_nothing_and_writes_nothing(tmp_path, monkeypatch):
    provider = Served(make_delivery())
    first = refresh(monkeypatch, tmp_path, provider)
    before = content_of(tmp_path)

    second = refresh(monkeypatch, tmp_path, provider)

    assert second == first
    assert len(provider.asked) == 1
    assert content_of(tmp_path) == before


def test_a_refresh_asks_only_for_sessions_after_the_last_one(tmp_path, monkeypatch):
    provider = Served(make_delivery())
    *_, day_before, last = days_of(provider.everything)

    refresh(monkeypatch, tmp_path, provider, day_before)
    market = refresh(monkeypatch, tmp_path, provider, last)

    assert provider.asked == [(None, day_before), (day_before, last)]
    assert market.new_bars == 6


def filled(factory: pytest.TempPathFactory, delivery: Delivery, **overrides: Any) -> tuple[Path, Market]:
    """Return a home whose lake was filled at once, and its market: made once for all examples, and only read."""
    home = factory.mktemp("filled")
    with pytest.MonkeyPatch.context() as patch:
        return home, refresh(patch, home, delivery, **overrides)


WITH_AN_ERROR = scaled(make_delivery(), "S03", days_of(make_delivery())[45], 10.0)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Market:
    return filled(tmp_path_factory, WITH_AN_ERROR)[1]


@pytest.mark.slice
@LENIENT
@given(cuts=st.sets(st.integers(10, 58), max_size=2))
def test_the_snapshot_and_the_panel_do_not_depend_on_how_the_lake_was_filled(
    cuts, whole, tmp_path_factory, monkeypatch
):
    delivery = WITH_AN_ERROR
    days = days_of(delivery)

    home = tmp_path_factory.mktemp("parts")
    for position in sorted(cuts):
        refresh(monkeypatch, home, delivery, days[position])
    parts = refresh(monkeypatch, home, delivery)

    assert parts.snapshot.id == whole.snapshot.id
    assert parts.findings == whole.findings
    assert_same_panel(read_panel(parts.snapshot, window=None), read_panel(whole.snapshot, window=None))


def spoiled(delivery: Delivery, after: date) -> Delivery:
    """Return the delivery with every later row turned into noise."""
    rng = np.random.default_rng(1)
    late = delivery.bars["session"] > pd.Timestamp(after)
    bars = delivery.bars.copy()
    bars.loc[late, ["open", "high", "low", "close"]] = np.tile(rng.uniform(5, 90, (late.sum(), 1)), 4)
    levels = delivery.levels.copy()
    levels.loc[levels["session"] > pd.Timestamp(after), ["close", "adj_close"]] *= 1.7
    early = delivery.actions["session"] <= pd.Timestamp(after)
    return replace(delivery, bars=bars, levels=levels, actions=delivery.actions[early])


@pytest.fixture(scope="module")
def longer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filled(tmp_path_factory, make_delivery())[0]


@pytest.mark.slice
@LENIENT
@given(position=st.integers(12, 57))
def test_nothing_seen_as_of_a_session_depends_on_later_rows(position, longer, tmp_path_factory, monkeypatch):
    delivery = make_delivery()
    day = days_of(delivery)[position]
    ended = refresh(monkeypatch, tmp_path_factory.mktemp("ended"), delivery, day)
    loose = {"data.quality.max_quarantined_frac": 1.0, **ANY_SESSION}
    noisy, _ = filled(tmp_path_factory, spoiled(delivery, day), **loose)

    for home in (longer, noisy):
        seen = refresh(monkeypatch, home, delivery, day)

        assert seen.snapshot.id == ended.snapshot.id
        assert replace(seen, snapshot=ended.snapshot) == ended
        assert_same_panel(read_panel(seen.snapshot, window=None), read_panel(ended.snapshot, window=None))


def rows_of(panel: Panel, rows: slice, columns: np.ndarray) -> dict[str, np.ndarray]:
    return {
        name: value[rows][:, columns] if value.ndim == 2 else value[rows]
        for name, value in asdict(panel).items()
        if name not in {"symbols", "company", "sector", "cap_class", "name", "fundamentals"}
    } | {name: matrix[rows][:, columns] for name, matrix in panel.fundamentals.items()}


@pytest.fixture(scope="module")
def with_a_silent_name(tmp_path_factory: pytest.TempPathFactory) -> SnapshotRef:
    """Return a market in which one name stops trading early and a bar of another is quarantined."""
    base = make_delivery()
    silent = (base.bars["symbol"] == "S04") & (base.bars["session"] > base.bars["session"].iloc[100])
    delivery = replace(base, bars=base.bars[~silent].reset_index(drop=True))
    return filled(tmp_path_factory, scaled(delivery, "S02", days_of(delivery)[-12], 1.5))[1].snapshot


@LENIENT
@given(window=st.integers(1, 70))
def test_a_window_equals_the_whole_panel_on_its_rows_bit_for_bit(window, with_a_silent_name):
    whole = read_panel(with_a_silent_name, window=None)

    part = read_panel(with_a_silent_name, window=window)

    columns = np.flatnonzero(np.isin(whole.symbols, part.symbols))
    assert part.symbols.tolist() == whole.symbols[columns].tolist()
    expected = rows_of(whole, slice(-len(part.sessions), None), columns)
    for name, value in rows_of(part, slice(None), np.arange(len(part.symbols))).items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)


THIRTY = make_delivery(sessions=30)


@pytest.fixture(scope="module")
def thirty(tmp_path_factory: pytest.TempPathFactory) -> Market:
    return filled(tmp_path_factory, THIRTY)[1]


def test_prices_of_a_snapshot_are_not_those_of_another(thirty, tmp_path, monkeypatch):
    other = refresh(monkeypatch, tmp_path, make_delivery(symbols=3)).snapshot

    keep_prices(thirty.snapshot, window=5)

    widths = [read_prices(snapshot, window=5).close.shape[1] for snapshot in (thirty.snapshot, other)]

    assert widths == [6, 3]


@pytest.mark.parametrize("window", [5, 30])
def test_prices_that_several_stages_share_cannot_be_changed(with_a_silent_name, window):
    """The shorter window is a copy, without the silent name; the longer one a view."""
    keep_prices(with_a_silent_name, window=60)

    panel = read_prices(with_a_silent_name, window=window)

    with pytest.raises(ValueError, match="read-only"):
        panel.close[0, 0] = 1.0


class CrashError(Exception):
    pass


@contextmanager
def dying_at(boundary: str, nth: int, *, after: bool) -> Iterator[None]:
    """Let the nth call of a function of the store be the last thing that happens, before or after it does its work."""
    real, calls = getattr(commits, boundary), 0

    def dying(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == nth and not after:
            raise CrashError
        result = real(*args, **kwargs)
        if calls == nth:
            raise CrashError
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(commits, boundary, dying)
        yield


def commit_day(lake: Path, delivery: Delivery, day: date) -> None:
    """Admit and commit the new data of the day like the stage, without the readiness checks."""
    head = read_head(lake)
    after = head.last_session if head else None
    if after is not None and after >= day:
        return
    batch = admitted(lake, head, delivery, day)
    commit(lake, head, batch, provider="served", through=day, at=NOON)


def admitted(lake: Path, head: Head | None, delivery: Delivery, day: date) -> Batch:
    after = head.last_session if head else None
    tables = conform(cut(delivery, after=after, through=day), through=day, provider="served")
    days = sessions_between(date(2020, 1, 2), day)
    known = update._known(lake, head, tables, days, whole=False)
    return admit(tables, known, through=day, trading_days=days, limits=make_settings().data.quality)


def id_of(lake: Path, day: date) -> str:
    head = read_head(lake)
    assert head is not None
    rules = PanelRules("SPY", "^VIX", 5.0, 1e6, 5, 5)
    return make_snapshot(lake, head, day, rules).id


EVERY = make_delivery(sessions=20)
FEW = Delivery(bars=EVERY.bars, actions=EVERY.actions, levels=EVERY.levels)
QUICK = [
    (False, "_append", True),
    (False, "sync_commits", False),
    (False, "write_head", False),
    (False, "write_head", True),
    (True, "write_head", False),
]  # the others, and all tables, are proofs: they kill between the same writes
BOUNDARIES = [
    *(pytest.param(*death, FEW, id="-".join(map(str, death))) for death in QUICK),
    *(
        pytest.param(is_first, boundary, after, EVERY, marks=pytest.mark.prove)
        for is_first in (False, True)
        for boundary in ("_append", "sync_commits", "_compact", "write_head")
        for after in (False, True)
    ),
]


@pytest.mark.slice
@pytest.mark.parametrize(("is_first", "boundary", "after", "delivery"), BOUNDARIES)
def test_fault_050_a_refresh_killed_at_any_write_and_run_again_equals_an_undisturbed_one(
    is_first, boundary, after, delivery, tmp_path
):
    *_, day_before, last = days_of(delivery)
    start = tmp_path / "start"
    commit_day(tmp_path / "whole", delivery, last)
    undisturbed = id_of(tmp_path / "whole", last)
    if not is_first:
        commit_day(start, delivery, day_before)

    begun = read_head(start)
    batch = admitted(start, begun, delivery, last)  # the same each time, and most of the time of a refresh
    for nth in range(1, 20):
        lake = tmp_path / f"lake{nth}"
        if start.exists():
            shutil.copytree(start, lake)
        with dying_at(boundary, nth, after=after):
            try:
                commit(lake, begun, batch, provider="served", through=last, at=NOON)
            except CrashError:
                pass
            else:
                break

        commit_day(lake, delivery, last)

        assert id_of(lake, last) == undisturbed
        head = read_head(lake)
        assert head is not None
        assert head.rows["bars"] == len(read_table(lake, head.versions, "bars")) == len(delivery.bars)
    assert nth > 1


CHILD = """
import sys
from datetime import UTC, date, datetime
from pathlib import Path
import pytest
from tests.deliveries import make_delivery, refresh
with pytest.MonkeyPatch.context() as patch:
    print("go", flush=True)
    refresh(patch, Path(sys.argv[1]), make_delivery(sessions=30), date.fromisoformat(sys.argv[2]))
"""


@pytest.mark.parametrize(
    "delay", [0.15, pytest.param(0.02, marks=pytest.mark.prove), pytest.param(0.4, marks=pytest.mark.prove)]
)
def test_fault_050_a_refresh_ended_by_sigkill_and_run_again_equals_an_undisturbed_one(
    delay, thirty, tmp_path, monkeypatch
):
    home = tmp_path / "b"
    refresh(monkeypatch, home, THIRTY, days_of(THIRTY)[-2])

    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(home), str(FRIDAY)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    child.stdout.readline()
    time.sleep(delay)
    child.kill()
    child.wait()
    child.stdout.close()

    again = refresh(monkeypatch, home, THIRTY)
    assert again.snapshot.id == thirty.snapshot.id
    assert_same_panel(read_panel(again.snapshot, window=None), read_panel(thirty.snapshot, window=None))


def test_small_files_are_put_together_and_nothing_changes(thirty, tmp_path, monkeypatch):
    monkeypatch.setattr(commits, "MAX_FILES", 2)

    markets: list[Market] = [refresh(monkeypatch, tmp_path, THIRTY, day) for day in days_of(THIRTY)[-4:]]

    files = list((tmp_path / "data" / "lake" / "bars" / "year=2024").glob("*.parquet"))
    assert len(files) > 4  # compaction happened, and the earlier files still serve earlier snapshots
    assert markets[-1].snapshot.id == thirty.snapshot.id
    for market in markets:
        assert read_panel(market.snapshot, window=None).sessions[-1] == np.datetime64(market.snapshot.session)


def test_a_pinned_snapshot_reads_the_same_after_later_refreshes(tmp_path, monkeypatch):
    provider = Served(make_delivery())
    *_, day_before, last = days_of(provider.everything)
    pinned = refresh(monkeypatch, tmp_path, provider, day_before)
    before = read_panel(pinned.snapshot, window=None)

    provider.everything = scaled(provider.everything, "S05", days_of(provider.everything)[20], 1.01)
    refresh(monkeypatch, tmp_path, provider, last)

    assert_same_panel(read_panel(pinned.snapshot, window=None), before)


def test_a_folder_with_a_space_and_a_hash_in_its_name_holds_a_lake(tmp_path, monkeypatch):
    market = refresh(monkeypatch, tmp_path / "my home #1 100%", make_delivery(sessions=30))

    assert read_panel(market.snapshot, window=5).close.shape == (5, 6)


def test_membership_news_of_an_ended_spell_changes_nothing_before_its_last_day(tmp_path, monkeypatch):
    base = make_delivery(sessions=40)
    days = days_of(base)
    spells = [("S00", days[0], days[30]), ("S00", days[35], None), ("S01", days[0], None)]
    delivery = replace(
        base, members=typed("members", pd.DataFrame(spells, columns=["symbol", "start", "end"]))
    )

    whole = refresh(monkeypatch, tmp_path / "a", delivery)
    for position in (29, 32):
        early = refresh(monkeypatch, tmp_path / "b", delivery, days[position])
        late = refresh(monkeypatch, tmp_path / "a", delivery, days[position])
        assert early.snapshot.id == late.snapshot.id
    member = read_panel(whole.snapshot, window=None).is_member

    assert member[25:36, 0].tolist() == [True] * 5 + [False] * 5 + [True]
    assert not member[:, 2:].any()


def test_cut_delivers_no_row_of_the_future():
    delivery = make_delivery(sessions=20)
    day = days_of(delivery)[10]

    part = cut(delivery, after=None, through=day)

    assert part.bars["session"].max() == pd.Timestamp(day)
