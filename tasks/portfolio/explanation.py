"""Describe a target in text: the reason for each weight, and notes on the target as a whole.

Changes no figures: everything is read from the codes and arrays of the decision.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from config.sections import Portfolio as PortfolioSettings
from tasks.core.text import counted, percent
from tasks.portfolio.arrays import Codes, Names
from tasks.portfolio.candidates import Candidates, Obstacle
from tasks.portfolio.limits import UNKNOWN_SECTOR, Limits, Rules
from tasks.portfolio.overlays import CORRELATION, KELLY, VOLATILITY
from tasks.portfolio.target import SMALLEST_CUT, Reason, Target, View

REASONS = {
    Reason.UNCHANGED: "unchanged: no method returned a portfolio",
    Reason.NO_QUOTE: "no quote on the session (halted or delisted): exit only",
    Reason.QUARANTINED: "in quarantine: kept or reduced, never bought",
    Reason.NO_EXPOSURE: "the regime allows no exposure",
    Reason.NO_WEIGHT: "the optimizer gives it no weight",
    Reason.NO_NEW_POSITIONS: "no new positions are allowed now",
    Reason.UNRANKED: "considered; the champion does not rank names",
}
OVERLAYS = {
    CORRELATION: "Correlated positions are reduced",
    KELLY: "The portfolio is cut to a fraction of the Kelly size",
    VOLATILITY: "The portfolio is cut to the volatility target",
}
OBSTACLES = {
    Obstacle.UNSCORED: "left the universe",
    Obstacle.RESERVED: "its symbol is reserved for cash",
    Obstacle.NO_SCORE: "it has no score",
    Obstacle.NO_QUOTE: "it has no quote on the session",
    Obstacle.QUARANTINED: "it is in quarantine",
    Obstacle.BELOW_A_CENT: "it trades below one cent",
    Obstacle.NO_RISK_ESTIMATE: "it has no risk estimate",
    Obstacle.STOPPED: "stop loss",
    Obstacle.FIXED: "a person set its weight",
}


def reasons_of(
    target: Target, view: View, names: Names, candidates: Candidates, rules: Rules
) -> tuple[str, ...]:
    """Return why each name of the target has its weight, in the target's order."""
    rank = _ranks(names)
    ranked = int((rank > 0).sum())
    limits = limit_names(target.limits)
    reasons = []
    for entry, place in enumerate(target.places.tolist()):
        said = [f"rank {rank[place]} of {ranked} by score"] if view.ranks and rank[place] else []
        reason = Reason(target.reason[entry])
        if reason == Reason.NOT_CHOSEN:
            obstacle = Obstacle(candidates.obstacle[place])
            said.append(obstacle_words(obstacle, rules, candidates))
            if obstacle == Obstacle.STOPPED:
                said[-1] += (
                    f": it closed {percent(names.fall[place])} below its recent high, and the regime's stop"
                )
                said[-1] += f" is {percent(view.stop_loss_frac)}"
        elif reason == Reason.KEPT:
            said.append(f"kept: holdings remain candidates down to rank {candidates.keep_rank}")
        elif reason != Reason.NONE:
            said.append(REASONS[reason])
        said += [
            f"cut from {percent(before)} to {percent(after)} by {limit}"
            for (before, after), limit in zip(pairwise(target.cuts[:-1, entry]), limits, strict=True)
            if before - after > SMALLEST_CUT
        ]
        uncosted, weight = target.uncosted[entry], target.weights[entry]
        if abs(uncosted - weight) > SMALLEST_CUT:
            is_above = weight > uncosted
            forced = _forced_by(target, entry, limits)
            said.append(
                f"optimal weight {percent(uncosted)} before trading costs: "
                f"{f'{forced} requires selling to {percent(weight)}; ' if forced else ''}"
                f"{'selling below' if is_above else 'buying above'} {percent(weight)} costs more than the lower "
                f"tracking risk is worth{', and no limit requires it' if is_above else ''}"
            )
        reasons.append("; ".join(said))
    return tuple(reasons)


def _forced_by(target: Target, entry: int, limits: Sequence[str]) -> str:
    """Return the limit that lowered the weight most although trading costs spoke against it; "" if none did."""
    lowered = target.lowered[:, entry]
    row = int(lowered.argmax())
    if lowered[row] <= SMALLEST_CUT:
        return ""
    is_total = row == len(limits) - 1
    return "the total after the sizing rules" if is_total and target.effects else limits[row]


def obstacle_words(obstacle: Obstacle, rules: Rules, candidates: Candidates) -> str:
    """Return why a name is not a candidate."""
    if obstacle == Obstacle.BEYOND:
        return f"beyond the {rules.max_positions} names considered"
    if obstacle == Obstacle.AFTER_HOLDINGS:
        return f"displaced by holdings, which are kept down to rank {candidates.keep_rank}"
    return OBSTACLES[obstacle]


def limit_names(limits: Limits) -> tuple[str, ...]:
    """Return the name of each limit in the order that tasks/portfolio/caps.py applies them."""
    return (
        f"the position limit of {percent(limits.max_position)}",
        "the limit on correlated pairs",
        *(f"the limit of {percent(group.limit)} for {group.name}" for group in limits.groups),
        f"the exposure limit of {percent(limits.max_exposure)}",
    )


def notes_of(
    target: Target,
    view: View,
    names: Names,
    candidates: Candidates,
    sectors: Sequence[str],
    *,
    settings: PortfolioSettings,
) -> Iterator[str]:
    """Yield notes on the target as a whole. `sectors` are the labels by code."""
    weights = target.weights
    considered, scored = len(candidates.chosen), int(names.is_scored.sum())
    kept = f", {len(candidates.kept)} of them because they are held" if len(candidates.kept) else ""
    yield f"{considered} of {scored} scored names were considered{kept}."
    if not view.ranks:
        yield "The baseline has no expected returns: it only brings positions back to their target weights."
    if view.exposure_cap < 1:
        yield f"The regime limits exposure to {percent(view.exposure_cap)} of the portfolio."
    for effect in target.effects:
        yield f"{OVERLAYS[effect.overlay]}: {percent(effect.before)} invested before, {percent(effect.after)} after."
    if not view.allows_new_positions:
        yield "The regime allows no new positions and no increases."
    if view.stop_loss_frac > 0:
        is_stopped = candidates.obstacle == Obstacle.STOPPED
        of_held = int(is_stopped[target.places].sum())
        yield (
            f"Stop loss: names that closed more than {percent(view.stop_loss_frac)} below their recent high are sold "
            f"and not bought ({counted(of_held, 'holding')}, {counted(int(is_stopped.sum()) - of_held, 'other name')})."
        )
    invested = names.sector[target.places[weights > 0]].tolist()
    unknown = sum(sectors[code] == UNKNOWN_SECTOR for code in invested)
    if unknown:
        yield f"The sector of {counted(unknown, 'name')} is unknown: {unknown_sector_words(settings)}."
    if target.limits.pairs:
        yield (
            f"{counted(len(target.limits.pairs), 'pair of names is', 'pairs of names are')} highly correlated: "
            "the sum of each pair is within the limit of one position."
        )
    if 0 < weights.sum() < min(view.exposure_cap, 1.0) - 0.01:
        yield f"The limits leave {percent(1 - weights.sum())} of the portfolio in cash."


def unknown_sector_words(settings: PortfolioSettings) -> str:
    """Explain how the settings treat names of unknown sector."""
    if settings.unknown_sector == "each_its_own":
        return "each counts as its own sector, and no limit applies to their total"
    most = percent(settings.max_sector_frac)
    return f"they count as one sector, so together they may weigh no more than {most} of the portfolio"


def _ranks(names: Names) -> Codes:
    """Return the rank of each name by score from 1 on, equal scores in the order of the names; 0 without a score."""
    best = np.argsort(-names.score, kind="stable")[: int((~np.isnan(names.score)).sum())]
    rank = np.zeros(len(names.score), dtype=np.int64)
    rank[best] = np.arange(1, len(best) + 1)
    return rank
