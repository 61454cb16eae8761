"""Propose and prune the trials of a search, with Optuna: a seeded tree-structured Parzen estimator (TPE).

Trials are made in batches of fixed size. A batch is proposed from the finished trials of earlier batches and its own
seed, so that an interrupted search continues as if it had not been interrupted, and the number of processes that
evaluate a batch has no effect.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from config.sections import SearchRange
from tasks.models.kinds.base import Parameters
from tasks.selection.choice import NEAR_TIE

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

Space = Mapping[str, SearchRange]
LOWEST = -1e6  # instead of a value that is not a number
GAP = "train_test_gap"  # attribute of a trial


@dataclass(frozen=True)
class Measured:
    """What a trial reached up to a step."""

    t: float
    gap: float  # hit rate in training minus that in the test


# For one step, what the trials with these parameters reached; their positions in the batch come first.
Evaluate = Callable[[int, Sequence[tuple[int, Parameters]]], Sequence[Measured]]


def run_batch(
    finished: "Sequence[FrozenTrial]", space: Space, *, seed: int, size: int, steps: int, evaluate: Evaluate
) -> "list[FrozenTrial]":
    """Return `size` new trials, each complete or pruned.

    After each step but the last, a trial whose best value so far is below the median of the earlier batches' complete
    trials at that step is pruned. `evaluate` is called once for each step, with the remaining trials in their order.
    """
    from optuna.trial import TrialState

    study = _study(finished, seed)
    distributions = distributions_of(space)
    asked = [study.ask(distributions) for _ in range(size)]
    remaining = list(enumerate(asked))
    for step in range(steps):
        measured = evaluate(step, [(place, dict(trial.params)) for place, trial in remaining])
        values = [each.t if isfinite(each.t) else LOWEST for each in measured]
        for (_, trial), value, each in zip(remaining, values, measured, strict=True):
            trial.report(value, step)
            trial.set_user_attr(GAP, each.gap)
        if step < steps - 1:
            pruned = {place for place, trial in remaining if trial.should_prune()}
            for place in sorted(pruned):
                study.tell(asked[place], state=TrialState.PRUNED)
            remaining = [(place, trial) for place, trial in remaining if place not in pruned]
        else:
            for (_, trial), value in zip(remaining, values, strict=True):
                study.tell(trial, value)
    return list(study.get_trials(deepcopy=False)[len(finished) :])


def proposals(finished: "Sequence[FrozenTrial]", space: Space, *, seed: int, size: int) -> list[Parameters]:
    """Return the parameters of the trials that `run_batch` would make."""
    study, distributions = _study(finished, seed), distributions_of(space)
    return [dict(study.ask(distributions).params) for _ in range(size)]


def distributions_of(space: Space) -> dict[str, Any]:
    """Return Optuna's distributions; a range whose bounds are both whole numbers has whole numbers only."""
    from optuna.distributions import FloatDistribution, IntDistribution

    found: dict[str, Any] = {}
    for name, each in space.items():
        is_log = each.scale == "log"
        if isinstance(each.low, int) and isinstance(each.high, int):
            found[name] = IntDistribution(each.low, each.high, log=is_log)
        else:
            found[name] = FloatDistribution(float(each.low), float(each.high), log=is_log)
    return found


def best_parameters(finished: "Sequence[FrozenTrial]") -> Parameters:
    """Return the parameters of the complete trial that overfits least, of those nearly equal to the best by t.

    Smaller differences are noise, and of many trials the largest t is the luckiest. Of equal gaps the first trial is
    taken; {} without any.
    """
    from optuna.trial import TrialState

    complete = [trial for trial in finished if trial.state == TrialState.COMPLETE]
    if not complete:
        return {}
    enough = max(trial.value for trial in complete) - NEAR_TIE
    near = [trial for trial in complete if trial.value >= enough]
    return dict(min(near, key=lambda trial: trial.user_attrs[GAP]).params)


def _study(finished: "Sequence[FrozenTrial]", seed: int) -> Any:
    from optuna import create_study, logging
    from optuna.pruners import MedianPruner
    from optuna.samplers import TPESampler

    logging.set_verbosity(logging.WARNING)
    study = create_study(direction="maximize", sampler=TPESampler(seed=seed), pruner=MedianPruner())
    study.add_trials(finished)
    return study
