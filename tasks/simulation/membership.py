"""Maintain an index of the larger companies: reviewed each quarter, with a buffer against turnover."""

import numpy as np

from tasks.simulation.companies import CAP_BOUNDS_USD, Companies, Status
from tasks.simulation.events import leave_index
from tasks.simulation.ledger import Ledger

ENTER_WITHIN, LEAVE_BEYOND = 0.87, 0.93  # rank by market cap, as a share of all slots
CAP_MARGIN = 0.15  # a cap class changes only when its bound is passed by this fraction


def review_index(companies: Companies, ledger: Ledger, row: int) -> None:
    """Add the largest companies and remove those that fell behind, by the last close, from the row on."""
    eligible = companies.status == Status.TRADED
    cap = np.where(eligible, companies.cap_usd, -1.0)
    rank = np.empty(companies.count)
    rank[np.argsort(-cap, kind="stable")] = np.arange(companies.count)
    for slot in np.flatnonzero(
        companies.is_member & (rank >= LEAVE_BEYOND * companies.count) & eligible
    ).tolist():
        leave_index(companies, ledger, slot, row)
    entering = eligible & ~companies.is_member & (rank < ENTER_WITHIN * companies.count)
    companies.is_member[entering] = True
    companies.member_since[entering] = row


def review_cap_classes(companies: Companies, ledger: Ledger, row: int) -> None:
    """Reclassify companies whose market cap is clearly in another class."""
    cap = companies.cap_usd
    least = np.searchsorted(CAP_BOUNDS_USD, cap * (1 - CAP_MARGIN))
    most = np.searchsorted(CAP_BOUNDS_USD, cap * (1 + CAP_MARGIN))
    moved = np.clip(companies.cap_class, least, most)
    changed = np.flatnonzero((moved != companies.cap_class) & companies.is_traded)
    companies.cap_class[changed] = moved[changed]
    ledger.classify(companies, changed, row)
