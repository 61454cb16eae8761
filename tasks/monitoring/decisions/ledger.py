"""Read the decision ledger of a home through its views: proposals, approvals, rejections, and trades made by hand."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

from config.settings import Settings
from tasks.approval.store import read_day
from tasks.core.errors import AftercloseError
from tasks.core.homes.home import Home
from tasks.core.json_text import parse_json
from tasks.core.sessions import session_on, sessions_between
from tasks.data.lake.head import read_head
from tasks.data.lake.storage.location import lake_of
from tasks.data.lake.store import make_snapshot, read_tables
from tasks.data.panel.companies import company_index
from tasks.data.panel.reader import panel_rules, read_prices
from tasks.monitoring.decisions.changes import changes_of
from tasks.monitoring.decisions.outcomes import Prices, outcome_of, totals_of
from tasks.monitoring.decisions.schema import Change, DecidedDay, DecisionLedger, Line
from tasks.monitoring.store import Views, open_views
from tasks.portfolio.holdings.events import events_of

WARM_SESSIONS = 5  # of prices before the first decision

PROPOSED = """SELECT session, symbol, CASE side WHEN 'BUY' THEN shares ELSE -shares END AS shares, price,
commission_est + slippage_est AS cost_usd FROM trades WHERE session BETWEEN '{first}' AND '{last}' ORDER BY ALL"""
APPROVED = """SELECT session, symbol, CASE side WHEN 'BUY' THEN shares ELSE -shares END AS shares, price,
0.0 AS cost_usd FROM approved_lines WHERE session BETWEEN '{first}' AND '{last}' ORDER BY ALL"""
DAYS = "SELECT session FROM days WHERE problem = '' AND session BETWEEN '{first}' AND '{last}' ORDER BY 1"
EXECUTED = "SELECT session FROM executions WHERE stage <> 'lapsed' AND session BETWEEN '{first}' AND '{last}'"
DECIDED = """SELECT session, arg_max(decision, decided_at) AS decision, arg_max(person, decided_at) AS person,
arg_max(reason, decided_at) AS reason FROM decisions WHERE session BETWEEN '{first}' AND '{last}' GROUP BY session"""
MANUAL = """SELECT session, symbol, shares, fee_usd, person, reason FROM entries
WHERE kind = 'manual_trade' AND symbol <> '' AND session BETWEEN '{first}' AND '{last}' ORDER BY number"""


def decision_ledger(home: Home, settings: Settings, first: date, last: date) -> DecisionLedger:
    """Return the ledger of the decisions about the sessions of a period, both ends included.

    A day that is still open (the session after it has not closed in the lake) is not a decision yet.
    """
    period = {"first": first.isoformat(), "last": last.isoformat()}
    with open_views(home, settings) as views:
        days = [_with_note(home, day) for day in _decided_days(views, period)]
        manual = [_manual(row) for row in _rows(views, MANUAL, period)]
    prices = _prices(home, settings, first)
    if prices is not None:
        days = [day for day in days if day.session < prices.panel.sessions[-1].item()]
    changes = [change for day in days for change in changes_of(day)]
    outcomes = () if prices is None else tuple(outcome_of(one, prices) for one in (*changes, *manual))
    return DecisionLedger(
        first=first,
        last=last,
        proposed_days=len(days),
        approved_days=sum(day.approved is not None for day in days),
        rejected_days=sum(day.approved is None and day.is_rejected for day in days),
        lapsed_days=sum(day.approved is None and not day.is_rejected for day in days),
        proposed_lines=sum(len(day.proposed) for day in days),
        changed_lines=len(changes),
        outcomes=outcomes,
        totals=() if prices is None else totals_of(outcomes, prices),
    )


def _decided_days(views: Views, period: dict[str, str]) -> Iterator[DecidedDay]:
    proposed, approved = (_lines(views, question, period) for question in (PROPOSED, APPROVED))
    executed = {row["session"] for row in _rows(views, EXECUTED, period)}
    decided = {row["session"]: row for row in _rows(views, DECIDED, period)}
    for row in _rows(views, DAYS, period):
        session = row["session"]
        said = decided.get(session, {})
        yield DecidedDay(
            session=session,
            proposed=tuple(proposed.get(session, ())),
            approved=tuple(approved.get(session, ())) if session in executed else None,
            is_rejected=said.get("decision") == "rejected",
            person=said.get("person", ""),
            reason=said.get("reason", ""),
        )


def _with_note(home: Home, day: DecidedDay) -> DecidedDay:
    """Name who revised the day, and why, instead of who approved the revision, where it can be read."""
    if day.approved is None or not any(changes_of(day)):
        return day
    try:
        _, manifest, _ = read_day(home, session_on(day.session))
        note = parse_json(manifest)["revision"]
        return replace(day, person=str(note["by"]), reason=str(note["reason"]))
    except (AftercloseError, ValueError, KeyError, TypeError):
        return day


def _lines(views: Views, question: str, period: dict[str, str]) -> dict[date, list[Line]]:
    found: dict[date, list[Line]] = {}
    for row in _rows(views, question, period):
        line = Line(row["symbol"], row["shares"], row["price"], row["cost_usd"])
        found.setdefault(row["session"], []).append(line)
    return found


def _manual(row: dict[str, Any]) -> Change:
    """A trade by hand counts from the session after it, as the others do."""
    named = {name: str(row[name]) for name in ("symbol", "person", "reason")}
    return Change(
        row["session"], kind="manual", proposed=0.0, decided=row["shares"], cost_usd=row["fee_usd"], **named
    )


def _rows(views: Views, question: str, period: dict[str, str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = views.ask(question.format(**period)).to_pylist()
    return rows


def _prices(home: Home, settings: Settings, first: date) -> Prices | None:
    """Return the prices from shortly before the first decision on, and all splits; None without a lake."""
    lake = lake_of(home, settings)
    head = read_head(lake)
    if head is None or head.last_session is None or head.last_session < first:
        return None
    window = len(sessions_between(first, head.last_session)) + WARM_SESSIONS
    snapshot = make_snapshot(lake, head, head.last_session, panel_rules(settings))
    tables = read_tables(lake, snapshot.versions, ("actions", "lives", "renames"), session=snapshot.session)
    companies = company_index(tables["lives"], tables["renames"])
    splits = events_of(tables["actions"], companies).splits
    return Prices(read_prices(snapshot, window=window), splits, companies)
