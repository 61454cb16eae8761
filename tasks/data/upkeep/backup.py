"""Back up and restore a home: lake, days, champion, reports, settings and kill switch.

Files that can be derived again are excluded; secrets are never in a home. The ledger, the paper account and the
positions file are copied as of one moment. A restore validates everything before it changes anything. Then it replaces
one directory at a time, `live/` last, with `live/STOP` in place meanwhile: a home that is only partly restored
publishes nothing.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from tasks.core.atomic import (
    LEFTOVER_SUFFIX,
    put_in_place,
    refuse_symlink,
    remove_leftovers,
    write_text,
)
from tasks.core.errors import ConfigError, StorageError
from tasks.core.homes.home import Home
from tasks.core.homes.lock import exclusive
from tasks.core.homes.setup import is_set_up
from tasks.core.reading import read_bytes
from tasks.data.lake.head import read_head
from tasks.data.lake.storage.location import HOME_LAKE, lake_name, location_named
from tasks.data.schema.records import Bucket, LakeLocation
from tasks.data.upkeep.archive import BackupListing, Entry, list_files, unpack_archive, write_archive
from tasks.data.upkeep.databases import copied, is_write_ahead
from tasks.data.upkeep.transfer import download_lake, refuse_used, upload_lake

INTERRUPTED = "A restore of this home was interrupted. Run it again with --replace.\n"
README = "README.md"


def no_halts() -> AbstractContextManager[str]:
    """Return no halt: the state of a new home."""
    return nullcontext("")


@dataclass(frozen=True)
class Backup:
    """An archive and its listing."""

    path: Path
    listing: BackupListing
    lake: str  # value of data.lake for its location, before or after


def back_up(home: Home, folder: Path, *, lake: LakeLocation, at: datetime) -> Backup:
    """Write the home and its lake into one archive in the directory, named by session and time."""
    if not is_set_up(home):
        raise ConfigError(
            f"{home.root} is not a home.", remedy="Specify a home with --home.", home=str(home.root)
        )
    with (
        exclusive(home.lock_file, doing="data backup"),
        _local_copy(lake, home) as local,
        copied(home) as copies,
    ):
        head = read_head(local)
        sources, files = _collect(home, local, copies)
        listing = BackupListing(
            made_by=f"afterclose {version('afterclose')}",
            made_at=at,
            last_session=head.last_session if head else None,
            lake=lake_name(lake),
            files=files,
        )
        path = folder / f"afterclose-{listing.last_session or 'empty'}-{at:%Y%m%dT%H%M%SZ}.tar"
        write_archive(path, sources, listing)
    return Backup(path, listing, lake_name(lake))


def restore(
    home: Home,
    archive: Path,
    *,
    replace: bool,
    lake: str | None = None,
    halts: Callable[[], AbstractContextManager[str]] = no_halts,
) -> Backup:
    """Restore an archive into the home; a home that is not empty requires `replace`.

    `lake` is the location for the lake. It is required if the archive's lake was in a bucket: an archive must not
    choose what it overwrites.
    `halts` returns a description of the active halts (empty if none) and prevents new ones while `live/` is replaced.
    An archive of earlier days does not end a halt: after the restore `live/STOP` contains that description.
    """
    doing = "data restore"
    with exclusive(home.lock_file, doing=doing), exclusive(home.portfolio_lock, doing=doing):
        remove_leftovers(home.root)
        if not replace:
            _refuse_nonempty(home)
        try:
            with TemporaryDirectory(prefix=".restore.", suffix=LEFTOVER_SUFFIX, dir=home.root) as folder:
                staged = Home(Path(folder))
                listing = unpack_archive(archive, staged.root, belongs=lambda path: _belongs(staged, path))
                _refuse_unreadable(staged, archive)
                location = location_named(_lake_name_for(listing, lake), home)
                if isinstance(location, Bucket):
                    refuse_used(location, replace=replace)
                if not os.path.lexists(home.stop_file):  # one of a person is not changed
                    write_text(home.stop_file, INTERRUPTED)
                    os.utime(home.stop_file, (0, 0))
                if isinstance(location, Bucket):
                    _upload(staged.lake, location)
                _replace_units(staged, home, halts)
        except OSError as error:
            raise _unwritable(
                home, error, "Free space or fix permissions, then restore again with --replace."
            ) from error
    return Backup(archive, listing, lake_name(location))


def _lake_name_for(listing: BackupListing, named: str | None) -> str:
    if named is None and listing.lake != HOME_LAKE:
        raise ConfigError(
            f"The lake of this backup was in {listing.lake}.",
            remedy=f"Specify its new location: --lake {listing.lake}, or --lake {HOME_LAKE}.",
            lake=listing.lake,
        )
    return named or HOME_LAKE


def _upload(staged: Path, lake: Bucket) -> None:
    """Upload the lake to the bucket and remove it from the staged home."""
    try:
        upload_lake(staged, lake)
    except StorageError as error:
        raise StorageError(
            error.what,
            remedy="The bucket has no readable lake until a restore succeeds: fix this, then restore with --replace.",
            path=str(lake),
        ) from None
    shutil.rmtree(staged, ignore_errors=True)


def is_interrupted(home: Home) -> bool:
    """Return whether `live/STOP` was written by a restore and not touched since: its modification time is 0."""
    try:
        return read_bytes(home.stop_file) == INTERRUPTED.encode() and home.stop_file.lstat().st_mtime == 0
    except OSError:
        return False


@contextmanager
def _local_copy(lake: LakeLocation, home: Home) -> Iterator[Path]:
    """Yield the lake's directory: for a lake in a bucket a copy, deleted at the end of the block."""
    if isinstance(lake, Path):
        yield lake
        return
    remove_leftovers(home.root)
    with TemporaryDirectory(prefix=".backup.", suffix=LEFTOVER_SUFFIX, dir=home.root) as folder:
        try:
            download_lake(lake, Path(folder))
        except OSError as error:
            raise _unwritable(home, error, "Free space for a copy of the lake, then run again.") from error
        yield Path(folder)


def _unwritable(home: Home, error: OSError, remedy: str) -> StorageError:
    what = f"{home.root} could not be written: {error.strerror or error}."
    return StorageError(what, remedy=remedy, path=str(home.root))


def _collect(
    home: Home, lake: Path, copies: Mapping[Path, Path]
) -> tuple[dict[str, Path], tuple[Entry, ...]]:
    """Return the home's files by their path in a home, and their entries; copies stand for their originals.

    A lake in the home's directory is excluded when the lake in use is elsewhere.
    """
    try:
        own = (path for path in _files(home) if lake == home.lake or home.lake not in path.parents)
        sources = {path.relative_to(home.root).as_posix(): copies.get(path, path) for path in own}
        if lake != home.lake:
            inside = home.lake.relative_to(home.root)
            copied = (path for path in lake.rglob("*") if path.is_file())
            sources |= {(inside / path.relative_to(lake)).as_posix(): path for path in copied}
        return sources, list_files(sources)
    except OSError as error:
        raise StorageError(
            f"{error.filename or home.root} could not be read: {error.strerror or error}.",
            remedy="Fix its permissions, then run again.",
            path=str(error.filename or home.root),
        ) from error


def _files(home: Home) -> Iterator[Path]:
    """Yield the files to back up; a symbolic link is refused: its target is not in the home."""
    for unit in _units(home):
        for path in (unit, *unit.rglob("*")):
            refuse_symlink(path)
            if path.is_file() and not _is_leftover(path, home) and not is_write_ahead(path, home):
                yield path


def _is_leftover(path: Path, home: Home) -> bool:
    inside = path.relative_to(home.root).parts
    return any(part.startswith(".") and part.endswith(LEFTOVER_SUFFIX) for part in inside)


def _units(home: Home) -> tuple[Path, ...]:
    """Return what is replaced in one step each: the entries of data/ and whole directories, `live` last."""
    data = home.marker_file.parent
    inside = sorted(data.iterdir()) if data.is_dir() else []
    units = (
        home.config_file,
        *(path for path in inside if not _is_excluded(path, home)),
        home.reports,
        home.production,
        home.live,
    )
    return tuple(unit for unit in units if unit.exists() or unit.is_symlink())


def _is_excluded(path: Path, home: Home) -> bool:
    """Return whether the path is derived data or specific to this machine: locks, request counts, the outbox."""
    is_derived = any(path.is_relative_to(folder) for folder in (*home.derived, home.outbox))
    counts = path.parent == home.requests_file.parent and path.name.startswith(home.requests_file.name)
    locks = (
        home.lock_file,
        home.kill_switch_lock,
        home.approval_lock,
        home.portfolio_lock,
        home.outbox_lock,
    )
    return is_derived or counts or path in locks


def _belongs(home: Home, name: str) -> bool:
    path = home.root / name
    folders = (home.marker_file.parent, home.reports, home.production, home.live)
    is_inside = any(folder in path.parents for folder in folders)
    is_left_out = _is_excluded(path, home) or is_write_ahead(path, home)
    return path == home.config_file or (is_inside and not is_left_out)


def _refuse_nonempty(home: Home) -> None:
    held = [path for path in _files(home) if path.name != README]
    if held:
        raise ConfigError(
            f"{home.root} is not empty: it holds {held[0].relative_to(home.root)}.",
            remedy="Specify an empty home with --home, or add --replace to delete the contents of this one.",
            home=str(home.root),
        )


def _refuse_unreadable(staged: Home, archive: Path) -> None:
    """Refuse a backup that this release cannot read, before anything is changed."""
    if not is_set_up(staged):
        raise ConfigError(
            f"{archive} does not contain a home.", remedy="Specify another archive.", archive=str(archive)
        )
    read_head(staged.lake)


def _replace_units(staged: Home, home: Home, halts: Callable[[], AbstractContextManager[str]]) -> None:
    """Replace unit after unit; the old ones move to the staging directory, which is deleted afterwards."""
    arriving = [unit.relative_to(staged.root) for unit in _units(staged)]
    for unit in [unit.relative_to(home.root) for unit in _units(home)]:
        if unit not in arriving:
            (home.root / unit).rename(staged.root / unit)
    for unit in arriving:
        is_live = staged.root / unit == staged.live
        with halts() if is_live else no_halts() as active:
            if active:
                write_text(staged.stop_file, active + "\n")
            put_in_place(staged.root / unit, home.root / unit)
    for folder in home.derived:
        shutil.rmtree(folder, ignore_errors=True)
