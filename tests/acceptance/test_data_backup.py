"""A book is backed up whole, proves itself, and comes back byte for byte or not at all."""

import hashlib
import io
import json
import shutil
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.core.errors import AftercloseError, ConfigError, DataError, StorageError, TransientError
from tasks.core.homes.home import Home
from tasks.core.homes.lock import exclusive
from tasks.core.homes.setup import set_up
from tasks.data.lake.migrations import SCHEMA_VERSION
from tasks.data.upkeep import backup as backups
from tasks.data.upkeep.backup import INTERRUPTED, Backup, back_up, restore
from tests.deliveries import days_of, make_delivery, refresh
from tests.homes import tree_bytes

AT = datetime(2024, 6, 14, 21, 5, tzinfo=UTC)
LEFT_OUT = (
    "data/approval.lock",
    "data/home.lock",
    "data/portfolio.lock",
    "data/work/",
    "data/features/",
    "data/scores/",
    "data/answers/",
    "data/requests.sqlite",
)
DELIVERY = make_delivery(sessions=20)
DAY_BEFORE, DAY = days_of(DELIVERY)[-2:]


def book(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return the files that a backup is about."""
    return {name: content for name, content in files.items() if not name.startswith(LEFT_OUT)}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with a lake, a day, a champion, settings, and files that a backup omits."""
    root = tmp_path_factory.mktemp("filled") / "home"
    with pytest.MonkeyPatch.context() as patch:
        refresh(patch, root, DELIVERY, DAY_BEFORE)
    home = Home(root)
    with exclusive(home.lock_file, doing="test"):
        set_up(home)
    for name, content in {
        "config.yaml": "seed: 3\n",
        f"live/{DAY_BEFORE}/trades.csv": "symbol,side\n",
        "live/current_positions.csv": "symbol,shares\n",
        "production/champion_metadata.json": "{}",
        "production/versions/0001-ab/model.txt": "tree",
        "reports/blocked/2024-06-12/report.html": "<p>",
        "data/audit_anchor.json": "{}",
        "data/approval.lock": "",
        "data/trial_anchor.json": "{}",
        "data/trials/ledger.csv": "event\n",
        "data/trials/2024-06-07/ab.csv": "session,return\n",
        "data/work/2024-06-13/scores.parquet": "work",
        "data/features/a.npy": "features",
        "data/scores/a/scores.npy": "scores",
        "data/answers/alpaca.json": "answers",
        "data/requests.sqlite": "counts",
        "data/requests.sqlite-wal": "counts",
        "live/.2024-06-14.ab.partial/trades.csv": "half",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (root / "data" / "audit_anchor.json").chmod(0o600)
    return root


@pytest.fixture(scope="module")
def backup(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Backup:
    return back_up(Home(filled), tmp_path_factory.mktemp("backups"), lake=Home(filled).lake, at=AT)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "new home")


def members(archive: Path) -> list[tuple[tarfile.TarInfo, bytes]]:
    with tarfile.open(archive) as tar:
        found = []
        for member in tar:
            file = tar.extractfile(member)
            found.append((member, file.read() if file else b""))
        return found


def write(path: Path, content: list[tuple[tarfile.TarInfo, bytes]]) -> Path:
    with tarfile.open(path, "w") as tar:
        for member, data in content:
            member.size = len(data) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(data))
    return path


def relisted(content: list[tuple[tarfile.TarInfo, bytes]]) -> list[tuple[tarfile.TarInfo, bytes]]:
    """Make the list say exactly what the members are: a forger can do that too."""
    (listing, reported), *files = content
    record = json.loads(reported)
    record["files"] = [
        {
            "path": member.name,
            "size": len(data),
            "mode": 0o644,
            "sha256": hashlib.sha256(data).hexdigest(),
        }
        for member, data in files
    ]
    return [(listing, json.dumps(record).encode()), *files]


def test_a_destroyed_home_comes_back_byte_for_byte(filled, backup, home):
    before = book(tree_bytes(filled))
    assert "live/.2024-06-14.ab.partial/trades.csv" in before
    del before["live/.2024-06-14.ab.partial/trades.csv"]

    restore(home, backup.path, replace=False)

    assert book(tree_bytes(home.root)) == before
    assert {name for name in tree_bytes(home.root) if name.startswith(LEFT_OUT)} == {
        "data/home.lock",
        "data/portfolio.lock",
    }
    assert home.audit_anchor.stat().st_mode & 0o777 == 0o600
    assert not home.stop_file.exists()


def test_a_restored_lake_goes_on_where_it_stood(backup, home, tmp_path, monkeypatch):
    undisturbed = refresh(monkeypatch, tmp_path / "whole", DELIVERY, DAY)

    restore(home, backup.path, replace=False)

    assert refresh(monkeypatch, home.root, DELIVERY, DAY).snapshot.id == undisturbed.snapshot.id


def test_an_archive_is_a_plain_tar_that_lists_what_it_holds_and_only_its_owner_reads_it(backup):
    (first, reported), *files = members(backup.path)

    listing = json.loads(reported)
    assert first.name == "backup.json"
    assert {entry["path"]: entry["sha256"] for entry in listing["files"]} == {
        member.name: hashlib.sha256(data).hexdigest() for member, data in files
    }
    assert listing["last_session"] == str(DAY_BEFORE)
    assert backup.path.name == f"afterclose-{DAY_BEFORE}-20240614T210500Z.tar"
    assert backup.path.stat().st_mode & 0o777 == 0o600


def test_equal_homes_give_equal_archives(filled, backup, tmp_path):
    assert (
        back_up(Home(filled), tmp_path, lake=Home(filled).lake, at=AT).path.read_bytes()
        == backup.path.read_bytes()
    )


def test_nothing_of_the_environment_is_in_an_archive(filled, tmp_path, monkeypatch):
    monkeypatch.setenv("APCA_API_SECRET_KEY", "planted-secret")

    assert (
        b"planted-secret"
        not in back_up(Home(filled), tmp_path, lake=Home(filled).lake, at=AT).path.read_bytes()
    )


def test_a_backup_that_cannot_be_written_leaves_nothing(filled, tmp_path, monkeypatch):
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)

    with pytest.raises(StorageError, match="No space left"):
        back_up(Home(filled), tmp_path, lake=Home(filled).lake, at=AT)

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_read_is_named(filled, tmp_path, monkeypatch):
    def refuse(*_: Any) -> None:
        raise PermissionError(13, "Permission denied", "config.yaml")

    monkeypatch.setattr("hashlib.file_digest", refuse)

    with pytest.raises(StorageError, match=r"config\.yaml could not be read: Permission denied"):
        back_up(Home(filled), tmp_path, lake=Home(filled).lake, at=AT)


@pytest.mark.parametrize("change", [lambda path: path.write_text("tripped"), Path.unlink])
def test_a_file_that_changes_during_the_backup_gives_no_archive(change, filled, tmp_path, monkeypatch):
    root = shutil.copytree(filled, tmp_path / "home")
    list_them = backups.list_files

    def listed(sources):
        entries = list_them(sources)
        change(root / "live" / "kill_switch.json")
        return entries

    monkeypatch.setattr(backups, "list_files", listed)
    with pytest.raises(TransientError, match="changed during the backup"):
        back_up(Home(root), tmp_path / "vault", lake=Home(root).lake, at=AT)
    assert list((tmp_path / "vault").iterdir()) == []


def test_a_folder_that_is_not_a_home_is_not_backed_up(tmp_path):
    with pytest.raises(ConfigError, match="is not a home"):
        back_up(Home(tmp_path), tmp_path, lake=Home(tmp_path).lake, at=AT)

    assert list(tmp_path.iterdir()) == []


def test_fault_057_a_home_with_a_link_in_it_is_not_backed_up(backup, home, tmp_path):
    restore(home, backup.path, replace=False)
    (home.live / "elsewhere").symlink_to(tmp_path)

    with pytest.raises(StorageError, match="elsewhere is a symbolic link"):
        back_up(home, tmp_path / "out", lake=home.lake, at=AT)


def test_a_home_that_holds_a_portfolio_is_not_given_up_unasked(filled, backup):
    before = book(tree_bytes(filled))

    with pytest.raises(ConfigError, match="is not empty") as caught:
        restore(Home(filled), backup.path, replace=False)

    assert "--replace" in caught.value.remedy
    assert book(tree_bytes(filled)) == before


def test_a_checkout_with_nothing_but_its_notes_is_an_empty_home(backup, home):
    home.live.mkdir(parents=True)
    (home.live / "README.md").write_text("One folder per session.\n")

    restore(home, backup.path, replace=False)

    assert home.positions_file.exists()


def test_replacing_gives_up_everything_that_the_archive_does_not_hold(filled, backup, home):
    restore(home, backup.path, replace=False)
    whole = book(tree_bytes(home.root))
    home.config_file.write_text("seed: 4\n")
    for name in ("data/ledger.sqlite", "live/2024-06-17/trades.csv", "data/work/x", "reports/y"):
        (home.root / name).parent.mkdir(exist_ok=True)
        (home.root / name).write_text("later")

    restore(home, backup.path, replace=True)

    assert book(tree_bytes(home.root)) == whole
    assert not home.work.exists()


def change_a_byte(content):
    member, data = content[-1]
    return [*content[:-1], (member, data[:-1] + b"!")]


def leave_one_out(content):
    return content[:-1]


def double_one(content):
    return [*content, content[-1]]


def swap_two(content):
    return [*content[:-2], content[-1], content[-2]]


def as_link(content):
    member, _ = content[-1]
    member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return [*content[:-1], (member, b"")]


def as_hard_link(content):
    member, _ = content[-1]
    member.type, member.linkname = tarfile.LNKTYPE, content[1][0].name
    return [*content[:-1], (member, b"")]


def without_list(content):
    return content[1:]


def of_another_format(content):
    (listing, reported), *files = content
    return [(listing, reported.replace(b'"format_version": 1', b'"format_version": 2')), *files]


def of_a_newer_lake(content):
    return relisted(
        [
            (member, data.replace(b'"schema_version": %d' % SCHEMA_VERSION, b'"schema_version": 99'))
            if member.name == "data/lake/head.json"
            else (member, data)
            for member, data in content
        ]
    )


def without_marker(content):
    return relisted([one for one in content if one[0].name != "data/home.json"])


BAD = [
    (change_a_byte, "differs from what was backed up"),
    (leave_one_out, r"its next member should be '.+', but the archive ends before it\."),
    (double_one, "files that its listing does not name"),
    (swap_two, r"its next member should be '.+', but it is '.+'\."),
    (as_link, "but that is not a regular file"),
    (as_hard_link, "but that is not a regular file"),
    (without_list, r"backup\.json"),
    (of_another_format, "this release cannot read its backup.json"),
    (of_a_newer_lake, "schema version 99"),
    (without_marker, "does not contain a home"),
]


@pytest.mark.parametrize(("harm", "reported"), BAD)
def test_fault_116_an_archive_that_was_changed_is_refused_and_nothing_touched(
    harm, reported, filled, backup, tmp_path
):
    archive = write(tmp_path / "bad.tar", harm(members(backup.path)))
    before = book(tree_bytes(filled))

    with pytest.raises(AftercloseError, match=reported):
        restore(Home(filled), archive, replace=True)

    assert book(tree_bytes(filled)) == before


HOSTILE = [
    "../outside",
    "live/../../outside",
    "/outside",
    "live//x",
    "live/./x",
    "live\\..\\x",
    "live/a\0b",
    "live/\u202ecsv.x",
    "data/home.lock",
    "data/portfolio.lock",
    "data/work/x",
    "data/requests.sqlite",
    "flows/cli/app.py",
    ".venv/bin/python",
    "config.yaml/x",
    "live",
    "",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_fault_116_a_name_that_leaves_its_place_is_refused(name, backup, home):
    home.root.mkdir()
    content = members(backup.path)
    (listing, reported), *_ = content
    record = json.loads(reported)
    record["files"] = [{"path": name, "size": 1, "mode": 0o644, "sha256": hashlib.sha256(b"x").hexdigest()}]
    archive = write(
        home.root.parent / "bad.tar",
        [(listing, json.dumps(record).encode()), (tarfile.TarInfo(name), b"x")],
    )

    with pytest.raises(StorageError, match="does not belong in a home"):
        restore(home, archive, replace=False)

    assert sorted(path.name for path in home.root.parent.iterdir()) == ["bad.tar", home.root.name]
    assert tree_bytes(home.root).keys() == {"data/home.lock", "data/portfolio.lock"}


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_fault_116_no_changed_byte_gets_into_a_home(data, backup, tmp_path_factory):
    content = bytearray(backup.path.read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= data.draw(st.integers(1, 255))
    folder = tmp_path_factory.mktemp("changed")
    (folder / "archive.tar").write_bytes(content)
    home = Home(folder / "home")

    try:
        restore(home, folder / "archive.tar", replace=False)
    except AftercloseError:
        assert tree_bytes(home.root).keys() == {"data/home.lock", "data/portfolio.lock"}
    else:
        restored = {
            name: hashlib.sha256(content).hexdigest() for name, content in book(tree_bytes(home.root)).items()
        }
        assert restored == {entry.path: entry.sha256 for entry in backup.listing.files}


@pytest.mark.parametrize("size", [0, 100, 512, 5_000])
def test_a_truncated_archive_is_refused(size, backup, home, tmp_path):
    archive = tmp_path / "cut.tar"
    archive.write_bytes(backup.path.read_bytes()[:size])

    with pytest.raises(
        StorageError,
        match=r"cannot be restored: it is not an archive of a backup, or it is damaged|the archive ends",
    ):
        restore(home, archive, replace=False)

    assert tree_bytes(home.root).keys() == {"data/home.lock", "data/portfolio.lock"}


def test_a_missing_archive_is_an_error(home, tmp_path):
    with pytest.raises(StorageError, match=r"none\.tar cannot be restored: .*No such file"):
        restore(home, tmp_path / "none.tar", replace=False)


def test_a_home_at_work_is_neither_backed_up_nor_replaced(filled, backup, tmp_path):
    with exclusive(Home(filled).lock_file, doing="daily-live"):
        for work in (
            lambda: back_up(Home(filled), tmp_path, lake=Home(filled).lake, at=AT),
            lambda: restore(Home(filled), backup.path, replace=True),
        ):
            with pytest.raises(AftercloseError, match=r"in use by .*daily-live"):
                work()


def test_a_restore_that_is_cut_off_halts_until_it_is_run_again(backup, home, monkeypatch):
    restore(home, backup.path, replace=False)
    whole = book(tree_bytes(home.root))
    home.config_file.write_text("seed: 4\n")
    real, calls = Path.rename, []

    def dying(path: Path, target: Path) -> Path:
        calls.append(path)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(path, target)

    home.positions_file.unlink()
    (home.live / "README.md").unlink(missing_ok=True)
    for unit in (home.reports, home.production):
        for path in sorted(unit.rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        unit.rmdir()
    monkeypatch.setattr(Path, "rename", dying)
    with pytest.raises(KeyboardInterrupt):
        restore(home, backup.path, replace=True)
    monkeypatch.undo()

    assert home.stop_file.read_text() == INTERRUPTED
    assert list(home.root.glob(".restore*")) == []
    restore(home, backup.path, replace=True)
    assert book(tree_bytes(home.root)) == whole


def test_a_lake_that_cannot_be_read_is_not_backed_up(backup, home, tmp_path):
    restore(home, backup.path, replace=False)
    (home.lake / "head.json").write_text("{")

    with pytest.raises(DataError, match="cannot be used"):
        back_up(home, tmp_path / "out", lake=home.lake, at=AT)
