"""Backtests as trials: each combination of candidate, optimizer and regime is one, with its returns after costs."""

from dataclasses import asdict

import numpy as np
import pandas as pd

from config.sections import Candidate
from tasks.backtest.combination import Combination
from tasks.backtest.walk import Totals
from tasks.core.ids import sha256_of_record
from tasks.selection.trials.history import Trial


def trial_of(
    candidate: Candidate,
    combination: Combination,
    totals: Totals,
    *,
    seed: int,
    scores: str,
    costs_multiple: float,
) -> Trial:
    """Return the trial of a backtest. `scores`: id of the out-of-sample scores, which names their splits.

    The optimizer and the regime are among its parameters; the other terms of the combination among its splits.
    """
    terms = {name: str(value) for name, value in asdict(combination).items()}
    parameters = {
        "optimizer": combination.optimizer,
        "regime_adaptation": "on" if combination.uses_regime else "off",
    }
    return Trial(
        candidate.model_copy(update={"parameters": candidate.parameters | parameters}),
        seed,
        sha256_of_record({"scores": scores, "costs": costs_multiple} | terms),
        pd.Series(
            np.diff(totals.equity) / totals.equity[:-1],
            index=pd.DatetimeIndex(totals.sessions[1:]),
            dtype=np.float64,
        ),
    )
