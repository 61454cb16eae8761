"""Refuse rows of one file that contradict each other: nothing determines which one is right, not even order."""

from pathlib import Path

import pandas as pd

from tasks.core.errors import DataError
from tasks.data.providers.files.csv_faults import NOTHING_STORED, quoted


def refuse_two_sectors(listings: pd.DataFrame, path: Path | None) -> None:
    """Raise DataError where a symbol has rows with different sectors or cap classes."""
    for column, what in (("sector", "gics_sector"), ("cap_class", "cap_class")):
        claims = listings[["symbol", column]].drop_duplicates()
        twice = claims[claims.duplicated("symbol", keep=False)]
        if len(twice):
            symbol = twice["symbol"].iloc[0]
            values = [quoted(value) for value in twice.loc[twice["symbol"] == symbol, column]]
            raise _refused(
                path, symbol, f"gives {quoted(symbol)} two values for {what}: {values[0]} and {values[1]}"
            )


def refuse_contradictory_spells(members: pd.DataFrame, path: Path | None) -> None:
    """Raise DataError where a membership ends before it begins, or two memberships of one symbol overlap."""
    spells = members.drop_duplicates().sort_values(["symbol", "start", "end"], ignore_index=True)
    for is_wrong, what in (
        (spells["end"] < spells["start"], "ends before it begins"),
        (_overlaps_previous(spells), "overlaps another one"),
    ):
        if is_wrong.any():
            spell = spells[is_wrong].iloc[0]
            text = (
                f"the membership of {quoted(spell['symbol'])} that starts on {spell['start'].date()} {what}"
            )
            raise _refused(path, spell["symbol"], f"is contradictory: {text}")


def _overlaps_previous(spells: pd.DataFrame) -> pd.Series:
    same = spells["symbol"] == spells["symbol"].shift()
    end = spells["end"].shift()
    overlaps: pd.Series = same & (end.isna() | (spells["start"] < end))
    return overlaps


def _refused(path: Path | None, symbol: str, what: str) -> DataError:
    return DataError(
        f"{path} {what}.",
        remedy=f"Keep the row that is right; {NOTHING_STORED}",
        file=str(path),
        symbol=symbol,
    )
