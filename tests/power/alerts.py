"""Alerts on simulated markets: how many quiet quarters have one, and how soon a planted fault raises the right one.

`python -m tests.power.alerts [--faults] [--first SEED] [--markets N]` trains a champion on each market as the weekly
flow does, scores the sessions that follow, and applies the daily stage's functions to each of them. After each market
it prints the total so far: the count with its exact 95% interval, and which alerts there were. docs/monitoring.md has
the figures and the processor time.
"""

import argparse
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from tasks.data.schema.records import Matrix, Panel
from tasks.features.compute import compute
from tasks.features.sets import SETS
from tasks.models.schema import Baseline, Statistic
from tasks.models.training.baseline import make_baseline
from tasks.models.training.fitted import Fitted
from tasks.models.training.fold_by_fold import fit, predict
from tasks.monitoring.account import account_alerts, account_figures
from tasks.monitoring.data_health import data_alerts, data_figures
from tasks.monitoring.drift import column_drift, drift_alerts
from tasks.monitoring.realised_skill import ScoredDay, realised_of, skill_alerts, skill_windows
from tasks.monitoring.schema import Realised
from tasks.risk.ratios import sharpe
from tasks.selection.selection_run import SelectionRun, run_selection
from tests.builders import make_settings
from tests.champions import MemoryLedger, features_of
from tests.simulated import known_market
from tests.unit.features.panels import rows_of

SETTINGS = make_settings(
    **{
        # the shipped settings test on 6 folds of 126 sessions, and the first third selects
        "models.folds": 3,
        "models.test_sessions": 252,
        "models.min_t_statistic": 0.0,
        "models.max_train_test_gap": 1.0,
        "models.quick_candidates": ["lightgbm"],
    }
)
# seeds of quiet markets, and of markets with faults; the thresholds were set on others (101 to 1112)
QUIET, FAULTY = range(1301, 1341), range(1401, 1405)
QUIET_NAMES, FAULTY_NAMES = 120, 300
LIMITS, MODELS = SETTINGS.monitoring, SETTINGS.models
NAMES = SETS[MODELS.features]
TRAINED, QUARTER = 2_600, 63  # sessions
QUIET_QUARTERS, FAULTY_SESSIONS = 8, 252
RECORD = (
    QUARTER + 10
)  # live sessions before the first that counts, so that it has a quarter of realized skill
WINDOW = 293
DRIFT_EVERY = 5  # sessions: values are pooled over twenty
Fault = Callable[[Panel, int], Panel]
"""Returns the panel with a fault from this row on."""
Found = Iterator[tuple[int, set[str]]]
"""The names of the alerts by session, counted from 1."""


@dataclass(frozen=True)
class Live:
    """A champion, and the market on which it is live from row TRAINED on."""

    panel: Panel
    fitted: Fitted
    statistic: Statistic
    baseline: Baseline
    expected: tuple[float, float, int]
    accuracy: float
    sharpe: float  # of its best fifth in the sessions it was tested on


def make_live(seed: int, *, symbols: int, information_coefficient: float, sessions: int) -> Live:
    """Train a champion on the first sessions of a market; `sessions` follow those of the record."""
    market = known_market(
        seed=seed,
        symbols=symbols,
        sessions=TRAINED + RECORD + sessions,
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
    is_confirmed = run.choice.result is not None
    fitted = run.fitted if is_confirmed else fit(candidate, data, rows, MODELS, seed=seed)
    scores = predict(fitted, data.x[rows]), data.sessions[rows]
    baseline = make_baseline(past, NAMES, data.sessions[rows], scores, block_sessions=LIMITS.drift_sessions)
    found = result.confirmation
    expected = (found["neutral_ic"], found["neutral_ic_se"], int(found["sessions"]))
    tested = sharpe(best_fifth(_tested_scores(run, past), past.close))
    return Live(market.panel, fitted, run.statistic, baseline, expected, found["hit_rate"], tested)


def _tested_scores(run: SelectionRun, panel: Panel) -> Matrix:
    data, scores = run.tested.data, np.full(panel.close.shape, np.nan)
    scores[data.sessions, data.symbols] = np.concatenate(
        [one.scores for one in run.walks[run.candidates[0].name]]
    )
    return scores


def best_fifth(scores: Matrix, close: Matrix) -> Matrix:
    """Return the daily returns of the best fifth by score, in equal parts, bought at the next session's close."""
    is_best = pd.DataFrame(scores).rank(axis=1, pct=True).to_numpy() > 0.8
    returns = np.where(is_best[:-2], close[2:] / close[1:-1] - 1, np.nan)
    means = pd.DataFrame(returns).mean(axis=1).to_numpy()
    return means[np.isfinite(means)]


@dataclass(frozen=True)
class Scored:
    """The sessions on which the champion is live, with those before that its features need, and its scores."""

    live: Live
    panel: Panel
    scores: Matrix  # NaN for what is no member, and before the first live session

    def sessions(self) -> Iterator[tuple[int, int]]:
        """Yield number and row of each session that counts."""
        first = WINDOW - 1 + RECORD
        yield from enumerate(range(first, len(self.panel.sessions)), 1)

    def cut(self, row: int) -> Panel:
        return rows_of(self.panel, slice(row + 1 - WINDOW, row + 1))

    def day(self, row: int) -> ScoredDay:
        known = np.isfinite(self.scores[row])
        scores = dict(zip(self.panel.symbols[known].tolist(), self.scores[row, known].tolist(), strict=True))
        day, live = self.panel.sessions[row].item(), self.live
        return ScoredDay(day, "lightgbm", "0" * 64, live.statistic, *live.expected, scores, live.accuracy)


def score(live: Live, fault: Fault | None = None, *, skill_ends: bool = False) -> Scored:
    """Score every live session. `fault`, or the end of the skill, begins with the first session that counts.

    `skill_ends`: the scores belong to other names.
    """
    whole = live.panel if fault is None else fault(live.panel, TRAINED + RECORD)
    panel = rows_of(whole, slice(TRAINED + 1 - WINDOW, None))
    features = compute(panel, NAMES)
    scores = np.full(panel.close.shape, np.nan)
    rows = range(WINDOW - 1, len(panel.sessions))
    members = [panel.is_member[row] for row in rows]
    values = np.concatenate([features.of_session(row)[at] for row, at in zip(rows, members, strict=True)])
    scores[WINDOW - 1 :][np.array(members)] = predict(live.fitted, values)
    for row in rows[RECORD:] if skill_ends else ():
        known = np.flatnonzero(np.isfinite(scores[row]))
        scores[row, known] = np.random.default_rng(row).permutation(scores[row, known])
    return Scored(live, panel, scores)


def data_found(scored: Scored) -> Found:
    """Yield the alerts on features, scores and data."""
    for session, row in scored.sessions():
        cut, values = scored.cut(row), scored.scores[row]
        values = values[np.isfinite(values)]
        drift = column_drift(cut, values, scored.live.baseline) if session % DRIFT_EVERY == 1 else ()
        data = data_alerts(data_figures(cut), LIMITS, scored=len(values), left_out=0)
        yield session, {alert.name for alert in (*drift_alerts(drift, LIMITS), *data)}


def skill_found(scored: Scored) -> Found:
    """Yield the alerts on skill, of the sessions since the first live one whose returns are known."""
    realised: list[Realised] = []
    horizon = MODELS.label_horizons[0]
    for session, row in enumerate(
        range(WINDOW - 1 + horizon, len(scored.panel.sessions)), horizon + 1 - RECORD
    ):
        one = realised_of(scored.day(row - horizon), scored.cut(row))
        realised += [one] if isinstance(one, Realised) else []
        if session > 0:
            yield session, {alert.name for alert in skill_alerts(skill_windows(realised, LIMITS), LIMITS)}


def account_found(scored: Scored) -> Found:
    """Yield the alerts on an account that has held the best fifth since the first live session."""
    levels = np.cumprod(1 + np.concatenate([[0.0], best_fifth(scored.scores, scored.panel.close)]))
    for session, _ in scored.sessions():
        figures = account_figures(levels[: session + RECORD - 1], [""] * len(levels))
        yield session, {alert.name for alert in account_alerts(figures, scored.live.sharpe, LIMITS)}


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
    "scores without skill": (None, {"skill_63", "skill_126", "skill_252"}),
}


def quiet_quarters(seed: int) -> list[list[str]]:
    """Return the alerts of each quarter of a market in which nothing happens."""
    sessions = QUIET_QUARTERS * QUARTER
    scored = score(make_live(seed, symbols=QUIET_NAMES, information_coefficient=0.05, sessions=sessions))
    quarters: list[set[str]] = [set() for _ in range(QUIET_QUARTERS)]
    for session, names in chain(data_found(scored), skill_found(scored), account_found(scored)):
        quarters[(session - 1) // QUARTER] |= names
    return [sorted(names) for names in quarters]


def sessions_until(seed: int) -> dict[str, int | None]:
    """Return for each fault the session of the first right alert; None: not in a year."""
    live = make_live(seed, symbols=FAULTY_NAMES, information_coefficient=0.2, sessions=FAULTY_SESSIONS)
    result = {}
    for name, (fault, right) in FAULTS.items():
        found = skill_found(score(live, skill_ends=True)) if fault is None else data_found(score(live, fault))
        result[name] = next((session for session, names in found if names & right), None)
    return result


def stated(quarters: Sequence[Sequence[str]]) -> str:
    """Return how many quarters had an alert, with the exact 95% interval, and which alerts these were."""
    found = sum(bool(names) for names in quarters)
    band = binomtest(found, len(quarters)).proportion_ci()
    which = Counter(name for names in quarters for name in names).most_common()
    listed = ", ".join(f"{name} {count}" for name, count in which) or "none"
    return (
        f"{found} of {len(quarters)} quarters had an alert"
        f" ({found / len(quarters):.1%}, 95% CI {band.low:.1%} to {band.high:.1%}): {listed}"
    )


def main() -> None:
    """Measure and print; one line per market, and for quiet ones the total so far."""
    given = argparse.ArgumentParser(prog="python -m tests.power.alerts", description=__doc__)
    given.add_argument("--faults", action="store_true", help="planted faults; otherwise quiet markets")
    given.add_argument("--first", type=int, help="seed of the first market")
    given.add_argument("--markets", type=int, help="number of markets")
    options = given.parse_args()
    seeds = FAULTY if options.faults else QUIET
    first = options.first or seeds.start
    quarters: list[list[str]] = []
    for seed in range(first, first + (options.markets or len(seeds))):
        if options.faults:
            sys.stdout.write(f"{seed}: {sessions_until(seed)}\n")
        else:
            new = quiet_quarters(seed)
            quarters += new
            sys.stdout.write(f"{seed}: {[' '.join(names) for names in new]}\n  {stated(quarters)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
