"""A backup or a restore is killed, or loses its disk, at every write: old, new or halted, and a rerun comes through."""

import shutil
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from tasks.core.homes.home import Home
from tasks.data.upkeep.backup import back_up, restore
from tests.faults.crash_points import actor, live_through
from tests.homes import SESSION_BEFORE, blank, tree_bytes

AT = datetime(2024, 6, 14, 21, 5, tzinfo=UTC)
DAY = f"live/{SESSION_BEFORE}/trades.csv"
OLD, NEW = ({DAY: text, "production/model.txt": text, "config.yaml": "seed: 1\n"} for text in ("old", "new"))

LOCKS = ("data/home.lock", "data/portfolio.lock")


def make_book(root: Path, files: dict[str, str]) -> Path:
    blank(root)
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def book(root: Path) -> dict[str, bytes]:
    return {name: content for name, content in tree_bytes(root).items() if name not in LOCKS}


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_book(tmp_path_factory.mktemp("old") / "home", {**OLD, "reports/gone.csv": "old"})


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("new")
    home = Home(make_book(folder / "home", NEW))
    return back_up(home, folder, lake=home.lake, at=AT).path


@pytest.fixture(scope="module")
def new(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    home = Home(tmp_path_factory.mktemp("restored") / "home")
    restore(home, archive, replace=False)
    return book(home.root)


@pytest.mark.slice
@pytest.mark.parametrize("mode", ["kill", "full", "fsync"])
def test_faults_050_051_052_a_restore_that_ends_early_leaves_old_or_new_or_halts(
    mode, old, archive, new, tmp_path
):
    before = book(old)
    counted = Path(shutil.copytree(old, tmp_path / "counted"))
    run = live_through(counted, partial(again, counted, archive), actor("run", 0))
    seen = set()

    for point in range(1, run["boundaries"] + 1):
        home = Home(Path(shutil.copytree(old, tmp_path / str(point))))
        ended = live_through(home.root, partial(again, home.root, archive), actor(mode, point))["ended"]

        assert ended in {"killed", "StorageError", "done"}
        left = {name: content for name, content in book(home.root).items() if ".partial" not in name}
        halted = home.stop_file.exists()
        assert halted or left in (before, new), f"a mixture that is not halted, after {mode} at {point}"
        seen.add("halted" if halted else "old" if left == before else "new")
        again(home.root, archive)
        assert book(home.root) == new
        shutil.rmtree(home.root)
    assert {"old", "halted"} <= seen


def again(root: Path, archive: Path) -> None:
    restore(Home(root), archive, replace=True)


@pytest.mark.parametrize("mode", ["kill", "full", "fsync"])
def test_faults_050_051_052_a_backup_that_ends_early_leaves_no_archive_that_looks_like_one(
    mode, old, tmp_path
):
    home = Path(shutil.copytree(old, tmp_path / "home"))
    before = book(home)
    work = partial(back_up, Home(home), home / "backups", lake=Home(home).lake, at=AT)
    run = live_through(home, work, actor("run", 0))
    (whole,) = (home / "backups").iterdir()
    content = whole.read_bytes()
    shutil.rmtree(home / "backups")

    for point in range(1, run["boundaries"] + 1):
        live_through(home, work, actor(mode, point))

        assert book(home).items() >= before.items()
        for path in (home / "backups").glob("*.tar"):
            assert path.read_bytes() == content
        shutil.rmtree(home / "backups", ignore_errors=True)
