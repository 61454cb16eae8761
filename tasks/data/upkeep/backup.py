"""Back up a whole book, and bring it back: lake, days, champion, reports, settings and switch, as they stood.

What is made again by itself is left out, and so is whatever lives in the environment: secrets are never in a home. A
restore checks everything before it touches anything. Then it puts folder after folder in place, `live/` last, with
`live/STOP` standing meanwhile: a home that is half restored publishes nothing.
"""

import os
import shutil
from collections.abc import Callable, Iterator
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
from tasks.data.lake.head import read_head
from tasks.data.lake.location import IN_THE_HOME, name_of, place_named
from tasks.data.schema.records import Bucket, Place
from tasks.data.upkeep.archive import Entry, Listing, list_files, unpack_archive, write_archive
from tasks.data.upkeep.transfer import bring_lake, fetch_lake, refuse_used

INTERRUPTED = "A restore of this home was interrupted. Run it again with --replace.\n"
README = "README.md"


def nothing_stands() -> AbstractContextManager[str]:
    """Say that no halt stands: what a new home says."""
    return nullcontext("")


@dataclass(frozen=True)
class Backup:
    """An archive and what it says about itself."""

    path: Path
    listing: Listing
    lake: str  # what data.lake calls the place where it lay, or was put


def back_up(home: Home, folder: Path, *, lake: Place, at: datetime) -> Backup:
    """Write the home, and its lake wherever that lies, into one archive in the folder, named by session and instant."""
    if not is_set_up(home):
        raise ConfigError(
            f"There is no book in {home.root}.", remedy="Name its home with --home.", home=str(home.root)
        )
    with exclusive(home.lock_file, doing="data backup"), _at_hand(lake, home) as there:
        head = read_head(there)
        sources, files = _gathered(home, there)
        listing = Listing(
            made_by=f"afterclose {version('afterclose')}",
            made_at=at,
            last_session=head.last_session if head else None,
            lake=name_of(lake),
            files=files,
        )
        path = folder / f"afterclose-{listing.last_session or 'empty'}-{at:%Y%m%dT%H%M%SZ}.tar"
        write_archive(path, sources, listing)
    return Backup(path, listing, name_of(lake))


def restore(
    home: Home,
    archive: Path,
    *,
    replace: bool,
    lake: str | None = None,
    standing: Callable[[], AbstractContextManager[str]] = nothing_stands,
) -> Backup:
    """Bring a book back into the home; one that holds a book already only with `replace`.

    `lake` names the place for the lake. A bucket must be named: an archive is not believed where it may overwrite.
    `standing` says which halts stand (none: empty), and keeps others from coming while `live/` is exchanged: an archive
    of earlier days ends no halt, `live/STOP` stands after the restore and holds those words.
    """
    with exclusive(home.lock_file, doing="data restore"):
        remove_leftovers(home.root)
        if not replace:
            _refuse_full(home)
        try:
            with TemporaryDirectory(prefix=".restore.", suffix=LEFTOVER_SUFFIX, dir=home.root) as folder:
                staged = Home(Path(folder))
                listing = unpack_archive(archive, staged.root, belongs=lambda path: _belongs(staged, path))
                _refuse_strange(staged, archive)
                place = place_named(_place_for(listing, lake), home)
                if isinstance(place, Bucket):
                    refuse_used(place, replace=replace)
                if not os.path.lexists(home.stop_file):  # a person's own stays what it is
                    write_text(home.stop_file, INTERRUPTED)
                    os.utime(home.stop_file, (0, 0))
                if isinstance(place, Bucket):
                    _bring(staged.lake, place)
                _put_in_place(staged, home, standing)
        except OSError as error:
            raise _unwritable(
                home, error, "Free space or mend permissions, then restore again with --replace."
            ) from error
    return Backup(archive, listing, name_of(place))


def _place_for(listing: Listing, named: str | None) -> str:
    if named is None and listing.lake != IN_THE_HOME:
        raise ConfigError(
            f"The lake of this book lay in {listing.lake}.",
            remedy=f"Say where it is to lie now: --lake {listing.lake}, or --lake {IN_THE_HOME}.",
            lake=listing.lake,
        )
    return named or IN_THE_HOME


def _bring(staged: Path, lake: Bucket) -> None:
    """Put the lake into the bucket; it is no unit of the home any more."""
    try:
        bring_lake(staged, lake)
    except StorageError as error:
        raise StorageError(
            error.what,
            remedy="The lake there is given up until a restore comes through: mend this, then restore with --replace.",
            path=str(lake),
        ) from None
    shutil.rmtree(staged, ignore_errors=True)


def is_interrupted(home: Home) -> bool:
    """Tell whether `live/STOP` is the mark of a restore and no person touched it since: the mark is of no time."""
    try:
        return home.stop_file.read_bytes() == INTERRUPTED.encode() and home.stop_file.lstat().st_mtime == 0
    except OSError:
        return False


@contextmanager
def _at_hand(lake: Place, home: Home) -> Iterator[Path]:
    """Hand out the folder of the lake: for one in a bucket a copy, which is gone when the block ends."""
    if isinstance(lake, Path):
        yield lake
        return
    remove_leftovers(home.root)
    with TemporaryDirectory(prefix=".backup.", suffix=LEFTOVER_SUFFIX, dir=home.root) as folder:
        try:
            fetch_lake(lake, Path(folder))
        except OSError as error:
            raise _unwritable(home, error, "Free space for a copy of the lake, then run again.") from error
        yield Path(folder)


def _unwritable(home: Home, error: OSError, remedy: str) -> StorageError:
    what = f"{home.root} could not be written: {error.strerror or error}."
    return StorageError(what, remedy=remedy, path=str(home.root))


def _gathered(home: Home, lake: Path) -> tuple[dict[str, Path], tuple[Entry, ...]]:
    """Return every file of the book by its name in a home, and what is to be said of each.

    A lake in the home's own folder beside the one that is in use is no part of the book.
    """
    try:
        own = (path for path in _files(home) if lake == home.lake or home.lake not in path.parents)
        sources = {path.relative_to(home.root).as_posix(): path for path in own}
        if lake != home.lake:
            inside = home.lake.relative_to(home.root)
            copied = (path for path in lake.rglob("*") if path.is_file())
            sources |= {(inside / path.relative_to(lake)).as_posix(): path for path in copied}
        return sources, list_files(sources)
    except OSError as error:
        raise StorageError(
            f"{error.filename or home.root} could not be read: {error.strerror or error}.",
            remedy="Mend its permissions, then run again.",
            path=str(error.filename or home.root),
        ) from error


def _files(home: Home) -> Iterator[Path]:
    """Yield the files that are a book; a link is refused: what it leads to is not in the home."""
    for unit in _units(home):
        for path in (unit, *unit.rglob("*")):
            refuse_symlink(path)
            if path.is_file() and not _is_leftover(path, home):
                yield path


def _is_leftover(path: Path, home: Home) -> bool:
    inside = path.relative_to(home.root).parts
    return any(part.startswith(".") and part.endswith(LEFTOVER_SUFFIX) for part in inside)


def _units(home: Home) -> tuple[Path, ...]:
    """Return what is put in place in one step each: what lies in data/, whole folders, `live` last."""
    data = home.marker_file.parent
    inside = sorted(data.iterdir()) if data.is_dir() else []
    units = (
        home.config_file,
        *(path for path in inside if not _is_left_out(path, home)),
        home.reports,
        home.production,
        home.live,
    )
    return tuple(unit for unit in units if unit.exists() or unit.is_symlink())


def _is_left_out(path: Path, home: Home) -> bool:
    """Tell what is made again by itself, and what speaks of this machine: its locks, and what it asked providers."""
    made_again = any(path.is_relative_to(folder) for folder in (home.work, home.features, home.answers))
    counts = path.parent == home.requests_file.parent and path.name.startswith(home.requests_file.name)
    return made_again or counts or path in (home.lock_file, home.kill_switch_lock)


def _belongs(home: Home, name: str) -> bool:
    path = home.root / name
    folders = (home.marker_file.parent, home.reports, home.production, home.live)
    is_inside = any(folder in path.parents for folder in folders)
    return path == home.config_file or (is_inside and not _is_left_out(path, home))


def _refuse_full(home: Home) -> None:
    held = [path for path in _files(home) if path.name != README]
    if held:
        raise ConfigError(
            f"{home.root} is not empty: it holds {held[0].relative_to(home.root)}.",
            remedy="Name an empty home with --home, or add --replace to give up what this one holds.",
            home=str(home.root),
        )


def _refuse_strange(staged: Home, archive: Path) -> None:
    """Refuse a book that this release cannot read, before the present one is touched."""
    if not is_set_up(staged):
        raise ConfigError(f"{archive} holds no book.", remedy="Name another archive.", archive=str(archive))
    read_head(staged.lake)


def _put_in_place(staged: Home, home: Home, standing: Callable[[], AbstractContextManager[str]]) -> None:
    """Exchange unit after unit; what the home held goes where the new unit came from, and away with it."""
    arriving = [unit.relative_to(staged.root) for unit in _units(staged)]
    for unit in [unit.relative_to(home.root) for unit in _units(home)]:
        if unit not in arriving:
            (home.root / unit).rename(staged.root / unit)
    for unit in arriving:
        is_live = staged.root / unit == staged.live
        with standing() if is_live else nothing_stands() as halts:
            if halts:
                write_text(staged.stop_file, halts + "\n")
            put_in_place(staged.root / unit, home.root / unit)
    for folder in (home.work, home.features, home.answers):
        shutil.rmtree(folder, ignore_errors=True)
