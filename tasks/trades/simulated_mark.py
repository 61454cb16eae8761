"""The mark of a simulated market in the reason of a trade: written into trades.csv, removed where a page is shown.

Any program that opens the file shows the mark with each trade. A page, e-mail or command states it once for all trades.
"""

MARK = "Simulated market"
BEFORE_REASON = f"{MARK}; "


def mark_simulated(note: str) -> str:
    """Put the mark before the portfolio's reason for a trade, which may be empty."""
    return BEFORE_REASON + note if note else MARK


def without_mark(reason: str) -> str:
    """Return the reason of trades.csv without the mark; one that has none is unchanged."""
    if not reason.startswith(BEFORE_REASON):
        return reason
    said = reason.removeprefix(BEFORE_REASON)
    return f"{said[:1].upper()}{said[1:]}"
