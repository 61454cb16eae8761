"""What the selection finds on markets of known strength, in Markdown. Pure."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np
from scipy.stats import binomtest

from tests.power.measure import Result

YARDSTICK, RULE = "best_feature", "momentum_52_week"
NOISE = (RULE, YARDSTICK, "lightgbm")
FOUND_COLUMNS = (
    *(
        "planted",
        "markets",
        "true expectation",
        "learner",
        "best single feature",
        "52-week momentum",
        "selected",
    ),
    *("standard error", "sessions", "confirmed", "95% CI", "by t alone", "predicted"),
)
RECOVERED = ("xgboost", "lightgbm", "random_forest", "quadratic_ridge", "rank_blend", YARDSTICK, RULE)
RECOVERED_COLUMNS = ("planted", "learner", *(f"`{name}`" for name in RECOVERED))
NOISE_COLUMNS = (
    "candidate",
    *(f"{ic}, {where}" for ic in ("rank IC", "neutral IC") for where in ("real", "simulated")),
)


@dataclass(frozen=True)
class Spread:
    """Mean over markets, with the 10 and 90% quantiles."""

    mean: float
    low: float
    high: float
    deviation: float
    count: int

    @property
    def error(self) -> float:
        """The standard error of the mean."""
        return self.deviation / sqrt(self.count) if self.count else 0.0


@dataclass(frozen=True)
class Power:
    """Markets of one planted strength; neutral ICs on the confirmation folds."""

    planted: float
    markets: int
    eligible: int  # markets in which the selection folds selected a candidate
    truth: Spread
    learner: Spread
    best_feature: Spread
    rule: Spread
    selected: Spread  # of the markets in which a candidate was eligible
    error: float  # mean standard error of the selected candidate's neutral IC
    sessions: int
    confirmed: int
    confirmed_by: dict[str, int]
    confirmed_by_t: int  # whatever the deflated Sharpe ratio, in a home without earlier trials, is
    gate: float
    learner_t: Spread
    learner_reached: int  # markets in which the learner's t reaches the gate, selected or not
    recovered: dict[str, Spread]  # correlation with the true expectation, by candidate
    learner_recovered: Spread

    @property
    def band(self) -> tuple[float, float]:
        """The exact 95% confidence interval of the share confirmed (Clopper and Pearson 1934)."""
        found = binomtest(self.confirmed, self.markets).proportion_ci()
        return float(found.low), float(found.high)

    @property
    def predicted(self) -> float:
        """Share of markets with an eligible candidate, times the probability that its t reaches the gate.

        The found IC is taken as normal around the mean over markets, with the mean standard error.
        """
        reached = NormalDist().cdf(self.selected.mean / self.error - self.gate) if self.error else 0.0
        return self.eligible / self.markets * reached


def power_of(results: Sequence[Result]) -> Power:
    """Return what was found in these markets, all of one strength."""
    first = results[0]
    with_selected = [each for each in results if each["selected"]]

    def found(name: Callable[[Result], str], figure: str, among: Sequence[Result] = results) -> list[float]:
        return [each["found"][name(each)][figure] for each in among]

    confirmed = [each["selected"] for each in results if each["confirmed"]]
    errors = found(lambda each: each["selected"], "neutral_ic_se", with_selected)
    return Power(
        planted=first["planted"],
        markets=len(results),
        eligible=len(with_selected),
        truth=spread([each["truth"]["neutral_ic"] for each in results]),
        learner=spread(found(lambda each: each["learner"], "neutral_ic")),
        best_feature=spread(found(lambda _: YARDSTICK, "neutral_ic")),
        rule=spread(found(lambda _: RULE, "neutral_ic")),
        selected=spread(found(lambda each: each["selected"], "neutral_ic", with_selected)),
        error=float(np.mean(errors)) if errors else 0.0,
        sessions=round(np.mean(found(lambda each: each["learner"], "sessions"))),
        confirmed=len(confirmed),
        confirmed_by=dict(Counter(confirmed).most_common()),
        confirmed_by_t=sum(each["confirmed_by_t"] for each in results),
        gate=first["gate"],
        learner_t=spread(found(lambda each: each["learner"], "neutral_ic_t")),
        learner_reached=sum(t >= first["gate"] for t in found(lambda each: each["learner"], "neutral_ic_t")),
        recovered={
            name: spread([each["recovered"][name] for each in results]) for name in first["recovered"]
        },
        learner_recovered=spread([each["recovered"][each["learner"]] for each in results]),
    )


def spread(values: Sequence[float]) -> Spread:
    """Return mean, quantiles and deviation; zeros without values."""
    if not values:
        return Spread(0.0, 0.0, 0.0, 0.0, 0)
    low, high = np.quantile(values, (0.1, 0.9))
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return Spread(float(np.mean(values)), float(low), float(high), deviation, len(values))


def by_strength(results: Sequence[Result]) -> list[Power]:
    """Return one `Power` per planted strength, the weakest first."""
    strengths = sorted({each["planted"] for each in results})
    return [power_of([each for each in results if each["planted"] == strength]) for strength in strengths]


def found_table(powers: Sequence[Power]) -> str:
    """Return one row per planted strength."""
    rows = [_row(FOUND_COLUMNS), "|" + "---|" * len(FOUND_COLUMNS)]
    for each in powers:
        low, high = each.band
        figures = (each.truth, each.learner, each.best_feature, each.rule, each.selected)
        rows.append(
            _row(
                (
                    f"{each.planted:g}",
                    f"{each.markets}",
                    *(f"{one.mean:.4f} ({one.low:.4f} to {one.high:.4f})" for one in figures),
                    f"{each.error:.4f}",
                    f"{each.sessions}",
                    f"{each.confirmed} ({100 * each.confirmed / each.markets:.0f}%)",
                    f"{100 * low:.0f} to {100 * high:.0f}%",
                    f"{each.confirmed_by_t}",
                    f"{100 * each.predicted:.0f}%",
                )
            )
        )
    return "\n".join(rows)


def recovered_table(powers: Sequence[Power]) -> str:
    """Return the mean correlation of scores and true expectation, one row per planted strength."""
    rows = [_row(RECOVERED_COLUMNS), "|" + "---|" * len(RECOVERED_COLUMNS)]
    for each in powers:
        if each.planted:
            figures = (each.learner_recovered, *(each.recovered[name] for name in RECOVERED))
            cells = (f"{one.mean:.2f} ({one.low:.2f} to {one.high:.2f})" for one in figures)
            rows.append(_row((f"{each.planted:g}", *cells)))
    return "\n".join(rows)


def noise_table(results: Sequence[Result], real: Result | None) -> str:
    """Return the standard deviations of a session's rank IC and neutral IC, real next to the mean of the markets."""
    rows = [_row(NOISE_COLUMNS), "|" + "---|" * len(NOISE_COLUMNS)]
    for name in NOISE:
        cells = []
        for figure in ("rank_ic", "neutral_ic"):
            cells.append(f"{real['deviation'][name][figure]:.3f}" if real else "")
            at = spread([each["deviation"][name][figure] for each in results])
            cells.append(f"{at.mean:.3f} ({at.low:.3f} to {at.high:.3f})")
        rows.append(_row((f"`{name}`", *cells)))
    return "\n".join(rows)


def statements(powers: Sequence[Power], real: Result | None) -> str:
    """Return what the tables lack: the learner's t, the candidates confirmed, learner and single feature compared."""
    lines = []
    for each in powers:
        by = ", ".join(f"{name} {count}" for name, count in each.confirmed_by.items()) or "none"
        line = f"- Planted {each.planted:g}: confirmed {each.confirmed} of {each.markets} ({by}). t of the learner:"
        line += f" mean {each.learner_t.mean:.2f}, standard deviation {each.learner_t.deviation:.2f},"
        line += f" t ≥ {each.gate:g} in {each.learner_reached} of {each.markets} markets"
        if each.planted:
            ours, single = each.learner, each.best_feature
            line += f". The learner's mean neutral IC is {ours.mean:.4f} ± {ours.error:.4f} (standard error),"
            line += f" that of the best single feature {single.mean:.4f} ± {single.error:.4f}"
        lines.append(f"{line}.")
    if real:
        name = real["selected"] or real["learner"]
        at = real["found"][name]
        lines.append(
            f"- Real prices to the end of 2015: {name} has a neutral IC of {at['neutral_ic']:.4f}, standard error"
            f" {at['neutral_ic_se']:.4f}, t {at['neutral_ic_t']:.2f} over {at['sessions']} sessions:"
            f" {'confirmed' if real['confirmed'] else 'not confirmed'}."
            f" Controls: {', '.join(real['controls']).replace('_', ' ')}."
        )
    return "\n".join(lines)


def page_of(results: Sequence[Result], real: Result | None) -> str:
    """Return all tables, with what each of them shows."""
    powers = by_strength(results)
    parts = (
        found_table(powers),
        statements(powers, real),
        "Neutral rank correlation of score and true expectation over all tested sessions (without return noise):",
        recovered_table(powers),
        "Standard deviation of a session's IC, on S&P 500 members to the end of 2015 and on the simulated markets:",
        noise_table(results, real),
    )
    return "\n\n".join(parts).replace("-0.", "−0.")


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
