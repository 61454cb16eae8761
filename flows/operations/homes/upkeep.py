"""Back up or restore a home, or free disk space. Published days are never changed."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from flows.operations.homes.inspection import aligned
from flows.terminal import Options, Result, progress, with_home
from tasks.core.clock import now
from tasks.core.errors import ConfigError
from tasks.core.homes.home import Home
from tasks.core.homes.kept import delete_unnamed
from tasks.core.homes.lock import exclusive
from tasks.core.homes.opening import find_home, named_home, settings_of
from tasks.core.homes.replay_inputs import published_inputs
from tasks.core.text import counted

if TYPE_CHECKING:
    from tasks.data.upkeep.backup import Backup

log = logging.getLogger(__name__)


def back_up(options: Options, folder: Path | None) -> Result:
    """Write the home to one archive with a SHA-256 of every file."""
    from tasks.data.lake.storage.location import lake_of
    from tasks.data.upkeep import backup

    home = find_home(options.home)
    lake = lake_of(home, settings_of(home, options.profile).settings)
    target = folder.expanduser().absolute() if folder else home.backups
    with progress(options):
        log.info("reading %s", home.root)
        made = backup.back_up(home, target, lake=lake, at=now())
    return _result(made, "backed up")


def restore(options: Options, archive: Path, *, replace: bool, lake: str | None) -> Result:
    """Restore a home from an archive."""
    from config.data_section import valid_lake
    from tasks.data.upkeep import backup

    home, archive = named_home(options.home), archive.expanduser().absolute()
    if not archive.is_file():
        raise ConfigError(
            f"{archive} is not a file.",
            remedy="Specify the .tar file of a backup (`afterclose data backup --help`).",
            path=str(archive),
        )
    try:
        named = None if lake is None else valid_lake(lake)
    except ValueError as error:
        raise ConfigError(
            f"--lake {error}.", remedy="Use the form of the setting data.lake: home, or s3://BUCKET/PREFIX."
        ) from None
    with progress(options):
        log.info("checking %s", archive)
        made = backup.restore(
            home,
            archive,
            replace=replace,
            lake=named,
            halts=partial(_standing_halts, home),
        )
    result = _result(made, f"restored to {home.root}")
    lines = [result.text]
    if made.lake != made.listing.lake:
        lines.append(f"Set data.lake to {made.lake}, the new location of the lake.")
    if home.stop_file.exists():
        status = with_home("afterclose kill-switch status", options)
        lines.append(f"Trading is halted; {home.stop_file} records who halted it. See `{status}`.")
    return Result(result.document, "\n".join(lines))


@contextmanager
def _standing_halts(home: Home) -> Iterator[str]:
    """Lock the switch and yield a description of the trips that halt trading, empty without any.

    A missing switch file, which the restore replaces, and the mark of an interrupted restore do not count.
    """
    from tasks.data.upkeep.backup import is_interrupted
    from tasks.safety.kill_switch.switch import STOP, hold_switch, read_switch
    from tasks.safety.kill_switch.switch_file import list_trips

    with hold_switch(home):
        switch = read_switch(home)
        missing = () if os.path.lexists(home.kill_switch_file) else ("0",)
        marked = (STOP,) if is_interrupted(home) else ()
        halts = [trip for trip in switch.trips if trip.name not in (*missing, *marked)]
        yield list_trips(halts)


def vacuum(options: Options) -> Result:
    """Delete files of the lake, and kept inputs of days, that neither the lake's head nor a published day needs."""
    from tasks.data.lake.storage.location import lake_of
    from tasks.data.upkeep.vacuum import vacuum_lake

    home = find_home(options.home)
    lake = lake_of(home, settings_of(home, options.profile).settings)
    with progress(options), exclusive(home.lock_file, doing="data vacuum"):
        log.info("finding the data that published days need")
        days = published_inputs(home)
        vacuumed = vacuum_lake(lake, {session: inputs.snapshot for session, inputs in days.items()})
        freed = delete_unnamed(home, [inputs.kept for inputs in days.values() if inputs.kept is not None])
    unknown = ", ".join(str(day) for day in vacuumed.days_unknown)
    lines = [
        f"Freed {_megabytes(vacuumed.freed_bytes)}; the lake takes {_megabytes(vacuumed.size_bytes)}.",
        f"The data of {counted(len(vacuumed.days_kept), 'published day')} was retained.",
        *([f"Freed {_megabytes(freed)} of inputs of days that were run again."] if freed else []),
        *([f"This lake never held the data of these days: {unknown}."] if unknown else []),
    ]
    return Result(asdict(vacuumed) | {"freed_inputs_bytes": freed}, "\n".join(lines))


def _result(made: "Backup", action: str) -> Result:
    listing = made.listing
    document = {
        "archive": str(made.path),
        "made_at": listing.made_at.isoformat(),
        "made_by": listing.made_by,
        "last_session": listing.last_session,
        "lake": made.lake,
        "files": len(listing.files),
        "bytes": listing.size_bytes,
    }
    rows = [
        (action, f"{counted(len(listing.files), 'file')}, {_megabytes(listing.size_bytes)}"),
        ("archive", str(made.path)),
        ("made", f"{listing.made_at:%Y-%m-%d %H:%M} UTC by {listing.made_by}"),
        ("last session", str(listing.last_session or "none")),
        ("lake", made.lake),
    ]
    return Result(document, aligned(rows))


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
