"""Set up a home, once. The marker is written last: until it exists, set-up starts over.

Afterwards nothing is created again: a kill-switch file that has disappeared is not the sign of a new home, but a fault
that halts trading. A switch that a person tripped before the first run stays tripped.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from tasks.core.atomic import LEFTOVER_SUFFIX, write_text
from tasks.core.errors import ConfigError, StorageError
from tasks.core.homes.home import Home
from tasks.core.homes.lock import exclusive
from tasks.core.json_text import parse_json
from tasks.core.reading import read_text

SCHEMA_VERSION = 1
ARTEFACTS = ("data", "live", "production", "reports")
BEFORE_SET_UP = frozenset(
    {
        "config.yaml",
        "data/home.lock",
        "data/portfolio.lock",
        *("live/kill_switch.json", "live/STOP", "data/kill_switch.lock"),  # it can be tripped before
        *("live/audit_log.csv", "data/audit_anchor.json"),
    }
)


def make_home(home: Home, config: str, *, checkout: Path | None) -> bool:
    """Set up an empty directory, or the checkout, as a home with this config.yaml; return False if it already is one.

    An existing config.yaml is retained. Raises ConfigError if the directory holds anything else: it may be a home that
    lost its marker, and must not start over.
    """
    if is_set_up(home):
        return False
    found = unexpected_file(home, checkout=checkout)
    if found is not None:
        if is_set_up(home):  # meanwhile, by another process
            return False
        raise ConfigError(
            f"{home.root} is neither empty nor an Afterclose home: it holds {found.relative_to(home.root)}.",
            remedy="Specify a new or empty directory. If this was a home, restore it with `afterclose data restore`.",
            home=str(home.root),
        )
    with exclusive(home.lock_file, doing="init"):
        if not home.config_file.exists():
            write_text(home.config_file, config)
        set_up(home)
    return True


def unexpected_file(home: Home, *, checkout: Path | None) -> Path | None:
    """Return a file that prevents the directory from becoming a home; None without one."""
    return next(_unexpected_files(home.root, in_checkout=home.root == checkout), None)


def _unexpected_files(root: Path, *, in_checkout: bool) -> Iterator[Path]:
    """Yield files that cannot belong to an unfinished set-up; in the checkout, search only artifact directories."""
    for folder in [root / name for name in ARTEFACTS] if in_checkout else [root]:
        for path in folder.rglob("*"):
            expected = path.relative_to(root).as_posix() in BEFORE_SET_UP or path.name.endswith(
                LEFTOVER_SUFFIX
            )
            readme = in_checkout and path.name == "README.md"
            if not (expected or readme or (path.is_dir() and not path.is_symlink())):
                yield path


def set_up(home: Home) -> None:
    """Create the files of a new home; does nothing in a home that is set up. The caller holds the home's lock."""
    if is_set_up(home):
        return
    if not home.kill_switch_file.exists():
        write_text(home.kill_switch_file, _as_text({"state": "clear", "by": "", "reason": "", "at": None}))
    write_text(home.marker_file, _as_text({"schema_version": SCHEMA_VERSION}))


def is_set_up(home: Home) -> bool:
    """Return whether the marker exists. Raises if it is damaged, or from a later release."""
    try:
        version = parse_json(read_text(home.marker_file))["schema_version"]
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"{home.marker_file} is damaged.",
            remedy="Restore the home from a backup (`afterclose data restore ARCHIVE --replace`).",
            path=str(home.marker_file),
        ) from error
    if version != SCHEMA_VERSION:
        raise ConfigError(
            f"{home.root} has schema version {version!r}; this release supports {SCHEMA_VERSION}.",
            remedy="Run the release that created this home, or a later one.",
            home=str(home.root),
        )
    return True


def noted_in_marker(home: Home, name: str) -> object:
    """Return the record under the name in the marker; None if there is none, or no home yet."""
    if not is_set_up(home):
        return None
    noted: dict[str, object] = json.loads(read_text(home.marker_file))
    return noted.get(name)


def note_in_marker(home: Home, name: str, noted: object) -> None:
    """Store a record under the name in the marker; other records stay. The caller holds the home's lock."""
    if noted_in_marker(home, name) == noted:
        return
    marker = json.loads(read_text(home.marker_file))
    write_text(home.marker_file, _as_text(marker | {name: noted}))


def _as_text(record: dict[str, object]) -> str:
    return json.dumps(record, indent=2) + "\n"
