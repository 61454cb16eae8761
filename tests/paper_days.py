"""Sessions of a simulated home through the product's own flow: made, approved, executed at the paper broker.

`run_sessions` yields the account after each session; `backtest_of` is the backtest over the same sessions: its own
scores, regime, decisions and fills, from the cash of the home. Nothing of the days is given to it.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from config.sections import Candidate
from flows.daily import daily_live
from flows.execute import execute_approved
from flows.operations.trading.reconcile import reconcile_home
from flows.terminal import Options
from tasks.approval.decisions import add_approver, add_signature, examine, make_signature
from tasks.approval.keys import create_key, public_key
from tasks.backtest.build import known_companies
from tasks.backtest.combination import Combination, run_combination
from tasks.backtest.halts import Halts
from tasks.backtest.scoring.store import read_revisions
from tasks.backtest.signals import regime_path, signals_of
from tasks.backtest.start import columns_of
from tasks.backtest.walk import Walk
from tasks.backtest.world import World
from tasks.core.clock import clock_set_to, now
from tasks.core.homes.home import Home
from tasks.core.homes.opening import open_run, settings_of
from tasks.core.homes.run import Run
from tasks.core.sessions import session_after, session_on
from tasks.data.panel.companies import CompanyIndex
from tasks.data.task import refresh_market
from tasks.ledger.anchor import is_begun as has_ledger
from tasks.ledger.balance import balance_of
from tasks.ledger.database import opened
from tasks.ledger.store import entries
from tests.homes import configure
from tests.parity import Bench, Case, make_bench, promote

CANDIDATE = Candidate(name="trees", kind="lightgbm", parameters={"rounds": 20})
OPTIMIZER = "max_sharpe"
NAMES = 110
FIRST_BAR, FIRST = date(2022, 1, 3), date(2023, 11, 6)  # FIRST: the day after the second fold begins
# Whatever would make the home deviate from a backtest is off, and stated here. A backtest has no approval bands, no
# checks of a day that block it, and no limits of a session over all runs; it trades the champion of a fold however old
# it is, and its rules of a halt are ignored below.
SETTINGS: dict[str, Any] = {
    "data": {
        "simulated": {
            "symbols": NAMES,
            "first_session": str(FIRST_BAR),
            "seed": 11,
            "information_coefficient": 0.2,
        },
    },
    "models": {
        "train_sessions": 126,
        "min_train_sessions": 63,
        "test_sessions": 126,
        "max_age_days": 3_650,
    },
    "approval": {"price_band_frac": 1.0},
    "safety": {
        "max_buys_frac": 1.0,
        "max_trade_frac": 1.0,
        "max_cost_frac": 1.0,
        "max_daily_notional_frac": 10.0,
        "kill_daily_loss_frac": 1.0,
        "kill_sharpe": -100.0,
        "kill_volatility": 1_000.0,
    },
    "execution": {
        "max_equity_change_frac": 1.0,
        "min_price_usd": 0.0,
        "ramp_sessions": 0,
        "max_name_sessions": 252,
        "name_sessions": 252,
    },
}


@dataclass(frozen=True)
class Held:
    """The account after a session: from the ledger, and as the broker and the bridge state it."""

    session: date
    shares: Mapping[str, int]
    cash_cents: int
    receivable_cents: int
    bridge: tuple[tuple[str, str, int], ...]  # step, cause, cents; () without an execution
    orders: int
    differences: int


def make_paper_home(folder: Path, settings: dict[str, Any] = SETTINGS, optimizer: str = OPTIMIZER) -> Home:
    """Return a home whose lake ends with FIRST, with the model of its fold in production."""
    bench = _bench(configure(folder / "home", settings), FIRST, folder)
    promote(bench, Case(bench.world.row(np.datetime64(FIRST)), CANDIDATE, optimizer, {}, 0), bench.home)
    return bench.home


class Approver:
    """The approver of a test."""

    name = "Ann Lee"

    def __init__(self, place: Home) -> None:
        self._key = create_key()
        add_approver(place, self.name, public_key(self._key), "Root", "a test", evening(FIRST))

    def approve(self, run: Run) -> None:
        """Sign the day."""
        add_signature(run, make_signature(examine(run, now()), self.name, self._key, reason=""), now())


def run_sessions(place: Home, count: int) -> Iterator[Held]:
    """Run the sessions from FIRST on; yield what is held after the close of each, the first one included."""
    session, settings = FIRST, settings_of(place, None, environ={}).settings
    approver = Approver(place)
    earlier: Run | None = None
    for number in range(count + 1):
        run = Run(place, session_on(session), evening(session), settings)
        with clock_set_to(run.as_of):
            with open_at(place, session) as opened_run:
                refresh_market(opened_run)
            if number:
                yield _carried(run, earlier)
            with open_at(place, session) as opened_run:
                daily_live(opened_run)
            earlier = None
            if _proposes_trades(run):
                approver.approve(run)
                execute(run)
                earlier = run
            if not number:
                yield _held(run, {})
        session = session_after(session)


def backtest_of(place: Home, last: date, scratch: Path) -> tuple[Walk, World, CompanyIndex]:
    """Return the backtest of the candidate from FIRST to `last`, on the lake that the days have filled."""
    bench = _bench(place.root, last, scratch)
    stored, world, settings = bench.scores[CANDIDATE.name], bench.world, bench.settings
    path = regime_path(bench.regimes, settings.regime)
    combination = Combination(
        CANDIDATE.name, OPTIMIZER, FIRST, last, "next_open", every_sessions=1, after_halt="ignore"
    )
    signals = signals_of(
        world,
        stored.values,
        stored.folds,
        path.allowed,
        kind=CANDIDATE.kind,
        optimizer=OPTIMIZER,
        models=settings.models,
    )
    halts = Halts(world, settings, path.volatility_pct, after="ignore")
    course = run_combination(world, signals, settings, combination, halts)
    companies = known_companies(read_revisions(bench.snapshot, ("lives", "renames")), world.sessions)
    return course, world, companies


def differences(course: Walk, world: World, companies: CompanyIndex, held: Held) -> list[str]:
    """Return what differs between the backtest and the home after one session, the equity of record included."""
    row = int(np.searchsorted(course.sessions, np.datetime64(held.session)))
    columns = columns_of(world, companies, held.shares, held.session)
    ours = np.zeros(len(world.company), dtype=np.int64)
    for symbol, shares in held.shares.items():
        ours[columns[symbol]] = shares
    found = [
        f"{world.symbol[c]}: {ours[c]} held, {course.shares[row, c]} in the backtest"
        for c in np.flatnonzero(ours != course.shares[row])
    ]
    equity = held.cash_cents + held.receivable_cents + int((ours * course.price[row]).sum())
    for what, mine, theirs in (
        ("cash", held.cash_cents, course.cash[row]),
        ("receivable", held.receivable_cents, course.receivable[row]),
        ("equity", equity, course.equity[row]),
    ):
        if mine != theirs:
            found.append(f"{what}: {mine} cents, {theirs} in the backtest")
    if held.bridge and held.bridge[-1] != ("broker", "equity of record", equity - held.receivable_cents):
        found.append(f"equity of record: {held.bridge[-1]}, {equity - held.receivable_cents} cents here")
    return found


def _carried(run: Run, earlier: Run | None) -> Held:
    """Execute the trades of the session before with the bars of this one; without trades only reconcile."""
    if earlier is not None:
        execute(earlier)
        return _held(run, json.loads((run.home.day_folder(earlier.session) / "execution.json").read_text()))
    if has_ledger(run.home):
        reconcile_home(Options(home=run.home.root))
    return _held(run, {})


def execute(run: Run) -> None:
    """Do what can be done now, without waiting."""
    execute_approved(run, dry_run=False, longest_wait=timedelta(0), sleep=lambda _: None)


def _held(run: Run, document: Mapping[str, Any]) -> Held:
    with opened(run.home) as connection:
        balance = balance_of(entries(connection))
    return Held(
        run.session.day,
        {symbol: int(shares) for symbol, shares in balance.shares.items()},
        balance.cash_cents,
        balance.receivable_cents,
        tuple(
            (one["step"], one["cause"], round(Decimal(one["usd"]) * 100))
            for one in document.get("bridge", ())
        ),
        len(document.get("orders", ())),
        len(document.get("differences") or ()),
    )


def _bench(home: Path, last: date, scratch: Path) -> Bench:
    with open_at(Home(home), last) as run:
        snapshot = refresh_market(run).snapshot
    return make_bench(home, snapshot, (CANDIDATE,), scratch / "case")


def open_at(place: Home, session: date) -> AbstractContextManager[Run]:
    """Open a run of the session, without the environment of the machine."""
    return open_run(home=place.root, day=str(session), profile=None, doing="test", environ={})


def _proposes_trades(run: Run) -> bool:
    _, *trades = (run.home.day_folder(run.session) / "trades.csv").read_text().splitlines()
    return bool(trades)


def evening(session: date) -> datetime:
    """Return an hour after the close."""
    closes_at = session_on(session).closes_at
    assert closes_at is not None
    return closes_at + timedelta(hours=1)
