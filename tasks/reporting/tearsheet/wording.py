"""Describe the basis of a backtest's figures, and where the backtest is optimistic."""

from collections.abc import Mapping, Sequence

from tasks.backtest.combination import Combination, fallbacks
from tasks.backtest.halts import Trip, counts
from tasks.backtest.metrics.worst_days import WorstDay
from tasks.backtest.tear_sheet import Basis, TearSheet
from tasks.core.text import counted
from tasks.reporting.page.numerals import number, short_date, typeset_percent, usd, words
from tasks.risk.ratios import SESSIONS_PER_YEAR

BPS = 10_000

# Also in docs/backtest.md (tests/unit/reporting/tearsheet/test_tearsheet_wording.py).
OPTIMISTIC = (
    "Candidates and settings were chosen with knowledge of this history: the best of many backtests looks too good.",
    "Costs are estimates. The backtest's trades do not move prices, and every order is filled in full at one price.",
    "The safety checks of the daily run are not applied, except the halt rules that stop new risk.",
    "The lake has no pay dates: dividends are paid 15 sessions after the ex-date.",
)


PARTS_EXPLAINED = {
    "market": "mean exposure × the benchmark's return",
    "timing": "exposure above or below its mean × the benchmark's return",
    "sector": "holdings × (sector return − benchmark return)",
    "selection": "holdings × (own return − sector return)",
    "trading": "effect of a session's fills up to its close",
    "interest": "on cash",
    "cost": "commission, fees, slippage and borrow",
}


def headline(basis: Basis) -> str:
    """Return sessions, fills and costs in one line."""
    fills, costs = counted(basis.fills, "fill"), usd(basis.cost_usd + basis.borrow_usd)
    return f"{counted(basis.sessions, 'session')}, {fills}, {costs} of costs"


def reason(day: WorstDay) -> str:
    """Return the largest loss among the parts of a day, and the companies that lost most."""
    lost = ", ".join(f"{name} {typeset_percent(share, 2)}" for name, share in day.names)
    largest = f"{words(day.largest_part)} {typeset_percent(day.parts[day.largest_part], 2)}"
    return f"{largest}. Largest losses: {lost}." if lost else f"{largest}."


def basis_lines(sheet: TearSheet, combination: Combination) -> tuple[str, ...]:
    """Return sessions, fallbacks, fills and costs, survivorship and halts, one or two sentences each."""
    return (
        _sessions(sheet.basis, combination),
        *_replaced(sheet.methods, combination),
        _costs(sheet),
        survivorship(sheet.basis),
        *_halts(sheet.halts, combination),
    )


def _replaced(methods: Mapping[str, int], combination: Combination) -> tuple[str, ...]:
    """Return which fallback methods set the weights, and how often; nothing if none did."""
    others = fallbacks(methods, combination.optimizer)
    if not others:
        return ()
    by_method = ", ".join(f"{words(method)} {count:,}" for method, count in others.items())
    replaced = (
        f"{words(combination.optimizer)} did not set the weights of {sum(others.values()):,} of"
        f" {counted(sum(methods.values()), 'decision')}: a fallback method did ({by_method})."
    )
    return (replaced,)


def _halts(halts: Sequence[Trip], combination: Combination) -> tuple[str, ...]:
    """Return how often a halt rule tripped and what followed; nothing if halts were ignored."""
    if combination.after_halt == "ignore":
        return ()
    if not halts:
        return ("No halt rule of the daily run tripped.",)
    found = counts(halts)
    rules = ", ".join(
        f"{words(rule).lower().replace('sharpe', 'Sharpe')} {count}"
        for rule, count in found.items()
        if rule != "sessions"
    )
    followed = (
        "each halt was reset for the next session"
        if combination.after_halt == "reset"
        else f"nothing was bought from {short_date(halts[0].session)} on"
    )
    sessions = counted(found["sessions"], "session")
    return (f"A halt rule tripped in {sessions} ({rules}): only reductions were allowed, and {followed}.",)


def survivorship(basis: Basis) -> str:
    """Return how many companies the history lacks, and how many listings of the universe ended in it."""
    ended = f"Delisted in these sessions: {basis.ended:,} of {basis.universe:,} companies in the universe."
    if not basis.coverage:
        return (
            "The lake has no index membership: companies that left the index are missing unless they are in the lake,"
            f" so the returns have survivorship bias and are too high. {ended}"
        )
    worst = min(basis.coverage, key=lambda one: one.priced / one.members)
    if worst.priced == worst.members:
        return f"Every member of the index has a price at the end of each year. {ended}"
    return (
        f"The returns have survivorship bias and are too high: only {worst.priced:,} of {worst.members:,} members of"
        f" the index had a price at the end of {worst.session.year}, the year with the fewest. {ended}"
    )


def cadence(combination: Combination) -> str:
    """Return how often the portfolio is rebalanced."""
    every = combination.every_sessions
    return "every session" if every == 1 else f"every {every} sessions"


def _sessions(basis: Basis, combination: Combination) -> str:
    return (
        f"{counted(basis.sessions, 'session')}, from {short_date(combination.first)} to {short_date(combination.last)},"
        f" rebalanced {cadence(combination)}, filled at the {words(combination.fill_at).lower()}. Out-of-sample scores:"
        " each session is scored by a model trained before it."
        f"{'' if combination.uses_regime else ' The regime does not limit exposure, sizes or buys.'}"
    )


def _costs(sheet: TearSheet) -> str:
    basis = sheet.basis
    if not basis.fills:
        return "Nothing was traded."
    years = max(basis.sessions / SESSIONS_PER_YEAR, 1e-9)
    yearly = basis.cost_usd / float(sheet.curve.equity_usd.mean()) / years
    borrow = f" Borrow fees were another {usd(basis.borrow_usd)}." if basis.borrow_usd else ""
    return (
        f"{counted(basis.fills, 'fill')} of {usd(basis.traded_usd)} in total cost {usd(basis.cost_usd)}:"
        f" {number(BPS * basis.cost_usd / basis.traded_usd, 1)} bps of the amount traded, {typeset_percent(yearly, 2)}"
        f" of the mean equity a year.{borrow}"
    )
