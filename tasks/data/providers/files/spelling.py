"""Normalize the symbols of a user's files: unambiguous spellings are corrected and reported, collisions are errors.

Surrounding spaces are removed; a slash before a share class becomes a dot (BRK/B → BRK.B); lower case becomes upper
case. BRK-B is unchanged: it is valid, and whether a class is meant is unknown. Mixed case is unchanged and refused
later: BACpL is not BACPL.
"""

import re
from collections.abc import Mapping

import pandas as pd

from tasks.core.errors import DataError
from tasks.data.providers.files.csv_faults import NOTHING_STORED, quoted

CLASS = re.compile(r"([A-Za-z0-9]+)/([A-Za-z]{1,2})")


def canonical(symbol: str) -> str:
    """Return the normalized symbol."""
    plain = symbol.strip()
    plain = CLASS.sub(r"\1.\2", plain) if CLASS.fullmatch(plain) else plain
    return plain if any(letter.isupper() for letter in plain) else plain.upper()


def canonical_symbols(written: pd.Series, file: str) -> tuple[pd.Series, Mapping[str, str]]:
    """Return the normalized symbols, and a mapping of the changed ones (as written → as stored).

    Raises DataError where two spellings become one symbol.
    """
    codes, spellings = pd.factorize(written)
    became = {str(spelling): canonical(str(spelling)) for spelling in spellings}
    changed = {spelling: symbol for spelling, symbol in became.items() if spelling != symbol}
    if not changed:
        return written, {}
    taken: dict[str, str] = {}
    for spelling, symbol in became.items():
        other = taken.setdefault(symbol, spelling)
        if other != spelling:
            raise DataError(
                f"{file} spells {quoted(symbol)} in two ways: {quoted(other)} and {quoted(spelling)}.",
                remedy=f"Use one spelling for each symbol; {NOTHING_STORED}",
                file=file,
                symbol=symbol,
            )
    normalised = pd.Series(list(became.values()), dtype="str").take(codes)
    return normalised.set_axis(written.index), changed
