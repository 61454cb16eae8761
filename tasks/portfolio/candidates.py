"""Select the optimizer's candidates, and convert their scores to expected returns.

Selection depends on scores, quotes and risk estimates only; existing holdings get no preference. Sets no weights.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.portfolio.schema import CASH

MAX_Z = 3.0  # one extreme score must not become one extreme position


class Candidates(NamedTuple):
    """Names in alphabetical order, and the reason why each other scored name is excluded."""

    symbols: tuple[str, ...]
    left_out: dict[str, str]


def choose_candidates(
    scores: pd.Series, assets: pd.DataFrame, estimated: pd.Index, *, max_positions: int
) -> Candidates:
    """Return the best-scored names that have a quote, no quarantine and a risk estimate.

    `assets` as tasks/portfolio/quotes.py returns them. Equal scores go to the more liquid name, then by symbol.
    """
    facts = assets.reindex(scores.index)
    has_quote = facts["has_quote"].eq(True)  # noqa: FBT003 - a pandas comparison; a missing name has no quote
    obstacles = {
        "its symbol is reserved for cash": scores.index == CASH,
        "it has no score": ~np.isfinite(scores.to_numpy(dtype=float)),
        "it has no quote on the session": ~has_quote,
        "it is in quarantine": facts["is_quarantined"].eq(True),  # noqa: FBT003
        "it trades below one cent": ~(facts["price"] > 0),
        "it has no risk estimate": ~scores.index.isin(estimated),
    }
    why_not = pd.Series(
        np.select([np.asarray(mask) for mask in obstacles.values()], list(obstacles), default=""),
        scores.index,
    )
    ranking = pd.DataFrame(
        {"score": -scores, "adv_usd": -facts["adv_usd"], "symbol": scores.index.astype(str)}
    )
    best = (
        ranking[why_not == ""]
        .reset_index(drop=True)
        .sort_values(["score", "adv_usd", "symbol"])["symbol"]
        .tolist()
    )
    left_out = {str(symbol): why for symbol, why in why_not.items() if why}
    left_out |= dict.fromkeys(best[max_positions:], f"beyond the {max_positions} names considered")
    return Candidates(tuple(sorted(best[:max_positions])), left_out)


def expected_returns(
    scores: pd.Series, volatility: pd.Series, *, score_to_return: float
) -> NDArray[np.float64]:
    """Return annual expected returns in excess of cash for the names of `volatility` (annual, a fraction).

    The z-score of each name among all scored names × its volatility × `score_to_return` (Grinold's rule). If all
    scores are equal, every expected return is 0.
    """
    known = scores[np.isfinite(scores)]
    spread = float(known.std(ddof=0)) if len(known) else 0.0
    if not spread > 1e-12 * max(1.0, float(known.abs().max()) if len(known) else 0.0):
        return np.zeros(len(volatility))
    standard = ((scores[volatility.index] - known.mean()) / spread).clip(-MAX_Z, MAX_Z)
    worth: NDArray[np.float64] = (standard * volatility * score_to_return).to_numpy(dtype=float)
    return worth
