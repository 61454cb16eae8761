"""Comparisons of a day with its backtest, for tests of what is written about them."""

from datetime import date

from tasks.backtest.parity.schema import (
    ComparedDay,
    Holds,
    LineDifference,
    Parity,
    RecordedDay,
    SessionParity,
    Trade,
)


def make_recorded(session: date, **given) -> RecordedDay:
    """Return a record of a day that holds nothing and proposes nothing."""
    nothing = {
        "held": {},
        "price_cents": {},
        "cash_cents": 10_000_000,
        "weights": {},
        "trades": {},
        "scores": {},
        "optimizer": "max_sharpe",
        "ranks": True,
        "score_to_return": 0.1,
        "state": "BULL",
        "volatility_pct": 15.0,
        "reductions_only": False,
    }
    return RecordedDay(session=session, **(nothing | given))


def make_difference(symbol: str = "XNTH") -> LineDifference:
    return LineDifference(
        symbol, Trade("BUY", 100, 5_000, 120), Trade("BUY", 90, 5_000, 108), "0.0500000000", "0.0450000000"
    )


def make_parity(*sessions: date, differs: tuple[date, ...] = (), **given) -> Parity:
    """Return a comparison of these sessions, latest first; those in `differs` have one differing name."""
    compared = tuple(
        SessionParity(day, (make_difference(),) if day in differs else (), 0, 0, 0) for day in sessions
    )
    held = {
        "skipped": (),
        "restated": (),
        "holds": Holds(20, 95_000_00, 5_000_00),
        "recorded_sha256": "0" * 64,
    }
    return Parity(sessions=compared, **(held | given))


def make_compared(session: date, parity: Parity | None = None) -> ComparedDay:
    return ComparedDay(make_recorded(session), "basis", parity or make_parity(session))
