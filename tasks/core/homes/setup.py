"""Make a folder a home, once. The marker is written last: until it stands, set-up starts over.

Once the marker stands nothing is made again: a kill switch that has vanished since is no fresh home
but a fault, and halts (fault 43). A switch that a person tripped before the first run stays tripped.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from tasks.core.atomic import LEFTOVER_SUFFIX, write_text
from tasks.core.errors import ConfigError, StorageError
from tasks.core.homes.home import Home
from tasks.core.homes.lock import exclusive
from tasks.core.json_text import parse_json

SCHEMA_VERSION = 1
ARTEFACTS = ("data", "live", "production", "reports")
BEFORE_SET_UP = frozenset(
    {
        "config.yaml",
        "data/home.lock",
        *("live/kill_switch.json", "live/STOP", "data/kill_switch.lock"),  # it can be tripped before
        *("live/audit_log.csv", "data/audit_anchor.json"),
    }
)


def make_home(home: Home, config: str, *, checkout: Path | None) -> bool:
    """Make an empty folder, or the checkout, a home with this config.yaml; return False if it is a home already.

    A config.yaml that is there is kept. A folder that holds anything else is refused: it may be a home that lost its
    marker, and must not start afresh.
    """
    if is_set_up(home):
        return False
    found = next(_strange_files(home.root, in_checkout=home.root == checkout), None)
    if found is not None:
        raise ConfigError(
            f"{home.root} is not empty and not an Afterclose home: it holds {found.relative_to(home.root)}.",
            remedy="Name an empty or a new folder. If this was a home, restore it with `afterclose data restore`.",
            home=str(home.root),
        )
    with exclusive(home.lock_file, doing="init"):
        if not home.config_file.exists():
            write_text(home.config_file, config)
        set_up(home)
    return True


def _strange_files(root: Path, *, in_checkout: bool) -> Iterator[Path]:
    """Yield files that a home does not hold before its set-up has ended; in the checkout, beside the code."""
    for folder in [root / name for name in ARTEFACTS] if in_checkout else [root]:
        for path in folder.rglob("*"):
            expected = path.relative_to(root).as_posix() in BEFORE_SET_UP or path.name.endswith(
                LEFTOVER_SUFFIX
            )
            readme = in_checkout and path.name == "README.md"
            if not (expected or readme or (path.is_dir() and not path.is_symlink())):
                yield path


def set_up(home: Home) -> None:
    """Create what a new home needs; leave a home that is set up as it is. Hold the home's lock meanwhile."""
    if is_set_up(home):
        return
    if not home.kill_switch_file.exists():
        write_text(home.kill_switch_file, _as_text({"state": "clear", "by": "", "reason": "", "at": None}))
    write_text(home.marker_file, _as_text({"schema_version": SCHEMA_VERSION}))


def is_set_up(home: Home) -> bool:
    """Tell whether the marker stands. Refuses one that is damaged, or that a later release wrote."""
    try:
        version = parse_json(home.marker_file.read_text())["schema_version"]
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"{home.marker_file} is damaged.",
            remedy='If nothing else in data/ is, write {"schema_version": 1} into it; else restore the home.',
            path=str(home.marker_file),
        ) from error
    if version != SCHEMA_VERSION:
        raise ConfigError(
            f"{home.root} has schema version {version!r}; this release knows {SCHEMA_VERSION}.",
            remedy="Run the release that made this home, or a later one.",
            home=str(home.root),
        )
    return True


def noted_in_marker(home: Home, name: str) -> object:
    """Return what the marker notes under the name; None where it notes nothing, or where there is no home yet."""
    if not is_set_up(home):
        return None
    noted: dict[str, object] = json.loads(home.marker_file.read_text())
    return noted.get(name)


def note_in_marker(home: Home, name: str, noted: object) -> None:
    """Note a record under the name; what else the marker says stays. Hold the home's lock meanwhile."""
    if noted_in_marker(home, name) == noted:
        return
    marker = json.loads(home.marker_file.read_text())
    write_text(home.marker_file, _as_text(marker | {name: noted}))


def _as_text(record: dict[str, object]) -> str:
    return json.dumps(record, indent=2) + "\n"
