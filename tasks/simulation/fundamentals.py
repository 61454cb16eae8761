"""Simulate filings: quarterly items that follow the market cap slowly and become public weeks after the period.

Items lag prices and never lead them: their predictive value comes only from the planted alpha (simulation/alpha).
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tasks.simulation.companies import NEVER, Companies, Slots, Values
from tasks.simulation.ledger import Filing, Ledger

# USD over the last twelve months or at the period's end; eps and shares in the shares of the filing
ITEMS = ("earnings", "revenue", "book", "market_cap", "shares", "eps")
EARNINGS, BOOK, SHARES, EPS = (ITEMS.index(item) for item in ("earnings", "book", "shares", "eps"))
REPORTING_DELAY = (15, 40)  # sessions between the end of a period and its filing
FISCAL_CALENDARS = 3  # a third of the companies ends its quarters each month


@dataclass
class Reports:
    """Log items of each company (USD), those filed, and those about to be filed."""

    count: int
    earnings: Values = field(init=False)
    revenue: Values = field(init=False)
    book: Values = field(init=False)
    profitability: Values = field(init=False)  # factor on earnings; below zero is a loss
    ratios: Values = field(init=False)  # log ratios of earnings, revenue and book to market cap, by company
    period: NDArray[np.datetime64] = field(init=False)
    pending: Values = field(init=False)  # items × slots
    due: NDArray[np.int64] = field(init=False)  # the row on which the pending items are filed
    public: Values = field(init=False)  # items × slots: the latest filed
    public_period: NDArray[np.datetime64] = field(init=False)

    def __post_init__(self) -> None:
        for name in ("earnings", "revenue", "book"):
            setattr(self, name, np.zeros(self.count))
        self.profitability = np.ones(self.count)
        self.ratios = np.zeros((3, self.count))
        self.period = np.full(self.count, np.datetime64("NaT"), dtype="datetime64[D]")
        self.public_period = self.period.copy()
        self.pending = np.zeros((len(ITEMS), self.count))
        self.due = np.full(self.count, NEVER)
        self.public = np.zeros((len(ITEMS), self.count))


def close_quarter(
    reports: Reports, companies: Companies, row: int, last_day: np.datetime64, draw: np.random.Generator
) -> None:
    """Prepare the items of the companies whose quarter ended on `last_day`, the day before the row."""
    month = int(last_day.astype("datetime64[M]").astype(int))
    slots = np.arange(month % FISCAL_CALENDARS, companies.count, FISCAL_CALENDARS)
    slots = slots[companies.is_traded[slots] & (companies.age[slots] > 0)]
    _draw_quarter(reports, companies, slots, draw)
    reports.period[slots] = last_day
    reports.due[slots] = row + draw.integers(*REPORTING_DELAY, slots.size)


def _draw_quarter(reports: Reports, companies: Companies, slots: Slots, draw: np.random.Generator) -> None:
    cap = np.log(companies.cap_usd[slots])
    noise = draw.standard_normal((4, slots.size))
    for number, (item, speed, spread) in enumerate(
        ((reports.earnings, 0.20, 0.06), (reports.revenue, 0.10, 0.03), (reports.book, 0.10, 0.02))
    ):
        usual = cap + reports.ratios[number, slots]
        item[slots] += speed * (usual - item[slots]) + spread * noise[number]
    reports.profitability[slots] += 0.2 * (1 - reports.profitability[slots]) + 0.2 * noise[3]
    income = np.exp(reports.earnings[slots]) * reports.profitability[slots]
    shares = companies.shares[slots]
    book, revenue = np.exp(reports.book[slots]), np.exp(reports.revenue[slots])
    reports.pending[:, slots] = np.stack([income, revenue, book, np.exp(cap), shares, income / shares])


def file_reports(reports: Reports, companies: Companies, ledger: Ledger, row: int, split: Slots) -> None:
    """File the items that are due; a split restates share counts and EPS on its day."""
    (due,) = (reports.due == row).nonzero()
    due = due[companies.is_traded[due]]
    if not due.size + split.size:
        return
    if split.size:
        for items in (reports.pending, reports.public):
            previous, now = items[SHARES, split], companies.shares[split]
            ratio = now / np.where(previous > 0, previous, now)  # nothing is filed before the first row
            items[SHARES, split] *= ratio
            items[EPS, split] /= ratio
    reports.public[:, due] = reports.pending[:, due]
    reports.public_period[due] = reports.period[due]
    reports.due[due] = NEVER
    slots = np.union1d(due, split) if split.size else due
    period = reports.public_period[slots]
    ledger.filings.append(Filing(row, companies.listing[slots], period, reports.public[:, slots]))


def initialise_reports(
    reports: Reports,
    companies: Companies,
    slots: Slots,
    row: int,
    last_day: np.datetime64,
    draw: np.random.Generator,
) -> None:
    """Draw the items of new companies, public on their first session."""
    ratios = np.log([[0.05], [0.7], [0.4]]) + draw.standard_normal((3, slots.size)) * [[0.5], [0.6], [0.5]]
    reports.ratios[:, slots] = ratios
    items = (reports.earnings, reports.revenue, reports.book)
    for own, item in zip(ratios, items, strict=True):
        item[slots] = np.log(companies.cap_usd[slots]) + own + 0.2 * draw.standard_normal(slots.size)
    reports.profitability[slots] = 1.0
    _draw_quarter(reports, companies, slots, draw)
    reports.period[slots] = last_day
    reports.due[slots] = row
