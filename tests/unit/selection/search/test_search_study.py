from statistics import median

import pytest
from optuna.trial import TrialState

from config.sections import SearchRange
from tasks.selection.search.study import LOWEST, Measured, best_parameters, run_batch

SPACE = {
    "eta": SearchRange(low=0.01, high=1.0, scale="log"),
    "depth": SearchRange(low=2, high=6, scale="linear"),
}


def hill(_step, remaining):
    """Value trials by how near they are to eta = 0.1 and depth = 4."""
    return [
        Measured(-abs(trial["eta"] - 0.1) - abs(trial["depth"] - 4), 0.01 * trial["depth"])
        for _, trial in remaining
    ]


def trials_of(batches, *, size=6, steps=2, evaluate=hill, seed=0):
    finished = []
    for number in range(batches):
        finished += run_batch(finished, SPACE, seed=seed + number, size=size, steps=steps, evaluate=evaluate)
    return finished


def test_proposals_are_inside_their_ranges_and_whole_where_the_bounds_are():
    trials = trials_of(4)

    assert all(0.01 <= trial.params["eta"] <= 1 for trial in trials)
    assert all(trial.params["depth"] in {2, 3, 4, 5, 6} for trial in trials)
    assert {type(trial.params["depth"]) for trial in trials} == {int}
    assert min(trial.params["eta"] for trial in trials) < 0.05  # half of a log scale is below 0.1


def test_equal_seeds_give_equal_trials_and_others_do_not():
    def values(seed):
        return [(trial.params, trial.value, trial.state) for trial in trials_of(3, seed=seed)]

    assert values(0) == values(0)
    assert values(0) != values(1)


def test_later_batches_learn_from_earlier_ones():
    trials = trials_of(10)

    first, last = trials[:12], trials[-12:]
    assert median(trial.params["depth"] == 4 for trial in last) == 1
    assert sum(t.params["depth"] == 4 for t in first) < sum(t.params["depth"] == 4 for t in last)


def test_after_a_step_what_is_below_the_median_of_earlier_batches_is_pruned_at_the_batchs_end():
    calls = []

    def evaluate(step, remaining):
        calls.append((step, len(remaining)))
        return hill(step, remaining)

    trials = trials_of(2, evaluate=evaluate)

    earlier, later = trials[:6], trials[6:]
    assert {trial.state for trial in earlier} == {TrialState.COMPLETE}  # nothing to compare with
    bar = median(trial.intermediate_values[0] for trial in earlier)
    for trial in later:
        is_pruned = trial.intermediate_values[0] < bar
        assert trial.state == (TrialState.PRUNED if is_pruned else TrialState.COMPLETE)
        assert list(trial.intermediate_values) == ([0] if is_pruned else [0, 1])
    kept = sum(trial.state == TrialState.COMPLETE for trial in later)
    assert calls == [(0, 6), (1, 6), (0, 6), (1, kept)]


def test_a_value_that_is_not_a_number_is_the_worst():
    trials = trials_of(
        1, evaluate=lambda _, remaining: [Measured(float("nan"), 0.0), *hill(0, remaining[1:])]
    )

    assert trials[0].value == LOWEST
    assert best_parameters(trials) != trials[0].params


def best_of(*measured):
    """Return the number of the trial whose parameters are taken, of a batch with these results."""
    trials = trials_of(1, size=len(measured), evaluate=lambda *_: [Measured(*each) for each in measured])
    return [trial.params for trial in trials].index(best_parameters(trials))


def test_of_trials_that_are_nearly_as_good_as_the_best_the_one_that_overfits_least_is_taken():
    assert best_of((2.0, 0.01), (3.0, 0.05), (2.5, 0.03)) == 0
    assert best_of((1.9, 0.01), (3.0, 0.05), (2.5, 0.03)) == 2
    assert best_of((3.0, 0.02), (3.0, 0.02)) == 0
    assert best_parameters([]) == {}


def test_a_pruned_trial_is_not_taken():
    trials = trials_of(2, evaluate=hill)
    pruned = [trial for trial in trials if trial.state == TrialState.PRUNED]

    assert pruned
    assert best_parameters(pruned) == {}


@pytest.mark.parametrize("size", [1, 5])
def test_a_batch_has_its_size_and_only_new_trials(size):
    finished = trials_of(1)

    assert len(run_batch(finished, SPACE, seed=9, size=size, steps=1, evaluate=hill)) == size
