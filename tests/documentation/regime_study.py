"""Choose the parameters of the regime rules on real prices before 2016-01-01 alone.

`python -m tests.documentation.regime_study` prints the choice. The selection rule was fixed before any later session
was read: of all trials that meet the requirements below, the one whose Sharpe ratio, averaged with its neighbors in
the grid, is the highest. The average prefers a plateau to a peak. First the grid of confirmations, with the earlier
thresholds; then the grid of thresholds.
"""

import itertools
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from config import sections
from tasks.regime.rules import regime_path
from tests.builders import make_settings
from tests.documentation.regime_figures import (
    Figures,
    History,
    caps_of,
    figures_of,
    market_lows,
    month_frac,
    read_history,
    sessions_to_recover,
)

CUT = "2016-01-01"
FIRST, LAST = 2001, 2015
Setting = tuple[float, ...]

CONFIRMATIONS: Mapping[str, Setting] = {
    "worsen_sessions": (2, 3, 4),
    "confirm_sessions": (5, 10, 15, 21),
    "crash_confirm_sessions": (5, 10),
    "improve_margin": (0.0, 0.10, 0.15, 0.20, 0.25),
}
THRESHOLDS: Mapping[str, Setting] = {
    "crash_volatility": (30, 35, 40),
    "crash_breadth": (0.15, 0.20, 0.25),
    "panic_volatility": (40, 45, 50),
    "bear_volatility": (21, 23, 25),
    "bear_signs": (1, 2),
    "calm_volatility": (15, 16.5, 18),
}

# the thresholds before this study, set by hand with what was known by the end of 2020
EARLIER = {
    "crash_volatility": 35.0,
    "crash_breadth": 0.20,
    "panic_volatility": 45.0,
    "bear_volatility": 23.0,
    "bear_signs": 1,
    "calm_volatility": 16.5,
}

# Requirements. R3 asks that 18 of the 22 sessions of March 2020 be CRASH and that CRASH end by 30 April, 27 sessions
# after the low. Before 2016 one month fell as far (October 2008: -16%; March 2020 is known to have been such a month).
CRASH_MONTH, CRASH_FRAC = "2008-10", 18 / 22
RECOVERY_SESSIONS = 27
CHANGES_A_YEAR = 4.0
SHORT_EPISODES = 7  # one in two years


@dataclass(frozen=True)
class Trial:
    """One combination of parameters, by their place in the grid, and its figures."""

    place: tuple[int, ...]
    parameters: dict[str, float]
    figures: Figures
    crash_month_frac: float
    recovery_sessions: int  # the longest of all lows

    @property
    def is_allowed(self) -> bool:
        """Return whether the trial meets every requirement."""
        figures = self.figures
        return (
            figures.calm_crashes == 0
            and self.crash_month_frac >= CRASH_FRAC
            and self.recovery_sessions <= RECOVERY_SESSIONS
            and figures.changes_a_year <= CHANGES_A_YEAR
            and figures.short_episodes <= SHORT_EPISODES
        )


def trials_of(history: History, rules: sections.Regime, grid: Mapping[str, Setting]) -> list[Trial]:
    """Measure every combination of the grid; the history must end before CUT."""
    lows = market_lows(history, first=FIRST, last=LAST)
    trials = []
    for place in itertools.product(*(range(len(values)) for values in grid.values())):
        chosen = {name: grid[name][index] for name, index in zip(grid, place, strict=True)}
        tried = rules.model_copy(update=chosen)
        states = regime_path(history.inputs, tried)
        cap = caps_of(states, history.inputs.volatility_pct, tried)
        trials.append(
            Trial(
                place,
                chosen,
                figures_of(history, states, cap, first=FIRST, last=LAST),
                month_frac(history, states, CRASH_MONTH),
                max(sessions_to_recover(states, lows)),
            )
        )
    return trials


def plateau_sharpe(trial: Trial, trials: Iterable[Trial]) -> float:
    """Return the mean Sharpe ratio of the trial and those one step away in one parameter."""
    near = [
        other.figures.sharpe
        for other in trials
        if sum(abs(a - b) for a, b in zip(trial.place, other.place, strict=True)) <= 1
    ]
    return float(np.mean(near))


def chosen_trial(trials: list[Trial]) -> Trial:
    """Return the trial that the rule of choice selects; ValueError if none is allowed."""
    allowed = [trial for trial in trials if trial.is_allowed]
    return max(allowed, key=lambda trial: plateau_sharpe(trial, trials))


def marginal_table(trials: list[Trial], grid: Mapping[str, Setting]) -> str:
    """Return the trials by value of each parameter: how many are allowed, and the medians of their figures."""
    chosen = chosen_trial(trials)
    head = [
        "parameter",
        "value",
        "allowed",
        "changes a year",
        "short episodes",
        "Sharpe ratio",
        "largest drawdown",
    ]
    rows = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, values in grid.items():
        for value in values:
            these = [trial for trial in trials if trial.parameters[name] == value]
            figures = [trial.figures for trial in these]
            shown = f"**{value:g}**" if chosen.parameters[name] == value else f"{value:g}"
            cells = [
                f"`{name}`",
                shown,
                f"{sum(trial.is_allowed for trial in these)} of {len(these)}",
                f"{np.median([each.changes_a_year for each in figures]):.1f}",
                f"{np.median([each.short_episodes for each in figures]):.0f}",
                f"{np.median([each.sharpe for each in figures]):.2f}",
                f"{100 * np.median([each.drawdown for each in figures]):.0f}%".replace("-", "−"),
            ]
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def study(history: History, rules: sections.Regime) -> tuple[list[Trial], list[Trial]]:
    """Return the trials of the confirmations, and of the thresholds at the confirmations chosen."""
    known = history.until(CUT)
    earlier = rules.model_copy(update=EARLIER)
    confirmations = trials_of(known, earlier, CONFIRMATIONS)
    found = earlier.model_copy(update=chosen_trial(confirmations).parameters)
    return confirmations, trials_of(known, found, THRESHOLDS)


def main() -> None:
    """Print the choice and every trial."""
    stages = study(read_history(), make_settings().regime)
    for trials, grid in zip(stages, (CONFIRMATIONS, THRESHOLDS), strict=True):
        sys.stdout.write(f"{marginal_table(trials, grid)}\n\n{chosen_trial(trials)}\n\n")


if __name__ == "__main__":
    main()
