"""Know where the lake lies, in the home's own folder or under a prefix of a bucket, and reach its files by name.

Either way they are the same files by the same names: the tables' folders, `head.json`, `superseded/`. A folder is its
home's alone, whose lock is held by who writes; in a bucket another home may write at the same moment.
"""

from pathlib import Path

from config.settings import Settings
from tasks.core.errors import AftercloseError
from tasks.core.homes.home import Home
from tasks.data.lake.files import Files
from tasks.data.lake.folder import Folder
from tasks.data.schema.records import Bucket, Place

IN_THE_HOME = "home"


def lake_of(home: Home, settings: Settings) -> Place:
    """Return where the lake of the home lies."""
    return place_named(settings.data.lake, home)


def place_named(name: str, home: Home) -> Place:
    """Return the place that goes by this name in `data.lake`."""
    return home.lake if name == IN_THE_HOME else Bucket(name)


def name_of(lake: Place) -> str:
    """Return what `data.lake` calls the place."""
    return lake.uri if isinstance(lake, Bucket) else IN_THE_HOME


def files_of(lake: Place) -> Files:
    """Return file access for the lake."""
    if isinstance(lake, Path):
        return Folder(lake)
    from tasks.data.lake.bucket import Objects

    return Objects(lake)


def table_options(lake: Place) -> dict[str, str] | None:
    """Return what the tables' library must be told to get there."""
    if isinstance(lake, Path):
        return None
    from tasks.data.lake.bucket import client_options

    return client_options()


def trouble_with(lake: Place, error: Exception) -> AftercloseError | None:
    """Return what the way to the lake has to do with an error of the tables' library; None: nothing."""
    if isinstance(lake, Path):
        return None
    from tasks.data.lake.bucket import trouble

    return trouble(lake, error)
