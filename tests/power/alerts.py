"""Alerts on simulated markets: how many quiet quarters have one, and how soon a planted fault raises the right one.

`python -m tests.power.alerts` trains a champion on each market as the weekly flow does, scores the sessions that
follow, and applies the daily stage's functions to each of them. docs/monitoring.md has the
figures. A quiet market takes 20 s of processor time, one with faults a minute.
"""

import argparse
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from tasks.data.schema.records import Panel
from tasks.features.compute import compute
from tasks.features.schema import FeatureMatrix
from tasks.features.sets import SETS
from tasks.models.schema import Baseline, Statistic
from tasks.models.training.baseline import make_baseline
from tasks.models.training.fitted import Fitted
from tasks.models.training.fold_by_fold import fit, predict
from tasks.monitoring.data_health import data_alerts, data_figures
from tasks.monitoring.drift import column_drift, drift_alerts
from tasks.monitoring.realised_skill import ScoredDay, realised_of, skill_alerts, skill_windows
from tasks.monitoring.schema import Realised
from tasks.selection.selection_run import run_selection
from tests.builders import make_settings
from tests.champions import MemoryLedger, features_of
from tests.simulated import known_market
from tests.unit.features.panels import rows_of

SETTINGS = make_settings(
    **{
        "models.folds": 4,
        "models.min_t_statistic": 0.0,
        "models.max_train_test_gap": 1.0,
        "models.quick_candidates": ["lightgbm"],
    }
)
# seeds of quiet markets, and of markets with faults; the thresholds were set on others (101 to 226)
QUIET, FAULTY = range(311, 321), range(401, 405)
QUIET_NAMES, FAULTY_NAMES = 120, 300
LIMITS, MODELS = SETTINGS.monitoring, SETTINGS.models
NAMES = SETS[MODELS.features]
TRAINED, QUARTER = 2_600, 63  # sessions
QUIET_QUARTERS = 8
WINDOW = 293
DRIFT_EVERY = 5  # sessions: values are pooled over twenty
Fault = Callable[[Panel, int], Panel]
"""Returns the panel with a fault from this row on."""


@dataclass(frozen=True)
class Live:
    """A champion, and the market on which it is live from row TRAINED on."""

    panel: Panel
    fitted: Fitted
    statistic: Statistic
    baseline: Baseline
    expected: tuple[float, float, int]
    accuracy: float


def make_live(seed: int, *, symbols: int, information_coefficient: float, sessions: int) -> Live:
    """Train a champion on the first sessions of a market; `sessions` follow."""
    market = known_market(
        seed=seed,
        symbols=symbols,
        sessions=TRAINED + sessions,
        information_coefficient=information_coefficient,
    )
    past = rows_of(market.panel, slice(0, TRAINED))
    run = run_selection(
        past,
        features_of(past, MODELS),
        MODELS,
        quick=True,
        seed=lambda name: zlib.crc32(name.encode()),
        ledger=MemoryLedger(),
    )
    # the learner is live whether or not it was confirmed: a quiet market is one in which nothing changes
    candidate, result = run.candidates[0], run.results[0]
    rows, data = run.trained_rows, run.data
    fitted = fit(candidate, data, rows, MODELS, seed=seed)
    scores = predict(fitted, data.x[rows]), data.sessions[rows]
    baseline = make_baseline(past, NAMES, data.sessions[rows], scores, block_sessions=LIMITS.drift_sessions)
    found = result.confirmation
    expected = (found["neutral_ic"], found["neutral_ic_se"], int(found["sessions"]))
    return Live(market.panel, fitted, run.statistic, baseline, expected, found["hit_rate"])


def alerts_of(
    live: Live, fault: Fault | None = None, *, sessions: int, skill_ends: bool = False
) -> dict[int, set[str]]:
    """Return the names of the alerts by live session, counted from 1.

    `skill_ends`: from the first live session on, the scores belong to other names.
    """
    # scores begin a quarter before, so that the first live session has full windows
    began = TRAINED - QUARTER - 10
    whole = live.panel if fault is None else fault(live.panel, TRAINED)
    panel = rows_of(whole, slice(began + 1 - WINDOW, TRAINED + sessions))
    features = compute(panel, NAMES)
    realised: list[Realised] = []
    scored: dict[int, ScoredDay] = {}
    found: dict[int, set[str]] = {}
    for row in range(WINDOW - 1, len(panel.sessions)):
        session = row - (WINDOW - 1) + began - TRAINED + 1  # of the live ones, from 1
        cut = rows_of(panel, slice(row + 1 - WINDOW, row + 1))
        scores = _scores(live, features, panel, row, shuffled=skill_ends and session > 0)
        scored[row] = _scored_day(live, panel, row, scores)
        due = scored.get(row - MODELS.label_horizons[0])
        if due is not None and isinstance(one := realised_of(due, cut), Realised):
            realised.append(one)
        if session < 1:
            continue
        values = np.array(list(scores.values()))
        drift = column_drift(cut, values, live.baseline) if session % DRIFT_EVERY == 1 else ()
        alerts = [
            *drift_alerts(drift, LIMITS),
            *data_alerts(data_figures(cut), LIMITS, scored=len(values), left_out=0),
            *skill_alerts(skill_windows(realised, LIMITS), LIMITS),
        ]
        found[session] = {alert.name for alert in alerts}
    return found


def _scores(
    live: Live, features: FeatureMatrix, panel: Panel, row: int, *, shuffled: bool
) -> dict[str, float]:
    is_member = panel.is_member[row]
    given = predict(live.fitted, features.of_session(row)[is_member])
    if shuffled:
        given = np.random.default_rng(row).permutation(given)
    return dict(zip(panel.symbols[is_member].tolist(), given.tolist(), strict=True))


def _scored_day(live: Live, panel: Panel, row: int, scores: dict[str, float]) -> ScoredDay:
    session = panel.sessions[row].item()
    return ScoredDay(session, "lightgbm", "0" * 64, live.statistic, *live.expected, scores, live.accuracy)


def volumes_in_thousands(panel: Panel, row: int) -> Panel:
    """The provider delivers volumes in thousands of shares."""
    return _with(panel, row, volume=1e-3, dollar_volume=1e-3)


def wilder_market(panel: Panel, row: int) -> Panel:
    """Every move of every price is three times as large; the volatility index is as before."""
    growth = np.log(panel.close / panel.close[row - 1]) * 2
    scale = np.where(np.arange(len(panel.close))[:, None] >= row, np.exp(growth), 1.0)
    return replace(panel, **{name: getattr(panel, name) * scale for name in ("open", "high", "low", "close")})


def stale_prices(panel: Panel, row: int) -> Panel:
    """Half of the names repeat the bar of the session before the fault."""
    bars = {}
    for name in ("open", "high", "low", "close", "raw_close", "volume", "dollar_volume"):
        values = getattr(panel, name).copy()
        values[row:, ::2] = values[row - 1, ::2]
        bars[name] = values
    return replace(panel, **bars)


def no_fundamentals(panel: Panel, row: int) -> Panel:
    """No statement is delivered any more."""
    found = {name: values.copy() for name, values in panel.fundamentals.items()}
    for values in found.values():
        values[row:] = np.nan
    return replace(panel, fundamentals=found)


def fundamentals_in_thousands(panel: Panel, row: int) -> Panel:
    """The provider delivers statements in thousands: a shift of one feature, the size, as ratios cancel it."""
    at = np.arange(len(panel.sessions))[:, None] >= row
    found = {name: np.where(at, 1e-3, 1.0) * values for name, values in panel.fundamentals.items()}
    return replace(panel, fundamentals=found)


def fewer_names(panel: Panel, row: int) -> Panel:
    """A quarter of the names is gone."""
    is_member = panel.is_member.copy()
    is_member[row:, ::4] = False
    return replace(panel, is_member=is_member)


def _with(panel: Panel, row: int, **factors: float) -> Panel:
    at = np.arange(len(panel.sessions))[:, None] >= row
    return replace(
        panel, **{name: np.where(at, factor, 1.0) * getattr(panel, name) for name, factor in factors.items()}
    )


FAULTS: dict[str, tuple[Fault | None, set[str]]] = {
    "volumes in thousands": (volumes_in_thousands, {"volume", "feature_drift_single", "feature_drift"}),
    "moves three times as large": (wilder_market, {"moves", "feature_drift", "feature_drift_single"}),
    "fundamentals in thousands": (fundamentals_in_thousands, {"feature_drift", "feature_drift_single"}),
    "half of the bars repeated": (stale_prices, {"unchanged_prices"}),
    "no fundamentals": (no_fundamentals, {"feature_missing"}),
    "a quarter of the names gone": (fewer_names, {"universe_size"}),
    "scores without skill": (None, {"skill_20", "skill_63", "accuracy_20", "accuracy_63"}),
}


def quiet_quarters(seed: int) -> list[list[str]]:
    """Return the alerts of each quarter of a market in which nothing happens."""
    sessions = QUIET_QUARTERS * QUARTER
    live = make_live(seed, symbols=QUIET_NAMES, information_coefficient=0.05, sessions=sessions)
    found = alerts_of(live, sessions=sessions)
    quarters = range(0, sessions, QUARTER)
    return [sorted(set().union(*(found[start + 1 + k] for k in range(QUARTER)))) for start in quarters]


def sessions_until(seed: int) -> dict[str, int | None]:
    """Return for each fault the live session of the first right alert; None: not in half a year."""
    sessions = 2 * QUARTER
    live = make_live(seed, symbols=FAULTY_NAMES, information_coefficient=0.2, sessions=sessions)
    result = {}
    for name, (fault, right) in FAULTS.items():
        found = alerts_of(live, fault, sessions=sessions, skill_ends=fault is None)
        result[name] = next((session for session, names in found.items() if names & right), None)
    return result


def main() -> None:
    """Measure and print; one line per market."""
    given = argparse.ArgumentParser(prog="python -m tests.power.alerts", description=__doc__)
    given.add_argument("--faults", action="store_true", help="planted faults; otherwise quiet markets")
    faults = given.parse_args().faults
    work, seeds = (sessions_until, FAULTY) if faults else (quiet_quarters, QUIET)
    for seed in seeds:
        sys.stdout.write(f"{seed}: {work(seed)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
