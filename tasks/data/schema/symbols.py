"""Validate symbols. A symbol becomes part of file names, pages and orders, so the pattern is narrow.

Never corrects a symbol: `brk.b` is not `BRK.B` until the provider says so.
"""

import re

PATTERN = re.compile(r"[A-Z0-9][A-Z0-9.\-^=]{0,15}")
LEVEL_PATTERN = re.compile(r"[A-Z0-9^][A-Z0-9.\-^=]{0,15}")

# Names with another meaning: Windows devices, and the cash row of the portfolio.
RESERVED = frozenset(
    {"CON", "PRN", "AUX", "NUL", "CASH"} | {f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10)}
)


def is_safe_symbol(symbol: str) -> bool:
    """Return whether the lake accepts the symbol."""
    return PATTERN.fullmatch(symbol) is not None and symbol.split(".", maxsplit=1)[0] not in RESERVED


def is_safe_level_name(name: str) -> bool:
    """Return whether the lake accepts the name of an index or benchmark; these may begin with a caret."""
    return LEVEL_PATTERN.fullmatch(name) is not None
