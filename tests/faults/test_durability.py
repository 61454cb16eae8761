"""Writes survive a power cut, not only a kill: content is synced before the rename, the directory after it."""

from datetime import UTC, datetime
from unittest.mock import patch

import pytest

from tasks.core import atomic
from tasks.core.artifacts import save_frame
from tasks.core.homes.home import Home
from tasks.core.homes.setup import set_up
from tasks.data.lake import commits
from tasks.data.lake.head import Head, read_head, store_superseded, write_head
from tasks.reporting.day.publish import publish_blocked, publish_folder, write_history_row
from tasks.safety.audit import record
from tasks.safety.kill_switch.switch import reset_switch, trip_switch
from tests.builders import FRIDAY, make_run, no_halt
from tests.champions import make_frame, put_into_production
from tests.deliveries import days_of, make_delivery, refresh
from tests.durability import recording
from tests.homes import run_day

NOON = datetime(2024, 6, 14, 16, 0, tzinfo=UTC)


def write_file(home):
    atomic.write_text(home.root / "file.txt", "new")


def write_into_new_folders(home):
    atomic.write_bytes(home.root / "one" / "two" / "file.txt", b"new")


def write_several_files(home):
    atomic.write_files(home.root / "one" / "two", {"a.txt": b"1", "b.txt": b"2"})


def stream_file(home):
    with atomic.replace_file(home.root / "archive.tar") as file:
        file.write(b"a")
        file.write(b"b")


def write_folder(home):
    with atomic.replace_folder(home.root / "new" / "day") as folder:
        (folder / "a.txt").write_text("1")
        (folder / "inside").mkdir()
        (folder / "inside" / "b.txt").write_text("2")


def write_folder_twice(home):
    write_folder(home)
    write_folder(home)


def move_what_is_finished(home):
    (home.root / ".data.0.partial").mkdir()
    (home.root / ".data.0.partial" / "a.txt").write_text("1")
    atomic.put_in_place(home.root / ".data.0.partial", home.root / "data")


def write_heads(home):
    head = write_head(home.lake, Head("simulated"))
    store_superseded(home.lake, head)
    write_head(home.lake, head)


def log(home):
    record(home, event="note", by="Ada", detail="first", at=NOON)
    record(home, event="note", by="Ada", detail="second", at=NOON)


def halt(home):
    set_up(home)
    trip_switch(home, "check_day", "daily loss", NOON)


def resume(home):
    halt(home)
    reset_switch(home, "Ada", "looked into it", NOON)


def promote(home):
    put_into_production(home)
    put_into_production(home, "equal_weight")


def publish(home):
    run = make_run(home.root)
    publish_folder(run, {"trades.csv": b"1", "manifest.json": b"{}"}, no_halt)
    publish_folder(run, {"trades.csv": b"2", "manifest.json": b"{}"}, no_halt)
    publish_blocked(run, {"monitoring_log.json": b"{}"})
    write_history_row(run, {"date": str(FRIDAY), "equity": "1"})


def hand_on_a_frame(home):
    save_frame(make_run(home.root), "scores", make_frame())


WRITES = [
    write_file,
    write_into_new_folders,
    write_several_files,
    stream_file,
    write_folder,
    write_folder_twice,
    move_what_is_finished,
    write_heads,
    log,
    halt,
    resume,
    promote,
    publish,
    hand_on_a_frame,
]


@pytest.mark.parametrize("write", WRITES)
def test_what_is_written_survives_a_power_cut(tmp_path, write):
    home = Home(tmp_path)

    with recording(tmp_path) as record:
        write(home)

    assert record.faults == []
    assert record.synced


def test_a_day_survives_a_power_cut_as_a_whole(trained_home):
    with recording(trained_home) as record:
        run_day(trained_home)

    assert record.faults == []
    assert record.renames > 5


def test_what_the_head_names_is_on_the_disk_before_the_head_is(tmp_path, monkeypatch):
    delivery = make_delivery()

    with recording(tmp_path) as record:
        refresh(monkeypatch, tmp_path, delivery, days_of(delivery)[-1])

    assert record.faults == []
    assert read_head(Home(tmp_path).lake).last_session == days_of(delivery)[-1]


@pytest.mark.parametrize(
    ("left_out", "write", "said"),
    [
        ("sync_folder", write_file, "not synced after the rename"),
        ("sync_folder", write_folder, "not synced after"),
        ("_sync_tree", write_folder, "before it was synced"),
        ("_sync_tree", move_what_is_finished, "before it was synced"),
    ],
)
def test_a_sync_that_is_left_out_is_noticed(tmp_path, left_out, write, said):
    with patch.object(atomic, left_out), recording(tmp_path) as record:
        write(Home(tmp_path))

    assert any(said in fault for fault in record.faults)


def test_a_file_that_is_never_synced_is_noticed(tmp_path):
    with recording(tmp_path) as record, patch("os.fsync"):
        write_file(Home(tmp_path))

    assert any("before it was synced" in fault for fault in record.faults)


def test_tables_that_are_never_synced_are_noticed(tmp_path, monkeypatch):
    delivery = make_delivery()

    with patch.object(commits, "sync_commits"), recording(tmp_path) as record:
        refresh(monkeypatch, tmp_path, delivery, days_of(delivery)[-1])

    assert any("the head names" in fault for fault in record.faults)
