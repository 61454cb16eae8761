"""Reconcile the ledger with the broker's account, and settle a difference in the name of a person."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from config.settings import Settings
from flows.announcing import posts_news
from flows.terminal import Options, Result
from tasks.core.clock import now
from tasks.core.errors import BrokerError, ConfigError, SafetyError
from tasks.core.homes.home import Home
from tasks.core.homes.opening import find_home, settings_of
from tasks.core.masking import mask_logs
from tasks.core.sessions import last_closed_session, session_after
from tasks.core.text import counted, dollars
from tasks.execution.brokers.base import Broker
from tasks.execution.brokers.registry import open_broker, stored_market
from tasks.execution.reconciliation.explain import DECLARED, Explanation
from tasks.execution.reconciliation.own_orders import all_order_ids
from tasks.execution.reconciliation.reconciling import explain, reconcile
from tasks.execution.reconciliation.schema import Difference, Reconciliation
from tasks.ledger.database import opened
from tasks.safety.audit import record

SCOPES: Mapping[str, str] = {"nothing": "", "name": "this name", "all": "everything"}


@posts_news
def reconcile_home(options: Options) -> Result:
    """Compare, book what is explained, block the rest. Exits 3 if something is blocked, 7 without an answer."""
    home, settings, at = _home(options)
    return _result(home, reconcile(home, settings, _broker(home, settings, at), at))


@posts_news
def explain_difference(options: Options, said: Explanation) -> Result:
    """Book an open difference as the person states, or acknowledge it; log who, then reconcile again."""
    home, settings, at = _home(options)
    if said.kind not in DECLARED:
        raise ConfigError(
            f"--as {said.kind} is not a kind of explanation.",
            remedy=f"Use one of {', '.join(sorted(DECLARED))}.",
        )
    detail = f"{said.difference_id} as {said.kind}: {said.reason}"
    found = explain(
        home,
        settings,
        _broker(home, settings, at),
        at,
        said,
        log=lambda: record(home, event="difference_explained", by=said.by, detail=detail, at=now()),
    )
    return _result(home, found)


def _home(options: Options) -> tuple[Home, Settings, datetime]:
    mask_logs()
    home = find_home(options.home)
    return home, settings_of(home, options.profile).settings, now()


def _broker(home: Home, settings: Settings, at: datetime) -> Broker:
    with opened(home) as connection:
        ours = all_order_ids(connection)
    return open_broker(
        home,
        settings,
        stored_market(home, settings),
        fill_session=session_after(last_closed_session(at).day),
        clock=now,
        is_ours=ours.__contains__,
    )


def _result(home: Home, found: Reconciliation) -> Result:
    code = BrokerError.exit_code if found.is_unanswered else SafetyError.exit_code if found.locks else 0
    return Result(_document(home, found), _text(found), code)


def _document(home: Home, found: Reconciliation) -> dict[str, object]:
    return {
        "home": str(home.root),
        "at": found.at.isoformat(),
        "preliminary": found.is_preliminary,
        "blocks_all": found.blocks_all,
        "equity_cents": found.equity_cents,
        "book_equity_cents": found.book_equity_cents,
        "booked": [
            {
                "kind": entry.kind,
                "source": entry.source,
                "session": str(entry.session),
                "symbol": entry.symbol,
                "shares": f"{entry.shares:f}",
                "cash_cents": entry.cash_cents,
                "receivable_cents": entry.receivable_cents,
            }
            for entry in found.bookings
        ],
        "differences": [
            {
                "id": item.difference_id,
                "kind": item.kind,
                "symbol": item.symbol,
                "shares": f"{item.shares:f}",
                "cents": item.cents,
                "blocks": item.blocks,
                "waiting": item.is_waiting,
                "explanation": item.explanation,
            }
            for item in found.standing
        ],
        "locks": [
            {
                "symbol": lock.symbol,
                "id": lock.difference_id,
                "since": lock.since.isoformat(),
                "reason": lock.reason,
            }
            for lock in found.locks
        ],
    }


def _text(found: Reconciliation) -> str:
    lines = [_headline(found)]
    if found.bookings:
        lines += ["", f"Booked {counted(len(found.bookings), 'entry', 'entries')}:"]
        lines += [f"  {item.explanation}" for item in found.differences if item.bookings]
    if found.standing:
        lines += ["", "Open:", *_table(found.standing)]
    if any(item.proposal is not None or item.kind == "manual_trade" for item in found.standing):
        kinds = ", ".join(sorted(DECLARED))
        how = "`afterclose reconcile --explain ID --as KIND --by NAME --reason TEXT`"
        lines += ["", f"To settle one: {how}, where KIND is one of {kinds}."]
    return "\n".join([*lines, "", *_equity(found)])


def _headline(found: Reconciliation) -> str:
    if found.is_unanswered:
        return "The broker did not answer every request: nothing was compared, and nothing may be bought. Try again."
    if found.is_preliminary:
        return (
            "The broker's nightly processing is under way: these figures are preliminary. Nothing was booked, and no "
            "block was added or removed."
        )
    if any(not lock.symbol for lock in found.locks):
        return "The ledger does not agree with the broker: nothing may be bought until the cause is settled."
    if found.locks:
        names = ", ".join(sorted(found.locked_symbols))
        return f"Nothing may be bought in {names} until the difference is gone; sells pass."
    return "The ledger agrees with the broker."


def _table(items: Sequence[Difference]) -> list[str]:
    rows = [("id", "kind", "symbol", "shares", "USD", "blocks")]
    rows += [
        (
            item.difference_id,
            item.kind.replace("_", " "),
            item.symbol,
            f"{item.shares:+f}" if item.shares else "",
            f"{item.cents / 100:+,.2f}" if item.cents else "",
            SCOPES[item.blocks],
        )
        for item in items
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    cells = [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows
    ]
    return [
        cells[0],
        *(
            text
            for row, item in zip(cells[1:], items, strict=True)
            for text in (row, f"    {item.explanation}")
        ),
    ]


def _equity(found: Reconciliation) -> list[str]:
    if found.equity_cents is None:
        return []
    record_usd = f"Equity of record (the broker's account): {dollars(found.equity_cents / 100)}."
    if found.book_equity_cents is None:
        return [record_usd]
    return [
        record_usd,
        f"Ledger at last prices, dividends due included: {dollars(found.book_equity_cents / 100)}.",
    ]
