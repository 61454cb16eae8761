"""Simulate company events: mergers, bankruptcies, renames, listings, splits, dividends.

Probabilities are the same for all companies regardless of price, so that no characteristic predicts a jump. What
follows an announcement is public but cannot be exploited: an acquired company hardly moves, a failing one leaves the
index on the day of the news.
"""

import numpy as np

from tasks.simulation.companies import Companies, Slots, Status, Values
from tasks.simulation.ledger import Actions, Delisting, Ledger, Renaming, Spell
from tasks.simulation.parameters import SESSIONS_PER_YEAR

MERGERS_A_YEAR, FAILURES_A_YEAR, RENAMINGS_A_YEAR = 0.025, 0.007, 0.010  # probabilities for one company
MIN_AGE = 63  # no events in a company's first quarter
DIVIDEND_EVERY = 63
SPLIT_RATIOS, SPLIT_SHARES = np.array([2.0, 3.0, 1.5]), (0.6, 0.2, 0.2)
REVERSE_BELOW_USD, REVERSE_RATIO = 4.0, 0.1
SPLIT_PROBABILITY = 0.03  # on one session


def announce(
    companies: Companies, ledger: Ledger, row: int, draw: np.random.Generator
) -> tuple[Slots, Values]:
    """Draw overnight news; return the slots whose price jumps and the log jumps."""
    chances = draw.random(companies.count) * SESSIONS_PER_YEAR
    (rare,) = (chances < MERGERS_A_YEAR + FAILURES_A_YEAR + RENAMINGS_A_YEAR).nonzero()
    jumps: dict[int, float] = {}
    for slot in rare.tolist():
        extent, sessions = float(draw.random()), int(draw.integers(15, 60))
        if companies.status[slot] != Status.TRADED or companies.age[slot] < MIN_AGE:
            continue
        if chances[slot] < MERGERS_A_YEAR:
            companies.status[slot], companies.timer[slot] = Status.ACQUIRED, sessions
            jumps[slot] = float(np.log(1.15 + 0.30 * extent))
        elif chances[slot] < MERGERS_A_YEAR + FAILURES_A_YEAR:
            companies.status[slot], companies.timer[slot] = Status.FAILING, 5 + sessions // 3
            jumps[slot] = float(np.log(0.20 + 0.25 * extent))
            leave_index(companies, ledger, slot, row)
        else:
            rename(companies, ledger, slot, row)
    return np.array(list(jumps), dtype=np.intp), np.array(list(jumps.values()))


def rename(companies: Companies, ledger: Ledger, slot: int, row: int) -> None:
    """Give the company another symbol from the row on; it stays in the index."""
    old, was_member = int(companies.listing[slot]), bool(companies.is_member[slot])
    leave_index(companies, ledger, slot, row)
    ledger.enlist(companies, np.array([slot]), row)
    ledger.renamings.append(Renaming(old, int(companies.listing[slot]), row))
    if was_member:
        companies.is_member[slot], companies.member_since[slot] = True, row


def leave_index(companies: Companies, ledger: Ledger, slot: int, row: int) -> None:
    """End the company's index membership, if any; `row` is the first one outside."""
    if companies.is_member[slot]:
        listing, since = int(companies.listing[slot]), int(companies.member_since[slot])
        ledger.spells.append(Spell(listing, since, row))
        companies.is_member[slot] = False


def split(companies: Companies, ledger: Ledger, row: int, draw: np.random.Generator) -> Slots:
    """Split expensive shares, reverse-split cheap ones, by the last close. Return the slots."""
    raw = companies.raw
    (far,) = ((raw > companies.split_above) | (raw < REVERSE_BELOW_USD)).nonzero()
    slots: Slots = far[(companies.status[far] == Status.TRADED) & (companies.age[far] > MIN_AGE)]
    if not slots.size:
        return slots
    chosen: Slots = slots[draw.random(slots.size) < SPLIT_PROBABILITY]
    if not chosen.size:
        return chosen
    ratio = draw.choice(SPLIT_RATIOS, size=chosen.size, p=SPLIT_SHARES)
    ratio[raw[chosen] < REVERSE_BELOW_USD] = REVERSE_RATIO
    apart = chosen % DIVIDEND_EVERY != row % DIVIDEND_EVERY  # never on an ex-dividend day
    chosen, ratio = chosen[apart], ratio[apart]
    raw[chosen] /= ratio
    companies.shares[chosen] *= ratio
    if chosen.size:
        ledger.actions.append(Actions(row, companies.listing[chosen], np.zeros(chosen.size), ratio))
    return chosen


def pay_dividends(companies: Companies, ledger: Ledger, row: int) -> None:
    """Pay the session's dividends: the price falls by the dividend, the return does not."""
    due = np.arange(row % DIVIDEND_EVERY, companies.count, DIVIDEND_EVERY)
    payer = (companies.status[due] == Status.TRADED) & (companies.dividend_yield[due] > 0)
    due = due[payer & (companies.age[due] > MIN_AGE)]
    if due.size:
        quarter = companies.raw[due] * companies.dividend_yield[due] / 4
        dividend = np.maximum(np.round(100 * quarter), 1.0) / 100
        companies.raw[due] -= dividend
        ledger.actions.append(Actions(row, companies.listing[due], dividend, np.ones(due.size)))


def end_session(companies: Companies, ledger: Ledger, row: int) -> tuple[Slots, Slots]:
    """Return the slots whose company had its last bar, and those that get a new company on the next session."""
    companies.timer -= 1
    (due,) = (companies.timer <= 0).nonzero()
    empty = companies.status[due] == Status.EMPTY
    delisted, listed = due[~empty], due[empty]
    for slot in delisted.tolist():
        kind = "merger" if companies.status[slot] == Status.ACQUIRED else "bankruptcy"
        last_price = round(max(float(companies.raw[slot]), 0.01), 2)
        ledger.delistings.append(Delisting(int(companies.listing[slot]), row, kind, last_price))
    return delisted, listed


def empty_slots(
    companies: Companies, ledger: Ledger, slots: Slots, row: int, draw: np.random.Generator
) -> None:
    """Empty the slots from the row on, for 5 to 29 sessions."""
    for slot in slots.tolist():
        leave_index(companies, ledger, slot, row)
    companies.status[slots] = Status.EMPTY
    companies.timer[slots] = draw.integers(5, 30, slots.size)
