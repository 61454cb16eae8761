"""The comparison with the backtest: a record for monitoring_log.json, and sentences for the report.

Amounts are in cents.
"""

from dataclasses import asdict
from typing import Any

from tasks.backtest.parity.schema import LineDifference, Parity, SessionParity
from tasks.core.text import counted, dollars

LINES_LISTED = 20


def parity_record(parity: Parity) -> dict[str, Any]:
    """Return the record: the backtest's positions for today, and every difference."""
    return {
        "state": parity.state,
        "problem": parity.problem,
        "holds": asdict(parity.holds) if parity.holds else None,
        "difference_shares": sum(one.shares for one in parity.sessions),
        "difference_cents": sum(one.cents + abs(one.equity_cents) for one in parity.sessions),
        "sessions": [
            {
                "date": str(one.session),
                "equal": one.is_equal,
                "difference_shares": one.shares,
                "difference_cents": one.cents,
                "difference_equity_cents": one.equity_cents,
                "data_differs": one.data_differs,
                "names": len(one.lines),
                "fills": one.fills,
                "unproposed_shares": one.unproposed_shares,
                "lines": [_line(line) for line in one.lines[:LINES_LISTED]],
            }
            for one in parity.sessions
        ],
        "skipped": [{"date": str(day), "reason": why} for day, why in parity.skipped],
        "restated": [asdict(bar) for bar in parity.restated],
    }


def _line(line: LineDifference) -> dict[str, Any]:
    return {
        "symbol": line.symbol,
        "day": line.day._asdict() if line.day else None,
        "backtest": line.backtest._asdict() if line.backtest else None,
        "day_weight": line.day_weight,
        "backtest_weight": line.backtest_weight,
    }


def parity_headline(parity: Parity) -> str:
    """Return the comparison in one sentence."""
    if parity.state == "not_compared":
        return "Not compared with the backtest"
    if parity.is_first_day and parity.state == "equal":
        return "Equal to the backtest to the share and cent"
    sessions = counted(len(parity.sessions), "session")
    if parity.state == "equal":
        return f"Equal to the backtest to the share and cent, {sessions}"
    differing = [one for one in parity.sessions if not one.is_equal]
    return f"Differs from the backtest in {len(differing)} of {sessions}"


def parity_words(parity: Parity) -> tuple[str, ...]:
    """Return what the result means and what to do, one sentence each."""
    if parity.state == "not_compared":
        why = parity.problem or "; ".join(f"{day}: {reason}" for day, reason in parity.skipped)
        return (
            f"{why.rstrip('.')}.",
            "The trades are not affected. Compare them by hand, or run the day again.",
        )
    said = []
    if parity.holds is not None:
        held = counted(parity.holds.positions, "position")
        said.append(
            f"After today's trades are filled, the champion's backtest holds {held} worth"
            f" {_usd(parity.holds.value_cents)} and {_usd(parity.holds.cash_cents)} in cash."
        )
    if parity.is_first_day:
        said.append("There are no earlier sessions yet, so only today's decision was compared.")
    if parity.state == "different":
        said.append(
            "A published day no longer agrees with the data in the lake: a bar, a split or a file was changed, or the"
            " program has a bug. Do not approve today's trades until you know the cause."
        )
    if changed := [one.session for one in parity.sessions if one.data_differs]:
        said.append(
            f"Bars used in {counted(len(changed), 'session')} (earliest: {min(changed)}) have changed in the lake,"
            " although no correction was recorded."
        )
    if parity.restated:
        bars = ", ".join(f"{bar.symbol} of {bar.session} (known {bar.known})" for bar in parity.restated[:5])
        more = f" and {len(parity.restated) - 5} more" if len(parity.restated) > 5 else ""
        said.append(
            f"The provider corrected {counted(len(parity.restated), 'bar')} of these sessions later: {bars}{more}."
            " Each session was compared using the data known at the time."
        )
    if parity.skipped:
        reasons = "; ".join(f"{day}: {why}" for day, why in parity.skipped[:3])
        said.append(f"Not compared: {counted(len(parity.skipped), 'session')} ({reasons}).")
    return tuple(said)


def differing(parity: Parity) -> tuple[SessionParity, ...]:
    """Return the sessions that differ, latest first."""
    return tuple(one for one in parity.sessions if not one.is_equal)


def _usd(cents: int) -> str:
    return dollars(cents / 100)
