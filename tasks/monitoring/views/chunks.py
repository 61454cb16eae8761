"""Keep the rows of published days as columns, one directory per year: data/views/YYYY/.

Derived and safe to delete. `index.json` names the digest of each day's manifest and of each Parquet file: a day that
was published again is read again, a file that was changed is rebuilt, and a release with other views rebuilds all. A
day that could not be read is tried again each time.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.core.atomic import replace_folder
from tasks.core.errors import StorageError
from tasks.core.ids import canonical_json, sha256_of_bytes, sha256_of_file, sha256_of_record
from tasks.core.json_text import parse_json
from tasks.core.reading import read_bytes
from tasks.monitoring.views.catalog import DAY_VIEWS
from tasks.monitoring.views.day_rows import Rows
from tasks.monitoring.views.schema import arrow_schema, arrow_table

if TYPE_CHECKING:
    import pyarrow as pa

log = logging.getLogger(__name__)

INDEX = "index.json"
Tables = Mapping[str, "pa.Table"]


@dataclass(frozen=True)
class ReadDay:
    """The rows of a day, and whether it could be read."""

    rows: Rows
    is_sound: bool


@dataclass(frozen=True)
class Chunk:
    """The stored days of a year: digests of their manifests ("" where a day is to be read again) and of the files."""

    days: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


def stored_days(
    folder: Path, wanted: Mapping[date, str], read: Callable[[date], ReadDay]
) -> Callable[[str], "pa.Table"]:
    """Return a function that gives a view of days by name. `wanted`: digest of the manifest by day.

    Reads only the days that are not stored yet. If the directory cannot be written, they are kept in memory.
    """
    years: dict[int, dict[str, str]] = defaultdict(dict)
    for day, digest in wanted.items():
        years[day.year][day.isoformat()] = digest
    parts = [_of_year(folder / str(year), days, read) for year, days in sorted(years.items())]

    def view(name: str) -> "pa.Table":
        import pyarrow as pa

        empty = arrow_schema(next(one for one in DAY_VIEWS if one.name == name)).empty_table()
        return pa.concat_tables([empty, *(part(name) for part in parts)])

    return view


def _of_year(
    folder: Path, wanted: Mapping[str, str], read: Callable[[date], ReadDay]
) -> Callable[[str], "pa.Table"]:
    chunk = _stored_chunk(folder)
    new = {day for day, digest in wanted.items() if not digest or chunk.days.get(day) != digest}
    if not new and chunk.days.keys() == wanted.keys():
        return lambda name: _read_parquet(folder, name)
    found = {day: read(date.fromisoformat(day)) for day in sorted(new)}
    kept = [day for day in chunk.days if day in wanted and day not in new]
    tables = _merged(folder, kept, list(found.values()))
    digests = {day: wanted[day] if day not in found or found[day].is_sound else "" for day in wanted}
    _store(folder, tables, digests)
    return tables.__getitem__


def _merged(folder: Path, kept: Sequence[str], new: Iterable[ReadDay]) -> Tables:
    import pyarrow as pa
    import pyarrow.compute as pc

    days = [one.rows for one in new]
    tables = {}
    for view in DAY_VIEWS:
        table = arrow_table(view, [row for rows in days for row in rows.get(view.name, ())])
        if kept:
            stays = pa.array([date.fromisoformat(day) for day in kept], pa.date32())
            stored = _read_parquet(folder, view.name)
            table = pa.concat_tables([stored.filter(pc.is_in(stored["session"], stays)), table])
        order = [(name, "ascending") for name in view.names[:2]]
        tables[view.name] = table.sort_by(order).combine_chunks()
    return tables


def _stored_chunk(folder: Path) -> Chunk:
    """Return what is stored of a year; nothing if it is damaged or of a release with other views."""
    try:
        stored = parse_json(read_bytes(folder / INDEX))
        chunk = Chunk(stored["days"], stored["files"])
        is_ours = stored["views"] == _digest_of_views()
        if is_ours and all(sha256_of_file(folder / name) == digest for name, digest in chunk.files.items()):
            return chunk
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return Chunk()


def _store(folder: Path, tables: Tables, digests: Mapping[str, str]) -> None:
    try:
        with replace_folder(folder) as beside:
            files = {
                f"{name}.parquet": _write_parquet(table, beside / f"{name}.parquet")
                for name, table in tables.items()
            }
            index = {"views": _digest_of_views(), "days": dict(digests), "files": files}
            (beside / INDEX).write_bytes(canonical_json(index).encode())
    except StorageError as error:  # a reader without the right to write can still ask
        log.info("the columns of %s are not stored: %s", folder.name, error.what)


def _write_parquet(table: "pa.Table", path: Path) -> str:
    """Write the file; return its digest."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, compression="zstd")
    content = buffer.getvalue().to_pybytes()
    path.write_bytes(content)
    return sha256_of_bytes(content)


def _read_parquet(folder: Path, name: str) -> "pa.Table":
    import pyarrow.parquet as pq

    return pq.read_table(folder / f"{name}.parquet", memory_map=True)


@cache
def _digest_of_views() -> str:
    return sha256_of_record([asdict(view) for view in DAY_VIEWS])
