"""Copy a lake from a bucket into a directory, and from a directory into a bucket.

On download the head is read first, so that all files it names exist when the rest is copied. On upload the old head is
deleted first and the new one written last: in between nobody can read or write the lake.
"""

from dataclasses import replace
from pathlib import Path

from tasks.core.errors import ConfigError
from tasks.data.lake.head import FILE_NAME, SUPERSEDED, read_head, write_head
from tasks.data.lake.seals import refuse_damage, with_recomputed_digests
from tasks.data.lake.storage.bucket import BucketFiles
from tasks.data.schema.records import Bucket
from tasks.data.schema.tables import SPECS


def download_lake(lake: Bucket, folder: Path) -> None:
    """Copy the lake into the directory, which need not exist."""
    objects = BucketFiles(lake)
    head = read_head(lake)
    if head is not None:
        refuse_damage(lake, head)
    for name in objects.names():
        if name != FILE_NAME:
            objects.download(name, folder / name)
    if head is not None:
        write_head(folder, with_recomputed_digests(folder, head))


def upload_lake(folder: Path, lake: Bucket) -> None:
    """Upload the directory as the lake in the bucket; an existing lake there is deleted."""
    head = read_head(folder)
    if head is not None:
        refuse_damage(folder, head)
    objects = BucketFiles(lake)
    existing = objects.names()
    objects.remove_all([name for name in existing if name == FILE_NAME])
    objects.remove_all([name for name in existing if name != FILE_NAME])
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if name != FILE_NAME:
            objects.upload(name, path)
    if head is not None:
        write_head(lake, replace(with_recomputed_digests(lake, head), tag=None))


def refuse_used(lake: Bucket, *, replace: bool) -> None:
    """Refuse a prefix that holds a lake, unless `replace`, or anything else."""
    held = BucketFiles(lake).names()
    foreign = [name for name in held if name.split("/")[0] not in {FILE_NAME, SUPERSEDED, *SPECS}]
    if foreign:
        raise ConfigError(
            f"{lake} holds {foreign[0]}, which is not part of a lake.",
            remedy="With --lake, specify a prefix that is empty or contains a lake.",
            lake=str(lake),
        )
    if held and not replace:
        raise ConfigError(
            f"{lake} is not empty: it holds a lake.",
            remedy="Specify an empty prefix with --lake, or add --replace to delete the existing lake.",
            lake=str(lake),
        )
