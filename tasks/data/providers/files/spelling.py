"""Read symbols of a person's own files by one rule: what is obvious is put right and told, what collides is an error.

Spaces around a symbol go; a slash before a class becomes a dot (BRK/B → BRK.B); a symbol all in lower case is read in
capitals. BRK-B stays as it is: it may be stored, and nobody can say whether a class is meant. Mixed case stays too, and
is refused later: BACpL is not BACPL.
"""

import re
from collections.abc import Mapping

import pandas as pd

from tasks.core.errors import DataError
from tasks.data.providers.files.csv_faults import NOTHING_STORED, shown

CLASS = re.compile(r"([A-Za-z0-9]+)/([A-Za-z]{1,2})")


def canonical(symbol: str) -> str:
    """Return the symbol as the lake writes it, as far as that is beyond doubt."""
    plain = symbol.strip()
    plain = CLASS.sub(r"\1.\2", plain) if CLASS.fullmatch(plain) else plain
    return plain if any(letter.isupper() for letter in plain) else plain.upper()


def canonical_symbols(written: pd.Series, file: str) -> tuple[pd.Series, Mapping[str, str]]:
    """Return the symbols in canonical form, and those that were written otherwise with what they became.

    Raises DataError where two spellings become one symbol: which rows are whose is not for a program to decide.
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
                f"{file} writes {shown(symbol)} in two ways: {shown(other)} and {shown(spelling)}.",
                remedy=f"Write each symbol in one way; {NOTHING_STORED}",
                file=file,
                symbol=symbol,
            )
    fresh = pd.Series(list(became.values()), dtype="str").take(codes)
    return fresh.set_axis(written.index), changed
