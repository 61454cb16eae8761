"""What monitoring measured of the model, the data and the account since the promotion, as lines of the page."""

from dataclasses import dataclass

from tasks.monitoring.schema import ColumnDrift, Health, Realised, SkillWindow

DRIFTED_SHOWN = 5


@dataclass(frozen=True)
class RegimeLine:
    """The account in one regime."""

    state: str
    sessions: int
    mean_return: float
    win_rate: float


@dataclass(frozen=True)
class HealthLines:
    """The measured figures, each with the number of its sessions; empty where nothing could be measured yet."""

    skill: tuple[SkillWindow, ...]
    latest: Realised | None  # the last session whose returns are known
    drift: tuple[ColumnDrift, ...]  # the columns that moved most beyond what they did in training
    columns: int
    by_regime: tuple[RegimeLine, ...]
    notes: tuple[str, ...]


def health_lines(health: Health | None) -> HealthLines | None:
    """Return the lines; None on a day that was not measured."""
    if health is None:
        return None
    moved = sorted(health.drift, key=lambda one: (one.largest_psi - one.psi, one.column))
    regimes = health.account.by_regime if health.account else ()
    return HealthLines(
        skill=health.skill,
        latest=max(health.realised, key=lambda one: one.session, default=None),
        drift=tuple(moved[:DRIFTED_SHOWN]),
        columns=len(health.drift),
        by_regime=tuple(RegimeLine(*line) for line in regimes),
        notes=health.notes,
    )
