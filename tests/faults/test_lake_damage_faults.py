"""A lake of which a file is gone or is another: nothing is read from it, and every way to look says so (fault 12).

Issue 10, line 8: `doctor` was green without any bars, and random bytes in the last prices went through the day.
"""

import json
import random
import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.cli.app import answer
from tasks.core.errors import DataError
from tasks.data.lake.head import read_head
from tasks.data.upkeep.verify import verify_lake
from tests.builders import FRIDAY
from tests.deliveries import Served, make_delivery, refresh, small_run

DELIVERY = make_delivery(sessions=20)


class Simulated(Served):
    """Goes by the name that the default settings ask for."""

    name = "simulated"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("sound")
    with pytest.MonkeyPatch.context() as patch:
        for day in DELIVERY.bars["session"].drop_duplicates().dt.date.iloc[-3:]:
            refresh(patch, home, Simulated(DELIVERY), day)
    return home


@pytest.fixture
def home(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "home"))


def committed_files(home: Path) -> list[Path]:
    """Return every file that the committed versions are read from."""
    head = read_head(home / "data" / "lake")
    assert head is not None
    return [home / "data" / "lake" / table / name for table, names in head.files.items() for name in names]


def flip(file: Path, position: float) -> None:
    """Change one byte."""
    content = bytearray(file.read_bytes())
    content[int(position * (len(content) - 1))] ^= 0xFF
    file.write_bytes(content)


def doctor(home: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    answer(["doctor", "--json", "--home", str(home)])
    checks = json.loads(capsys.readouterr().out)["checks"]
    return next(check for check in checks if check["check"] == "lake")


def assert_refused(home: Path, patch: pytest.MonkeyPatch, reported: str) -> None:
    with pytest.raises(DataError, match=reported) as caught:
        refresh(patch, home, Simulated(DELIVERY))

    assert caught.value.exit_code == 5
    assert "data restore" in str(caught.value.remedy)


@pytest.mark.parametrize("days", [-1, 1])
def test_a_head_that_was_edited_to_end_on_another_session_is_refused(home, monkeypatch, days):
    path = home / "data" / "lake" / "head.json"
    head = json.loads(path.read_text())
    last = date.fromisoformat(head["last_session"])
    path.write_text(json.dumps({**head, "last_session": str(last + timedelta(days=days))}))

    assert_refused(home, monkeypatch, rf"but the tables end on {last}")


def test_every_file_that_a_version_is_read_from_is_known_by_its_digest(sound):
    lake = sound / "data" / "lake"
    on_disk = {path for path in lake.rglob("*") if path.is_file() and path.name != "head.json"}

    assert set(committed_files(sound)) == on_disk


@settings(max_examples=40)
@given(which=st.floats(0, 1), position=st.floats(0, 1))
def test_a_flipped_byte_anywhere_in_a_file_stops_the_day(sound, which, position):
    files = committed_files(sound)
    file = files[int(which * (len(files) - 1))]
    content = file.read_bytes()
    flip(file, position)
    try:
        with pytest.MonkeyPatch.context() as patch:
            assert_refused(sound, patch, rf"{file.name} differs from what was committed")
    finally:
        file.write_bytes(content)


@pytest.mark.parametrize("table", ["bars", "actions", "levels", "sessions", "members"])
def test_a_table_that_is_gone_or_emptied_stops_the_day_and_the_doctor(table, home, monkeypatch, capsys):
    shutil.rmtree(home / "data" / "lake" / table)

    check = doctor(home, capsys)

    assert (check["verdict"], check["exit_code"]) == ("fail", 5)
    assert f"Table {table}" in check["message"]
    assert "data restore" in check["remedy"]
    assert_refused(home, monkeypatch, f"Table {table} .* is missing")


def test_fifty_random_bytes_in_the_last_lows_stop_the_day_the_doctor_and_the_verification(
    home, monkeypatch, capsys
):
    import pyarrow.parquet as pq

    bars = [path for path in committed_files(home) if path.parent.name.startswith("year=")]
    last = max(bars, key=lambda path: path.stat().st_mtime_ns)
    chunk = pq.ParquetFile(last).metadata.row_group(0).column(4)
    content = bytearray(last.read_bytes())
    begin = chunk.data_page_offset + 20
    content[begin : begin + 50] = random.Random(0).randbytes(50)
    last.write_bytes(content)

    assert doctor(home, capsys)["verdict"] == "fail"
    assert_refused(home, monkeypatch, f"{last.name} differs from what was committed")
    with pytest.raises(DataError, match=r"that were committed|is damaged"):
        verify_lake(small_run(home))


def test_a_table_file_replaced_by_an_older_one_is_noticed(home, monkeypatch):
    first, second = sorted(path for path in committed_files(home) if path.parent.name.startswith("year="))[:2]
    shutil.copy(first, second)

    assert_refused(home, monkeypatch, "differs from what was committed")


def test_damage_is_not_sealed_by_the_next_commit(home, monkeypatch):
    before = read_head(home / "data" / "lake")
    refresh(monkeypatch, home, Simulated(DELIVERY))
    after = read_head(home / "data" / "lake")

    assert before is not None
    assert after is not None
    for table, seals in before.files.items():
        data = {name: seal for name, seal in seals.items() if not name.startswith("_delta_log")}
        assert data.items() <= after.files[table].items()


def test_an_intact_lake_is_read_and_reported_healthy(home, monkeypatch, capsys):
    assert refresh(monkeypatch, home, Simulated(DELIVERY)).snapshot.session == FRIDAY
    assert doctor(home, capsys)["verdict"] != "fail"
