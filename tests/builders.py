"""Build settings, runs and panels for tests. What matters to a test is in its arguments."""

from copy import deepcopy
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from config.settings import Settings
from tasks.core.homes.home import Home
from tasks.core.homes.run import Run
from tasks.core.sessions import session_on, sessions_ending
from tasks.data.schema.records import Panel

BASE_YAML = Path(__file__).parents[1] / "config" / "base.yaml"
FRIDAY = date(2024, 6, 14)


def make_settings(**overrides: Any) -> Settings:
    """Return the shipped settings with some replaced: make_settings(**{"trades.max_trades": 3})."""
    tree = deepcopy(_shipped())
    for dotted, value in overrides.items():
        *parents, leaf = dotted.split(".")
        branch = tree
        for parent in parents:
            branch = branch[parent]
        branch[leaf] = value
    return Settings.model_validate(tree)


def flat_fees(*, sec_rate: float = 0.0, taf_usd: float = 0.0, taf_max_usd: float = 1e6) -> dict[str, Any]:
    """Return overrides for make_settings: the same fees on every date. `sec_rate` is a fraction of the notional."""
    always = {"since": date(1990, 1, 1), "source": "a test"}
    return {
        "costs.fees.sec": [{**always, "usd_per_million": sec_rate * 1e6}],
        "costs.fees.taf": [{**always, "usd_per_share": taf_usd, "max_usd": taf_max_usd}],
    }


@cache
def _shipped() -> dict[str, Any]:
    """Return the shipped settings; reading them takes longer than most tests."""
    tree: dict[str, Any] = yaml.safe_load(BASE_YAML.read_text())
    return tree


def make_run(home: Path, day: date = FRIDAY, **overrides: Any) -> Run:
    """Return a run of the session; its home need not exist."""
    session = session_on(day)
    if session.closes_at is None:
        raise ValueError(f"{day} is closed: make_run wants an open session")
    return Run(Home(home), session, session.closes_at, make_settings(**overrides))


def make_panel(*, sessions: int = 300, symbols: int = 30, last: date = FRIDAY, seed: int = 0) -> Panel:
    """Return a random walk without gaps: symbols S000, S001, …, three sectors, all large caps and members."""
    rng = np.random.default_rng(seed)
    shape = (sessions, symbols)
    returns = rng.normal(0.0004, 0.012, shape) + rng.normal(0, 0.008, (sessions, 1))
    close = 50 * np.exp(np.cumsum(returns, axis=0))
    open_ = close * np.exp(rng.normal(0, 0.004, shape))
    high = np.maximum(open_, close) * np.exp(np.abs(rng.normal(0, 0.004, shape)))
    low = np.minimum(open_, close) * np.exp(-np.abs(rng.normal(0, 0.004, shape)))
    volume = np.exp(rng.normal(14, 0.4, shape))
    return Panel(
        sessions=sessions_ending(last, sessions),
        symbols=np.array([f"S{i:03d}" for i in range(symbols)]),
        company=np.array([f"20000103~S{i:03d}" for i in range(symbols)]),
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=volume,
        raw_close=close,
        dollar_volume=close * volume,
        is_member=np.ones(shape, dtype=bool),
        market=100 * np.exp(np.cumsum(returns.mean(axis=1))),
        volatility_index=np.full(sessions, 15.0),
        sector=np.array([("Technology", "Energy", "Health Care")[i % 3] for i in range(symbols)]),
        sector_at=np.tile(np.arange(symbols, dtype=np.int8) % 3, (sessions, 1)),
        cap_class=np.full(symbols, "large"),
        name=np.array([f"Company {i}" for i in range(symbols)]),
        fundamentals={},
        risk_free=np.zeros(sessions),
    )


def drifting_panel(symbols=30, sessions=460):
    """Return a market in which the same names always rise and the same fall, from 3% a week down to -3%."""
    panel = make_panel(sessions=sessions, symbols=symbols)
    tide = np.exp(np.linspace(-0.006, 0.006, symbols) * np.arange(sessions)[:, None])
    for bars in (panel.open, panel.high, panel.low, panel.close):
        bars[:] *= tide
    return panel


def no_halt() -> None:
    """The last look at a switch that nobody tripped."""
