"""A folder of market data as it was on a day, and what a week and a day make of it."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from tasks.data.schema.records import Days
from tests.homes import afterclose, blank, day_bytes, tree_bytes
from tests.unit.data.folders import write_table

Folder = Mapping[str, pd.DataFrame]  # by file stem (docs/data.md); days are timestamps

DATED_BY = {
    "prices": "date",
    "corporate_actions": "date",
    "benchmark": "date",
    "riskfree": "date",
    "renames": "date",
    "membership": "start_date",
    "sector_changes": "first_seen_with_new_sector",
    "fundamentals": "available_date",
}


def as_of(folder: Folder, day: date) -> Folder:
    """Return the folder as a user had it on the day: without later rows, memberships open, sectors of that day.

    `sectors` has no dates: it lists the names that have traded by then, each with the sector before its next change.
    """
    end = pd.Timestamp(day)
    then = {
        stem: folder[stem][folder[stem][column] <= end] for stem, column in DATED_BY.items() if stem in folder
    }
    spells, traded = then["membership"], set(then["prices"]["symbol"])
    return {
        **then,
        "membership": spells.assign(end_date=spells["end_date"].where(spells["end_date"] <= end)),
        "sectors": _sectors_as_of(folder, end, traded=traded),
    }


def _sectors_as_of(folder: Folder, end: pd.Timestamp, *, traded: set[str]) -> pd.DataFrame:
    sectors, changes = folder["sectors"], folder["sector_changes"]
    later = changes[changes["first_seen_with_new_sector"] > end]
    later = later.sort_values(
        "first_seen_with_new_sector", kind="stable"
    )  # two of one day: in the file's order
    before = later.drop_duplicates("symbol").set_index("symbol")["old_sector"]
    own = sectors[sectors["symbol"].isin(traded)]
    return own.assign(gics_sector=own["symbol"].map(before).fillna(own["gics_sector"]))


def write(folder: Folder, path: Path) -> Path:
    """Write one file per table."""
    path.mkdir()
    for stem, frame in folder.items():
        write_table(path / f"{stem}.parquet", frame)
    return path


def week_and_day(home: Path, folder: Path, day: date, settings: Mapping[str, Any]) -> dict[str, bytes]:
    """Import the folder, train as of the day and run the day; return every file of these runs, by path.

    Besides what is published: the features of the training sessions, and what the stages of the day hand over. Left
    out are the lake, which holds later rows, and the manifest's timings.
    """
    blank(home)
    source = {"data": {"provider": "files", "files": {"path": str(folder)}}}
    (home / "config.yaml").write_text(yaml.safe_dump({**settings, **source}))
    for command in (
        ("data", "import", str(folder)),
        ("weekly", "--quick", "--date", str(day)),
        ("daily", "--date", str(day)),
    ):
        ended = afterclose(*command, home=home)
        assert ended.returncode == 0, f"{command}: {ended.stderr}"
    trees = {
        f"{part}/{name}": content
        for part in ("production", "reports", "data/features", "data/work")
        for name, content in tree_bytes(home / part).items()
    }
    return trees | {f"live/{name}": content for name, content in day_bytes(home, day).items()}


def last_stored(home: Path) -> date:
    """Return the last session of the home's lake."""
    head = json.loads((home / "data" / "lake" / "head.json").read_text())
    return date.fromisoformat(head["last_session"])


def random_sessions(sessions: Days, *, count: int, seed: int) -> list[date]:
    """Return a session drawn at random from each of so many equal parts."""
    rng = np.random.default_rng(seed)
    return [rng.choice(part).item() for part in np.array_split(sessions, count)]
