from dataclasses import replace

from tasks.selection.trials.statement import trial_figures, trials_section
from tests.champions import DEFLATION, EVIDENCE


def section(deflation=DEFLATION, required=0.95):
    return "\n".join(trials_section(deflation, required))


def test_the_section_gives_count_bar_and_limit():
    text = section()

    assert "5 trials to date in this home, equivalent to 3.2 independent trials." in text
    assert "| Sharpe ratio | 2.10 (95% CI 0.90 to 3.30) |" in text
    assert "| expected by chance | 0.60 |" in text
    assert "| deflated Sharpe ratio | 0.991 (0.990); required: 0.95 |" in text
    assert "| minimum track record | 180 sessions; measured: 769 sessions |" in text
    assert "overfitting among this week's candidates (λ ≤ 0): 0.25." in text
    assert "lost" not in text


def test_certainty_is_never_printed():
    certain = replace(DEFLATION, evidence=replace(EVIDENCE, deflated=1.0, deflated_2014=0.0))

    assert "| more than 0.999 (less than 0.001); required: none |" in section(certain, required=0.0)


def test_what_is_not_known_is_left_out():
    text = section(replace(DEFLATION, evidence=None, overfitting=float("nan"), unknown=2))

    assert "The returns of 2 are lost; these count in full." in text
    assert "No candidate was eligible" in text
    assert "overfitting" not in text


def test_a_sharpe_ratio_that_is_not_positive_has_no_track_record():
    found = replace(EVIDENCE, sharpe=-0.2, min_track_record_sessions=None)

    assert "| minimum track record | no length suffices;" in section(replace(DEFLATION, evidence=found))
    assert "| Sharpe ratio | −0.20 " in section(replace(DEFLATION, evidence=found))


def test_the_figures_of_a_champion_are_finite_numbers():
    assert trial_figures(DEFLATION)["deflated_sharpe"] == EVIDENCE.deflated
    assert trial_figures(replace(DEFLATION, evidence=None)) == {"trials": 5.0, "effective_trials": 3.2}
