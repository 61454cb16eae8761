"""Turn the lives of companies: mergers, bankruptcies, new symbols, new listings, splits, dividends.

Every chance is the same for all companies whatever their price did, so that no characteristic foretells a jump. What
follows an announcement is open to see but pays nobody: a bought company stands still, a failing one leaves the index
on the day of the news.
"""

import numpy as np

from tasks.simulation.companies import Companies, Life, Slots, Values
from tasks.simulation.ledger import Actions, Delisting, Ledger, Renaming, Spell
from tasks.simulation.parameters import SESSIONS_PER_YEAR

MERGERS_A_YEAR, FAILURES_A_YEAR, RENAMINGS_A_YEAR = 0.025, 0.007, 0.010  # chances of one company
LEAST_AGE = 63  # a new company is left alone for a quarter
DIVIDEND_EVERY = 63
SPLIT_RATIOS, SPLIT_SHARES = np.array([2.0, 3.0, 1.5]), (0.6, 0.2, 0.2)
REVERSE_BELOW_USD, REVERSE_RATIO = 4.0, 0.1
SPLIT_CHANCE = 0.03  # of one session


def announce(
    companies: Companies, ledger: Ledger, row: int, draw: np.random.Generator
) -> tuple[Slots, Values]:
    """Let the night bring news; return whose price jumps and the log jump."""
    chances = draw.random(companies.count) * SESSIONS_PER_YEAR
    (rare,) = (chances < MERGERS_A_YEAR + FAILURES_A_YEAR + RENAMINGS_A_YEAR).nonzero()
    jumps: dict[int, float] = {}
    for slot in rare.tolist():
        extent, sessions = float(draw.random()), int(draw.integers(15, 60))
        if companies.life[slot] != Life.TRADED or companies.age[slot] < LEAST_AGE:
            continue
        if chances[slot] < MERGERS_A_YEAR:
            companies.life[slot], companies.timer[slot] = Life.BOUGHT, sessions
            jumps[slot] = float(np.log(1.15 + 0.30 * extent))
        elif chances[slot] < MERGERS_A_YEAR + FAILURES_A_YEAR:
            companies.life[slot], companies.timer[slot] = Life.FAILING, 5 + sessions // 3
            jumps[slot] = float(np.log(0.20 + 0.25 * extent))
            leave_index(companies, ledger, slot, row)
        else:
            rename(companies, ledger, slot, row)
    return np.array(list(jumps), dtype=np.intp), np.array(list(jumps.values()))


def rename(companies: Companies, ledger: Ledger, slot: int, row: int) -> None:
    """Let the company trade under another symbol from the row on; its index membership goes with it."""
    old, was_member = int(companies.listing[slot]), bool(companies.is_member[slot])
    leave_index(companies, ledger, slot, row)
    ledger.enlist(companies, np.array([slot]), row)
    ledger.renamings.append(Renaming(old, int(companies.listing[slot]), row))
    if was_member:
        companies.is_member[slot], companies.member_since[slot] = True, row


def leave_index(companies: Companies, ledger: Ledger, slot: int, row: int) -> None:
    """End the company's index membership, where it has one: the row is the first one outside."""
    if companies.is_member[slot]:
        listing, since = int(companies.listing[slot]), int(companies.member_since[slot])
        ledger.spells.append(Spell(listing, since, row))
        companies.is_member[slot] = False


def split(companies: Companies, ledger: Ledger, row: int, draw: np.random.Generator) -> Slots:
    """Split what has become too dear, join what has become too cheap, judged on the last close. Return the slots."""
    raw = companies.raw
    (far,) = ((raw > companies.split_above) | (raw < REVERSE_BELOW_USD)).nonzero()
    slots: Slots = far[(companies.life[far] == Life.TRADED) & (companies.age[far] > LEAST_AGE)]
    if not slots.size:
        return slots
    chosen: Slots = slots[draw.random(slots.size) < SPLIT_CHANCE]
    if not chosen.size:
        return chosen
    ratio = draw.choice(SPLIT_RATIOS, size=chosen.size, p=SPLIT_SHARES)
    ratio[raw[chosen] < REVERSE_BELOW_USD] = REVERSE_RATIO
    apart = chosen % DIVIDEND_EVERY != row % DIVIDEND_EVERY  # never on the day of a dividend
    chosen, ratio = chosen[apart], ratio[apart]
    raw[chosen] /= ratio
    companies.shares[chosen] *= ratio
    if chosen.size:
        ledger.actions.append(Actions(row, companies.listing[chosen], np.zeros(chosen.size), ratio))
    return chosen


def pay(companies: Companies, ledger: Ledger, row: int) -> None:
    """Pay the dividends of the session: the price falls by what is paid, the return does not."""
    due = np.arange(row % DIVIDEND_EVERY, companies.count, DIVIDEND_EVERY)
    payer = (companies.life[due] == Life.TRADED) & (companies.dividend_yield[due] > 0)
    due = due[payer & (companies.age[due] > LEAST_AGE)]
    if due.size:
        quarter = companies.raw[due] * companies.dividend_yield[due] / 4
        dividend = np.maximum(np.round(100 * quarter), 1.0) / 100
        companies.raw[due] -= dividend
        ledger.actions.append(Actions(row, companies.listing[due], dividend, np.ones(due.size)))


def turn(companies: Companies, ledger: Ledger, row: int) -> tuple[Slots, Slots]:
    """End the session: return the slots whose company had its last bar, and those that get a new one tomorrow."""
    companies.timer -= 1
    (due,) = (companies.timer <= 0).nonzero()
    empty = companies.life[due] == Life.NONE
    gone, born = due[~empty], due[empty]
    for slot in gone.tolist():
        kind = "merger" if companies.life[slot] == Life.BOUGHT else "bankruptcy"
        last_price = round(max(float(companies.raw[slot]), 0.01), 2)
        ledger.delistings.append(Delisting(int(companies.listing[slot]), row, kind, last_price))
    return gone, born


def bury(companies: Companies, ledger: Ledger, slots: Slots, row: int, draw: np.random.Generator) -> None:
    """Empty the slots from the row on, for some weeks."""
    for slot in slots.tolist():
        leave_index(companies, ledger, slot, row)
    companies.life[slots] = Life.NONE
    companies.timer[slots] = draw.integers(5, 30, slots.size)
