"""What can go wrong around a day folder, by the numbers of the fault catalog."""

import csv
import errno
import io
import json
import os
import signal
import sys
from dataclasses import replace

import pytest

from tasks.core import atomic
from tasks.core.errors import SafetyError, StorageError, TransientError
from tasks.core.homes.home import Home
from tasks.core.homes.lock import exclusive
from tasks.reporting.day.files import trades_csv
from tasks.reporting.day.ledger import printed_trades
from tasks.reporting.day.publish import publish_folder, write_history_row
from tasks.reporting.page.rendering import render_day
from tasks.reporting.task import refuse_decided_day
from tests.builders import make_run, no_halt
from tests.unit.reporting.example_day import HOSTILE_SCRIPT, make_inputs
from tests.unit.reporting.published import files_of, publish, stand_in_panel
from tests.unit.reporting.reading import Report, figure

OLD = {"trades.csv": b"old", "manifest.json": b"{}"}
NEW = {"trades.csv": b"new", "report.html": b"<p>", "manifest.json": b'{"new": 1}'}
ROW = {"date": "2024-06-14", "equity": "1.00"}


@pytest.fixture(scope="module")
def evening(tmp_path_factory):
    home = tmp_path_factory.mktemp("evening")
    with pytest.MonkeyPatch.context() as patch:
        stand_in_panel(patch)
        return publish(home).folder


@pytest.fixture(autouse=True)
def panel(monkeypatch):
    stand_in_panel(monkeypatch)


def write(run, files):
    publish_folder(run, files, no_halt)
    write_history_row(run, ROW)


def dies_at(boundary, run):
    """Write the day in a child that is killed at the n-th open, rename or new folder; return whether it died."""
    child = os.fork()
    if child == 0:
        left = boundary

        def reach(event, args):
            nonlocal left
            if event in {"open", "os.rename", "os.mkdir"} and str(args[0]).startswith(str(run.home.root)):
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(reach)
        write(run, NEW)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@pytest.mark.slice
@pytest.mark.parametrize("there_before", [False, True])
def test_fault_050_a_kill_at_any_boundary_leaves_the_old_day_or_the_new_one(tmp_path, there_before):
    boundary = 0
    died = True
    settled = make_run(tmp_path)
    while died:
        boundary += 1
        run = replace(settled, home=Home(tmp_path / str(boundary)))
        folder = run.home.day_folder(run.session)
        if there_before:
            publish_folder(run, OLD, no_halt)

        died = dies_at(boundary, run)

        assert not folder.exists() or files_of(folder) in (OLD, NEW)
        write(run, NEW)
        assert files_of(folder) == NEW
        assert run.home.performance_file.read_bytes().count(b"\n") == 2
    assert boundary > 8


def test_fault_051_a_full_disk_leaves_the_old_day(tmp_path, monkeypatch):
    run = make_run(tmp_path)
    folder = publish_folder(run, OLD, no_halt)

    def full(*_args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(StorageError, match="No space left"):
        publish_folder(run, NEW, no_halt)

    assert files_of(folder) == OLD
    assert [path.name for path in run.home.live.iterdir()] == ["2024-06-14"]


def test_fault_052_a_failing_fsync_leaves_the_old_day(tmp_path, monkeypatch):
    run = make_run(tmp_path)
    folder = publish_folder(run, OLD, no_halt)

    def broken(_descriptor):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(atomic.os, "fsync", broken)
    with pytest.raises(StorageError):
        publish_folder(run, NEW, no_halt)

    assert files_of(folder) == OLD


def test_fault_053_a_live_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    run = make_run(tmp_path)

    def read_only(*_args, **_kwargs):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("pathlib.Path.mkdir", read_only)
    with pytest.raises(StorageError, match="Read-only file system"):
        publish_folder(run, NEW, no_halt)

    assert not run.home.live.exists()


def test_fault_053_a_file_where_live_should_be_is_named(tmp_path):
    run = make_run(tmp_path)
    run.home.live.write_text("not a folder")

    with pytest.raises(StorageError):
        publish_folder(run, NEW, no_halt)


def test_fault_054_what_a_dead_run_left_is_neither_read_nor_in_the_way(tmp_path):
    run = make_run(tmp_path)
    leftover = run.home.live / ".2024-06-13.0123.partial"
    leftover.mkdir(parents=True)
    (leftover / "manifest.json").write_text("{}")

    day = publish(tmp_path, empty=True)

    assert "first published session" in day.report.read_text()


def test_fault_056_of_two_runs_one_wins_and_the_other_says_so(tmp_path):
    run = make_run(tmp_path)

    with (
        exclusive(run.home.lock_file, doing="daily"),
        pytest.raises(TransientError, match="in use by process"),
        exclusive(run.home.lock_file, doing="daily"),
    ):
        publish_folder(run, NEW, no_halt)

    assert not run.home.live.exists()


def test_fault_057_a_symlink_in_place_of_the_day_is_refused_and_its_target_untouched(tmp_path):
    run = make_run(tmp_path / "home")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("1")
    run.home.live.mkdir(parents=True)
    run.home.day_folder(run.session).symlink_to(elsewhere)

    with pytest.raises(StorageError, match="symbolic link"):
        refuse_decided_day(run)
    with pytest.raises(StorageError, match="symbolic link"):
        publish(tmp_path / "home")

    assert files_of(elsewhere) == {"precious": b"1"}
    assert not run.home.performance_file.exists()


def test_fault_057_a_symlink_in_place_of_an_earlier_day_is_not_read(tmp_path):
    run = make_run(tmp_path / "home")
    elsewhere = tmp_path / "2024-06-13"
    elsewhere.mkdir()
    (elsewhere / "manifest.json").write_text("{}")
    run.home.live.mkdir(parents=True)
    (run.home.live / "2024-06-13").symlink_to(elsewhere)

    assert "first published session" in publish(tmp_path / "home", empty=True).report.read_text()


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
@pytest.mark.parametrize("column", ["symbol", "reason", "liquidity_warning", "algorithm"])
def test_fault_097_no_cell_of_the_trades_is_a_formula_and_numbers_stay_numbers(start, column):
    trades = make_inputs().frames.trades.assign(**{column: start})

    rows = list(csv.DictReader(io.StringIO(trades_csv(printed_trades(trades)).decode(), newline="")))

    assert all(row[column].startswith("'") for row in rows)
    assert float(rows[0]["weight_change"]) < 0  # a negative number is not a formula


def test_fault_098_a_script_or_a_direction_override_in_a_name_is_inert_everywhere(tmp_path):
    inputs = make_inputs(tmp_path)
    hostile = f"{HOSTILE_SCRIPT}\u202e"
    names = dict.fromkeys(inputs.backdrop.names, hostile)
    weights = inputs.frames.weights.assign(sector=hostile, note=hostile)
    trades = inputs.frames.trades.assign(reason=hostile, liquidity_warning=hostile)
    hurt = replace(
        inputs,
        backdrop=replace(inputs.backdrop, names=names),
        frames=replace(inputs.frames, weights=weights, trades=trades),
    )

    files = render_day(hurt, positions_sha256=None).files

    page = Report(files["report.html"])
    assert "script" not in {tag for tag, _ in page.tags}
    assert HOSTILE_SCRIPT in page.text
    for name, content in files.items():
        assert "\u202e" not in content.decode(), name
    assert files["monitoring_log.json"].isascii()


def test_fault_101_every_figure_of_the_page_is_the_figure_of_the_file(evening):
    folder = evening
    page = Report((folder / "report.html").read_bytes())
    with (folder / "trades.csv").open(newline="") as file:
        trades = list(csv.DictReader(file))
    with (folder / "portfolio_weights.csv").open(newline="") as file:
        weights = list(csv.DictReader(file))

    for shown, line in zip(page.rows["trades"][1:-1], trades, strict=True):
        assert shown[0].split()[0] == line["symbol"]
        assert [figure(cell) for cell in shown[2:5]] == [
            float(line["shares"]),
            float(line["price"]),
            float(line["notional"]),
        ]
    total = page.rows["trades"][-1]
    assert figure(total[4]) == pytest.approx(sum(float(line["notional"]) for line in trades), abs=0.005)
    for shown, line in zip(page.rows["book"][1:], weights, strict=True):
        assert shown[0].split()[0] == line["symbol"]
        assert figure(shown[2]) == pytest.approx(float(line["current_weight"]), abs=0.0000501)
        assert figure(shown[5]) == pytest.approx(float(line["weight"]), abs=0.0000501)


def test_fault_101_a_record_that_disagrees_with_its_lines_is_not_published(tmp_path, monkeypatch):
    from tests.unit.reporting import published

    def lying(inputs):
        records = stored(inputs)
        return replace(records, trades=replace(records.trades, buy_notional_usd=1.0))

    stored = published.stored
    monkeypatch.setattr(published, "stored", lying)

    with pytest.raises(SafetyError, match="would not agree with the ledger"):
        publish(tmp_path)

    assert [path.name for path in (tmp_path / "live").iterdir()] == ["kill_switch.json"]


def test_fault_101_the_history_row_is_what_the_page_shows(evening):
    with (evening.parent / "performance_history.csv").open(newline="") as file:
        row = list(csv.DictReader(file))[-1]
    text = Report((evening / "report.html").read_bytes()).text

    assert f"${float(row['equity']):,.0f}" in text
    assert f"${float(row['cost']):,.2f}" in text
    assert json.loads((evening / "signals.json").read_bytes())["regime"]["state"] == row["regime"]
