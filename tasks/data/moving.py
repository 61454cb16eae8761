"""Copy a lake out of a bucket into a folder, and from a folder into a bucket. Never touches anything else.

Out of a bucket the head is read first, so that all it names is there when the rest is copied. Into a bucket it is taken
away first and written last: until then nobody reads, and nobody writes, what is there.
"""

from pathlib import Path

from tasks.core.errors import ConfigError
from tasks.data.bucket import Objects
from tasks.data.head import FILE_NAME
from tasks.data.place import Bucket


def fetch_lake(lake: Bucket, folder: Path) -> None:
    """Copy the lake into the folder, which need not exist."""
    objects = Objects(lake)
    head = objects.read(FILE_NAME)
    for name in objects.names():
        if name != FILE_NAME:
            objects.fetch(name, folder / name)
    if head is not None:
        (folder / FILE_NAME).write_bytes(head.data)


def bring_lake(folder: Path, lake: Bucket) -> None:
    """Make what is in the folder the lake in the bucket; what was there is given up."""
    objects = Objects(lake)
    there = objects.names()
    for names in ([FILE_NAME], [name for name in there if name != FILE_NAME]):
        objects.remove_all([name for name in names if name in there])
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if name != FILE_NAME:
            objects.bring(name, path)
    if (folder / FILE_NAME).exists():
        objects.write(FILE_NAME, (folder / FILE_NAME).read_bytes(), over=None)


def refuse_used(lake: Bucket) -> None:
    """Refuse a prefix under which anything lies."""
    held = Objects(lake).names()
    if held:
        raise ConfigError(
            f"{lake} is not empty: it holds {held[0]}.",
            remedy="Name an empty prefix with --lake, or add --replace to give up what this one holds.",
            lake=str(lake),
        )
