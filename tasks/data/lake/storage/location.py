"""Locate the lake, in the home's directory or under a prefix of a bucket, and access its files by name.

Both hold the same files under the same names: the tables' directories, `head.json`, `superseded/`. A directory
belongs to one home, and the writer holds its lock; in a bucket another home may write at the same time.
"""

from pathlib import Path

from config.settings import Settings
from tasks.core.errors import AftercloseError
from tasks.core.homes.home import Home
from tasks.data.lake.storage.files import Files
from tasks.data.lake.storage.folder import FolderFiles
from tasks.data.schema.records import Bucket, LakeLocation

HOME_LAKE = "home"


def lake_of(home: Home, settings: Settings) -> LakeLocation:
    """Return the location of the home's lake."""
    return location_named(settings.data.lake, home)


def location_named(name: str, home: Home) -> LakeLocation:
    """Return the location for a value of `data.lake`."""
    return home.lake if name == HOME_LAKE else Bucket(name)


def lake_name(lake: LakeLocation) -> str:
    """Return the value of `data.lake` for the location."""
    return lake.uri if isinstance(lake, Bucket) else HOME_LAKE


def files_of(lake: LakeLocation) -> Files:
    """Return file access for the lake."""
    if isinstance(lake, Path):
        return FolderFiles(lake)
    from tasks.data.lake.storage.bucket import BucketFiles

    return BucketFiles(lake)


def table_options(lake: LakeLocation) -> dict[str, str] | None:
    """Return the storage options of the Delta library; None for a directory."""
    if isinstance(lake, Path):
        return None
    from tasks.data.lake.storage.bucket import client_options

    return client_options()


def access_error(lake: LakeLocation, error: Exception) -> AftercloseError | None:
    """Return the access error behind an error of the Delta library; None where access is not the cause."""
    if isinstance(lake, Path):
        return None
    from tasks.data.lake.storage.bucket import known_access_error

    return known_access_error(lake, error)
