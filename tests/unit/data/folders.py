"""Write a delivery as the folder of files that docs/data.md describes."""

from pathlib import Path

import pandas as pd

from tasks.data.providers.base import Delivery

RENAMED = {
    "prices": ("bars", {"session": "date"}),
    "corporate_actions": ("actions", {"session": "date"}),
    "benchmark": ("levels", {"name": "symbol", "session": "date"}),
    "sectors": ("listings", {"sector": "gics_sector"}),
    "membership": ("members", {"start": "start_date", "end": "end_date"}),
    "fundamentals": ("fundamentals", {}),
    "renames": ("renames", {"old": "old_symbol", "new": "new_symbol", "session": "date"}),
    "riskfree": ("riskfree", {"session": "date", "yield_pct": "tbill_13w_yield_pct"}),
}


def write_folder(folder: Path, delivery: Delivery, *, suffix: str = "csv") -> Path:
    """Write every table that has rows; as Parquet with dates as dates, as CSV with dates as text."""
    folder.mkdir(parents=True, exist_ok=True)
    for stem, (table, names) in RENAMED.items():
        frame = getattr(delivery, table)
        if len(frame):
            write_table(folder / f"{stem}.{suffix}", frame.rename(columns=names))
    return folder


def write_table(path: Path, frame: pd.DataFrame) -> None:
    """Write one file."""
    days = [name for name in frame.columns if pd.api.types.is_datetime64_any_dtype(frame[name])]
    if path.suffix == ".parquet":
        frame.assign(**{name: frame[name].dt.date for name in days}).to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False, date_format="%Y-%m-%d")
