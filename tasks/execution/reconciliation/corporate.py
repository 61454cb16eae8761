"""Apply what the lake knows of the names held: symbol changes, dividends due, splits; carry what the broker ignores.

Dividends of the ledger's opening session and before are part of its cash. A vendor's action is not proof: a split needs
a witness (splits.py), and a symbol is changed in the ledger once the broker shows the new one.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from tasks.execution.reconciliation.identity import APPLIED, CARRIED, difference_id, splits_near
from tasks.execution.reconciliation.income import (
    OVERDUE,
    due_cents,
    due_source,
    held_before,
    is_paid_already,
    outstanding,
)
from tasks.execution.reconciliation.schema import CorporateAction, Difference, Rename
from tasks.execution.reconciliation.splits import (
    PriceJump,
    possible_changes,
    price_jump,
    split_text,
    whole_change,
)
from tasks.ledger.entries import Entry

GRACE = timedelta(days=5)  # from the ex-date: a broker applies a split within it, or does not at all
REACH = timedelta(days=30)  # a broker shows a new symbol within it


@dataclass(frozen=True)
class Situation:
    """The moment of judgment. `gaps`: broker's shares less the ledger's, by symbol, where they differ."""

    gaps: Mapping[str, Decimal]
    opened: date
    today: date
    at: datetime
    is_paper: bool


def by_symbol(entries: Iterable[Entry]) -> dict[str, tuple[Entry, ...]]:
    """Return the entries of each symbol, in their order."""
    found: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        found[entry.symbol].append(entry)
    return {symbol: tuple(own) for symbol, own in found.items()}


def renamed(
    renames: Iterable[Rename], shares: Mapping[str, Decimal], now: Situation
) -> tuple[Difference, ...]:
    """Return the symbol changes that the broker shows too: all shares moved from one symbol to the other."""
    found = []
    for rename in renames:
        held = shares.get(rename.old, Decimal(0))
        is_shown = held != 0 and (now.gaps.get(rename.old), now.gaps.get(rename.new)) == (-held, held)
        if is_shown and rename.session <= now.today <= rename.session + REACH:
            found.append(_rename(rename, held, now))
    return tuple(found)


def _rename(rename: Rename, held: Decimal, now: Situation) -> Difference:
    source = f"rename:{rename.old}:{rename.new}:{rename.session}"
    moved = tuple(
        Entry("rename", f"{source}:{way}", rename.session, now.at, symbol, shares)
        for way, symbol, shares in (("out", rename.old, -held), ("in", rename.new, held))
    )
    return Difference(
        difference_id("rename", source),
        "rename",
        rename.new,
        Decimal(0),
        0,
        f"{rename.old} has been {rename.new} since {rename.session}: {held:f} shares.",
        "nothing",
        moved,
    )


def dividends_due(
    actions: Iterable[CorporateAction], own: Mapping[str, Sequence[Entry]], now: Situation
) -> tuple[Difference, ...]:
    """Return the dividends whose ex-date has come, as receivables."""
    found = []
    for action in actions:
        if not action.dividend_usd or not now.opened < action.ex_date <= now.today:
            continue
        entries = own.get(action.symbol, ())
        cents = due_cents(action, held_before(entries, action.symbol, action.ex_date))
        source = due_source(action)
        is_booked = any(entry.source == source for entry in entries)
        if cents == 0 or is_booked or is_paid_already(entries, action, cents):
            continue
        entry = Entry("dividend_due", source, action.ex_date, now.at, action.symbol, receivable_cents=cents)
        sentence = (
            f"{action.symbol} is ex-dividend on {action.ex_date}: {cents / 100:,.2f} USD is receivable."
        )
        found.append(
            Difference(
                difference_id("due", source),
                "dividend",
                action.symbol,
                Decimal(0),
                0,
                sentence,
                "nothing",
                (entry,),
            )
        )
    return tuple(found)


def overdue(entries: Sequence[Entry], now: Situation) -> tuple[Difference, ...]:
    """Return the receivables that were not paid in time: carried in a paper account, else locked."""
    found = []
    for due in outstanding(entries):
        if now.today - due.ex_date <= OVERDUE:
            continue
        carried = Entry(
            "dividend",
            f"{CARRIED}{due.source}",
            now.today,
            now.at,
            due.symbol,
            Decimal(0),
            due.cents,
            -due.cents,
        )
        written_off = Entry(
            "correction", f"overdue:{due.source}", now.today, now.at, due.symbol, receivable_cents=-due.cents
        )
        why = f"The {due.symbol} dividend of {due.ex_date} ({due.cents / 100:,.2f} USD) was not paid within 60 days"
        found.append(
            Difference(
                difference_id("overdue", due.source),
                "dividend",
                due.symbol,
                Decimal(0),
                -due.cents,
                f"{why}: this paper account ignores it, the ledger applies it."
                if now.is_paper
                else f"{why}.",
                "nothing" if now.is_paper else "name",
                (carried,) if now.is_paper else (),
                proposal=None if now.is_paper else written_off,
            )
        )
    return tuple(found)


def splits(
    actions: Iterable[CorporateAction], own: Mapping[str, Sequence[Entry]], now: Situation
) -> tuple[Difference, ...]:
    """Return the splits whose ex-date has come and that are not booked: booked now, or why they cannot be.

    A split that did not happen is booked with no shares: the daily run applies the lake's later splits itself.
    """
    found = []
    for action in actions:
        if action.split == 1 or action.ex_date > now.today:
            continue
        entries = tuple(own.get(action.symbol, ()))
        held = held_before(entries, action.symbol, action.ex_date)
        is_known = any(entry.source == _source(action) for entry in entries)
        if held and not is_known and not splits_near(entries, action.symbol, action.ex_date):
            found.append(_judged(action, held, now))
    return tuple(found)


def _judged(action: CorporateAction, held: Decimal, now: Situation) -> Difference:
    gap = now.gaps.get(action.symbol, Decimal(0))
    jump, name = price_jump(action), f"{action.symbol} {split_text(action.split)} on {action.ex_date}"
    is_applied = gap != 0 and gap in possible_changes(held, action.split)
    whole = whole_change(held, action.split)
    if is_applied and jump in {PriceJump.CONFIRMS, PriceJump.UNCLEAR}:
        return _booked(action, gap, f"Split of {name}: {gap:+f} shares, as the broker shows.", now)
    if jump is PriceJump.CONFIRMS and whole is not None:
        return _booked(action, whole, f"Split of {name}: {whole:+f} shares, as the price shows.", now)
    if jump is PriceJump.REVERSED:
        return _standing(action, gap, f"The lake has a split of {name}; the price moved the other way.", now)
    if jump is PriceJump.NONE and gap == 0:
        return _booked(
            action,
            Decimal(0),
            f"The lake's split of {name} shows in neither price nor position: not applied.",
            now,
        )
    if gap == 0 and now.today - action.ex_date > GRACE:
        return _booked(
            action,
            Decimal(0),
            f"The broker did not apply the lake's split of {name} within {GRACE.days} days.",
            now,
        )
    return _standing(action, gap, f"Split of {name}: not confirmed yet by broker and price.", now)


def _booked(action: CorporateAction, change: Decimal, sentence: str, now: Situation) -> Difference:
    entry = Entry("split", _source(action), action.ex_date, now.at, action.symbol, change)
    return Difference(
        difference_id("split", _source(action)),
        "split",
        action.symbol,
        change,
        0,
        sentence,
        "nothing",
        (entry,),
    )


def _standing(action: CorporateAction, gap: Decimal, sentence: str, now: Situation) -> Difference:
    proposal = Entry("correction", _source(action), now.today, now.at, action.symbol, gap)
    return Difference(
        difference_id("split", _source(action)),
        "split",
        action.symbol,
        gap,
        0,
        sentence,
        "name",
        proposal=proposal,
    )


def _source(action: CorporateAction) -> str:
    return f"split:{action.symbol}:{action.ex_date}"


def unapplied_split(entries: Sequence[Entry], gap: Decimal) -> Entry | None:
    """Return the booked split of the lake that the broker has not applied, if it is exactly the gap."""
    done = {entry.source for entry in entries}
    found = (
        entry
        for entry in entries
        if entry.kind == "split"
        and entry.source.startswith("split:")
        and entry.shares == -gap != 0
        and f"{CARRIED}{entry.source}" not in done
    )
    return next(found, None)


def carried_split(entries: Sequence[Entry], gap: Decimal) -> Entry | None:
    """Return the carried split that the broker applied after all, if it is exactly the gap."""
    done = {entry.source for entry in entries}
    found = (
        entry
        for entry in entries
        if entry.kind == "split"
        and entry.shares == gap != 0
        and f"{CARRIED}{entry.source}" in done
        and f"{APPLIED}{CARRIED}{entry.source}" not in done
    )
    return next(found, None)


def carried_by_us(entries: Iterable[Entry]) -> tuple[dict[str, Decimal], int]:
    """Return the shares and the cash that the ledger has and the paper account lacks, because it ignores actions."""
    entries = tuple(entries)
    sources = {entry.source: entry for entry in entries}
    shares: defaultdict[str, Decimal] = defaultdict(Decimal)
    cash = 0
    for entry in entries:
        if not entry.source.startswith(CARRIED) or f"{APPLIED}{entry.source}" in sources:
            continue
        cash += entry.cash_cents
        about = sources.get(entry.source.removeprefix(CARRIED))
        if about is not None and about.kind == "split":
            shares[about.symbol] += about.shares
    return dict(shares), cash
