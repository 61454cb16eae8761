"""Select a pair of model and optimizer by the portfolios of the selection folds after costs. Pure.

The models are those that the selection folds cannot tell apart. No confirming session has a part in it, so that more
pairs do not make a chance confirmation more likely.
"""

from dataclasses import replace
from math import isfinite

from config.selection_section import Selection
from tasks.selection.schema import NetFigures, PairResult, Pairs

NEAR_TIE_SCORE = 0.1  # of the weighted score, which is 0 to 1


def thresholds_met(figures: NetFigures, settings: Selection) -> dict[str, bool]:
    """Return which of the thresholds on a portfolio are met, by name; one on a withheld figure is not."""
    return {
        "sharpe": figures.sharpe >= settings.min_sharpe,
        "max_drawdown": figures.max_drawdown >= -settings.max_drawdown_frac,
        "calmar": figures.calmar >= settings.min_calmar,
        "turnover": figures.turnover_month <= settings.max_turnover_month_frac,
    }


def select_pair(pairs: Pairs, settings: Selection, *, incumbent: tuple[str, str] | None) -> Pairs:
    """Return the pairs with the one that has the largest weighted score selected; none without a Sharpe ratio.

    Pairs that fail an enforced threshold are selected only if all do. Of pairs within NEAR_TIE_SCORE of the largest
    score, the first model is selected; of its optimizers that of `incumbent` (model, optimizer), else the first.
    `pairs` are in order of preference.
    """
    usable = [each for each in pairs.results if each.figures is not None and isfinite(each.figures.sharpe)]
    admitted = [each for each in usable if _passes(each, settings)] or usable
    if not admitted:
        return pairs
    largest = max(map(_score, admitted))
    near = [each for each in admitted if _score(each) >= largest - NEAR_TIE_SCORE]
    own = [each for each in near if each.model == near[0].model]
    found = next((each for each in own if (each.model, each.optimizer) == incumbent), own[0])
    best = max(near, key=_score)
    return replace(pairs, selected=found, tied_with=best if _score(best) > _score(found) else None)


def _passes(pair: PairResult, settings: Selection) -> bool:
    met = thresholds_met(pair.figures, settings) if pair.figures else {}
    return all(met.get(name, False) for name in settings.enforced_thresholds)


def _score(pair: PairResult) -> float:
    return pair.figures.score if pair.figures else 0.0
