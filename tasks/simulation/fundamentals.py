"""Let companies report: quarterly figures that follow the market cap slowly and become public weeks after the period.

Figures look back only. They lag prices and never lead them: what value there is in them is planted in alpha.py.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tasks.simulation.companies import NEVER, Companies, Slots, Values
from tasks.simulation.ledger import Filing, Ledger

# USD over the last twelve months or at the period's end; eps and shares as the filing counts them
FIGURES = ("earnings", "revenue", "book", "market_cap", "shares", "eps")
EARNINGS, SHARES, EPS = FIGURES.index("earnings"), FIGURES.index("shares"), FIGURES.index("eps")
REPORTING_DELAY = (15, 40)  # sessions between the end of a period and its filing
FISCAL_CALENDARS = 3  # a third of the companies ends its quarters each month


@dataclass
class Reports:
    """What companies are worth on paper (log USD), what they have filed, and what they are about to file."""

    count: int
    earnings: Values = field(init=False)
    revenue: Values = field(init=False)
    book: Values = field(init=False)
    fortune: Values = field(init=False)  # factor on earnings; below zero is a loss
    ratios: Values = field(init=False)  # each company's own log earnings, revenue and book over market cap
    period: NDArray[np.datetime64] = field(init=False)
    pending: Values = field(init=False)  # figures × slots
    due: NDArray[np.int64] = field(init=False)  # the row on which the pending figures are filed
    public: Values = field(init=False)  # figures × slots: the latest that were filed
    public_period: NDArray[np.datetime64] = field(init=False)

    def __post_init__(self) -> None:
        for name in ("earnings", "revenue", "book"):
            setattr(self, name, np.zeros(self.count))
        self.fortune = np.ones(self.count)
        self.ratios = np.zeros((3, self.count))
        self.period = np.full(self.count, np.datetime64("NaT"), dtype="datetime64[D]")
        self.public_period = self.period.copy()
        self.pending = np.zeros((len(FIGURES), self.count))
        self.due = np.full(self.count, NEVER)
        self.public = np.zeros((len(FIGURES), self.count))


def close_quarter(
    reports: Reports, companies: Companies, row: int, last_day: np.datetime64, draw: np.random.Generator
) -> None:
    """Draw up the figures of the companies whose quarter ended on `last_day`, the eve of the row."""
    month = int(last_day.astype("datetime64[M]").astype(int))
    slots = np.arange(month % FISCAL_CALENDARS, companies.count, FISCAL_CALENDARS)
    slots = slots[companies.is_traded[slots] & (companies.age[slots] > 0)]
    _book_quarter(reports, companies, slots, draw)
    reports.period[slots] = last_day
    reports.due[slots] = row + draw.integers(*REPORTING_DELAY, slots.size)


def _book_quarter(reports: Reports, companies: Companies, slots: Slots, draw: np.random.Generator) -> None:
    cap = np.log(companies.cap_usd[slots])
    noise = draw.standard_normal((4, slots.size))
    for number, (figure, speed, spread) in enumerate(
        ((reports.earnings, 0.20, 0.06), (reports.revenue, 0.10, 0.03), (reports.book, 0.10, 0.02))
    ):
        usual = cap + reports.ratios[number, slots]
        figure[slots] += speed * (usual - figure[slots]) + spread * noise[number]
    reports.fortune[slots] += 0.2 * (1 - reports.fortune[slots]) + 0.2 * noise[3]
    income = np.exp(reports.earnings[slots]) * reports.fortune[slots]
    shares = companies.shares[slots]
    book, revenue = np.exp(reports.book[slots]), np.exp(reports.revenue[slots])
    reports.pending[:, slots] = np.stack([income, revenue, book, np.exp(cap), shares, income / shares])


def file_reports(reports: Reports, companies: Companies, ledger: Ledger, row: int, split: Slots) -> None:
    """Make public what is due; a split restates the figures that count shares, on its own day."""
    (due,) = (reports.due == row).nonzero()
    due = due[companies.is_traded[due]]
    if not due.size + split.size:
        return
    if split.size:
        for figures in (reports.pending, reports.public):
            held, now = figures[SHARES, split], companies.shares[split]
            ratio = now / np.where(held > 0, held, now)  # nothing is filed yet on the very first row
            figures[SHARES, split] *= ratio
            figures[EPS, split] /= ratio
    reports.public[:, due] = reports.pending[:, due]
    reports.public_period[due] = reports.period[due]
    reports.due[due] = NEVER
    slots = np.union1d(due, split) if split.size else due
    period = reports.public_period[slots]
    ledger.filings.append(Filing(row, companies.listing[slots], period, reports.public[:, slots]))


def open_books(
    reports: Reports,
    companies: Companies,
    slots: Slots,
    row: int,
    last_day: np.datetime64,
    draw: np.random.Generator,
) -> None:
    """Let companies come to the market with books of their own, public on their first session."""
    ratios = np.log([[0.05], [0.7], [0.4]]) + draw.standard_normal((3, slots.size)) * [[0.5], [0.6], [0.5]]
    reports.ratios[:, slots] = ratios
    figures = (reports.earnings, reports.revenue, reports.book)
    for own, figure in zip(ratios, figures, strict=True):
        figure[slots] = np.log(companies.cap_usd[slots]) + own + 0.2 * draw.standard_normal(slots.size)
    reports.fortune[slots] = 1.0
    _book_quarter(reports, companies, slots, draw)
    reports.period[slots] = last_day
    reports.due[slots] = row
