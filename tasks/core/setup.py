"""Make a folder a home, once. The marker is written last: until it stands, set-up starts over.

Once the marker stands nothing is made again: a kill switch that has vanished since is no fresh home
but a fault, and halts (fault 43). A switch that a person tripped before the first run stays tripped.
"""

import json

from tasks.core.atomic import write_text
from tasks.core.errors import ConfigError, StorageError
from tasks.core.home import Home

SCHEMA_VERSION = 1


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
        version = json.loads(home.marker_file.read_text())["schema_version"]
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


def _as_text(record: dict[str, object]) -> str:
    return json.dumps(record, indent=2) + "\n"
