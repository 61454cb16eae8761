"""Create the home of the bench of backtests, once, and the scores of its models, as the code of today stores them.

`python -m tests.bench.ready_backtest SYMBOLS YEARS`
"""

import sys
import zlib
from unittest.mock import patch

import numpy as np

from config.sections import Candidate
from flows.operations.homes.inspection import snapshot_of
from flows.operations.research.backtest import scores_of
from tasks.backtest.scoring import stored_scores
from tasks.backtest.scoring.scores import DenseScores, Skill, TrainedFold
from tasks.backtest.scoring.store import DIVIDEND_PAY_SESSIONS, read_world
from tasks.backtest.world import World
from tasks.core.homes.opening import open_run
from tasks.data.task import refresh_market
from tasks.models.kinds.rules import Momentum52Week
from tasks.models.training.fitted import Fitted
from tests.bench.backtest import LAST, MODELS, first_session, home_of
from tests.homes import configure

KIND = "momentum_52_week"
FIRST_SCORED = 252
STAYS = 0.95  # of the noise, from one session to the next
KNOWS = 0.03  # of the next session's returns, in units of the noise


def main() -> None:
    """Create what is missing."""
    symbols, years = map(int, sys.argv[1:])
    home = home_of(symbols, years)
    if not (home / "data" / "lake").exists():
        simulated = {"symbols": symbols, "first_session": first_session(years)}
        candidates = [{"name": name, "kind": KIND, "parameters": {}} for name in MODELS]
        configure(
            home,
            {
                "data": {"simulated": simulated},
                "models": {"candidates": candidates, "quick_candidates": MODELS[:1]},
            },
        )
        with open_run(home=home, day=LAST, profile=None, doing="bench", environ={}) as run:
            refresh_market(run)
    with open_run(home=home, day=LAST, profile=None, doing="bench", environ={}) as run:
        snapshot = snapshot_of(run.home, run.settings)
        world = read_world(snapshot, dividend_pay_sessions=DIVIDEND_PAY_SESSIONS)

        def generated(_sessions: object, _companies: int, *inputs: object, **_: object) -> DenseScores:
            candidate = next(each for each in inputs if isinstance(each, Candidate))
            return _scores(world, zlib.crc32(candidate.name.encode()))

        with patch.object(stored_scores, "dense_scores", generated):
            for candidate in run.settings.models.candidates:
                scores_of(run, snapshot, world, candidate)


def _scores(world: World, seed: int) -> DenseScores:
    rng = np.random.default_rng(seed)
    close = world.close
    ahead = np.full(close.shape, np.nan)
    ahead[:-1] = close[1:] / close[:-1] - 1
    with np.errstate(invalid="ignore", divide="ignore"):
        known = np.nan_to_num((ahead - np.nanmean(ahead[:-1])) / np.nanstd(ahead[:-1]))
    noise = rng.normal(size=close.shape)
    for row in range(1, len(noise)):
        noise[row] = STAYS * noise[row - 1] + np.sqrt(1 - STAYS**2) * noise[row]
    values = np.where(np.isfinite(close) & world.is_member, noise + KNOWS * known, np.nan)
    values[:FIRST_SCORED] = np.nan
    model = Momentum52Week(("distance_52w_high",), {}, 0)
    fitted = Fitted(KIND, ("distance_52w_high",), model)
    last = len(values) - 1
    fold = TrainedFold(FIRST_SCORED, last, 0, FIRST_SCORED - 1, 1, fitted, Skill(0.03, 3.0, 252))
    return DenseScores(values, (fold,))


if __name__ == "__main__":
    main()
