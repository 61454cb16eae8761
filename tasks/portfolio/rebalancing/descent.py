"""Minimize tracking variance plus the cost of trading, name by name (coordinate descent), compiled.

Imported when a portfolio is computed, since the compiler takes a third of a second to load.
"""

import numpy as np

from tasks.core.compiled import compiled
from tasks.portfolio.arrays import Matrix, Vector

SWEEPS = 200  # a limit, not a time; 5 to 30 are usual
PRECISION = 1e-9  # of a weight


@compiled
def descend(current: Vector, target: Vector, covariance: Matrix, cost: Vector) -> Vector:
    """Return the w between `current` and `target` with the least ½ (w - target)'C(w - target) + Σ cost |w - current|.

    `covariance` is positive definite, `cost` per unit of weight. Every step lowers the objective, so that the result is
    usable even if it has not converged after the last sweep.
    """
    names = len(target)
    weight = current.copy()
    slope = np.zeros(names)
    for i in range(names):
        for j in range(names):
            slope[i] += covariance[i, j] * (weight[j] - target[j])
    for _ in range(SWEEPS):
        largest = 0.0
        for i in range(names):
            own, before = covariance[i, i], weight[i]
            free = before - slope[i] / own  # the best weight if trading cost nothing
            width = cost[i] / own
            if free > current[i] + width:
                best = free - width
            elif free < current[i] - width:
                best = free + width
            else:
                best = current[i]
            best = min(max(best, min(current[i], target[i])), max(current[i], target[i]))
            step = best - before
            if step != 0.0:
                weight[i] = best
                largest = max(largest, abs(step))
                for j in range(names):
                    slope[j] += covariance[j, i] * step
        if largest < PRECISION:
            break
    return weight
