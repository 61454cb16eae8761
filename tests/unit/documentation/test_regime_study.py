from dataclasses import replace

from tests.documentation.regime_figures import Figures
from tests.documentation.regime_study import Trial, chosen_trial, marginal_table, plateau_sharpe

GOOD = Figures(3.0, 5, 0, 0.6, 0.4, 0.05, -0.2, 1.0, 10, 80.0)


def trial(place: int, sharpe: float, **changed: float) -> Trial:
    figures = replace(GOOD, sharpe=sharpe, **changed)
    return Trial((place,), {"margin": place / 10}, figures, crash_month_frac=0.9, recovery_sessions=8)


def test_a_plateau_is_chosen_before_a_peak():
    trials = [trial(0, 0.1), trial(1, 0.6), trial(2, 0.1), trial(3, 0.5), trial(4, 0.5), trial(5, 0.5)]

    assert chosen_trial(trials).place in {(4,), (5,)}
    assert plateau_sharpe(trials[1], trials) < 0.3


def test_a_trial_that_breaks_a_requirement_is_never_chosen():
    good = trial(0, 0.1)
    broken = [
        trial(1, 0.9, calm_crashes=1),
        trial(2, 0.9, changes_a_year=4.1),
        trial(3, 0.9, short_episodes=8),
        replace(trial(4, 0.9), crash_month_frac=17 / 22),
        replace(trial(5, 0.9), recovery_sessions=28),
    ]

    assert chosen_trial([good, *broken]) == good


def test_the_table_marks_the_choice_and_counts_what_is_allowed():
    table = marginal_table([trial(0, 0.4), trial(1, 0.2, calm_crashes=1)], {"margin": (0.0, 0.1)})

    assert "| `margin` | **0** | 1 of 1 | 3.0 | 5 | 0.40 | −20% |" in table
    assert "| `margin` | 0.1 | 0 of 1 |" in table
