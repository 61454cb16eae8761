"""Copy a lake out of a bucket into a folder, and from a folder into a bucket. Never touches anything else.

Out of a bucket the head is read first, so that all it names is there when the rest is copied. Into a bucket it is taken
away first and written last: until then nobody reads, and nobody writes, what is there.
"""

from dataclasses import replace
from pathlib import Path

from tasks.core.errors import ConfigError
from tasks.data.lake.bucket import Objects
from tasks.data.lake.head import FILE_NAME, SUPERSEDED, read_head, write_head
from tasks.data.lake.seals import refuse_damage, sealed_anew
from tasks.data.schema.records import Bucket
from tasks.data.schema.tables import SPECS


def fetch_lake(lake: Bucket, folder: Path) -> None:
    """Copy the lake into the folder, which need not exist."""
    objects = Objects(lake)
    head = read_head(lake)
    if head is not None:
        refuse_damage(lake, head)
    for name in objects.names():
        if name != FILE_NAME:
            objects.fetch(name, folder / name)
    if head is not None:
        write_head(folder, sealed_anew(folder, head))


def bring_lake(folder: Path, lake: Bucket) -> None:
    """Make what is in the folder the lake in the bucket; what was there is given up."""
    head = read_head(folder)
    if head is not None:
        refuse_damage(folder, head)
    objects = Objects(lake)
    there = objects.names()
    objects.remove_all([name for name in there if name == FILE_NAME])
    objects.remove_all([name for name in there if name != FILE_NAME])
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if name != FILE_NAME:
            objects.bring(name, path)
    if head is not None:
        write_head(lake, replace(sealed_anew(lake, head), tag=None))


def refuse_used(lake: Bucket, *, replace: bool) -> None:
    """Refuse a prefix that holds a lake, unless that is to be given up; and one that holds anything else, always."""
    held = Objects(lake).names()
    strange = [name for name in held if name.split("/")[0] not in {FILE_NAME, SUPERSEDED, *SPECS}]
    if strange:
        raise ConfigError(
            f"{lake} holds {strange[0]}, which is no part of a lake.",
            remedy="Name a prefix that is empty, or holds a lake, with --lake.",
            lake=str(lake),
        )
    if held and not replace:
        raise ConfigError(
            f"{lake} is not empty: it holds a lake.",
            remedy="Name an empty prefix with --lake, or add --replace to give up the lake that is there.",
            lake=str(lake),
        )
