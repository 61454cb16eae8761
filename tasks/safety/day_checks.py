"""Checks of the day's inputs: age of the data, scores, champion, audit log."""

import numpy as np

from tasks.core.homes.home import Home
from tasks.core.sessions import sessions_between
from tasks.core.text import counted
from tasks.safety.audit import describe_breaks, verify
from tasks.safety.facts import Facts
from tasks.safety.outcome import Outcome, none_of


def data_freshness(facts: Facts) -> Outcome:
    """The data ends with the session that is traded."""
    days = {facts.snapshot_session, facts.quotes.session, facts.book.session}
    passed = days == {facts.session}
    detail = (
        "" if passed else f"the snapshot ends on {facts.snapshot_session}, its bars on {facts.quotes.session}"
    )
    return Outcome(passed, str(min(days)), str(facts.session), detail)


def finite_scores(facts: Facts) -> Outcome:
    """There are scores, all finite, and not all equal if the champion ranks names."""
    scores = facts.scores["score"].to_numpy(dtype=float)
    unknown = int((~np.isfinite(scores)).sum())
    found = [f"{counted(unknown, 'score')} not finite"] if unknown else []
    if not scores.size:
        found.append("there are no scores")
    elif facts.champion.ranks and scores.size > 1 and np.ptp(scores) == 0:
        found.append("all scores are equal")
    return none_of(found, limit="finite and not all equal" if facts.champion.ranks else "finite")


def champion_age(facts: Facts) -> Outcome:
    """The champion was trained on the past only, and recently enough."""
    age = (facts.session - facts.champion.trained_through).days
    limit = facts.settings.models.max_age_days
    detail = (
        "" if age >= 0 else f"it was trained through {facts.champion.trained_through}, after this session"
    )
    return Outcome(0 <= age <= limit, f"{age} days", f"0 to {limit} days", detail)


def audit_log_intact(home: Home) -> Outcome:
    """The audit log was not edited, truncated or damaged."""
    verdict = verify(home)
    if not verdict.breaks:
        return Outcome(
            passed=True, value=f"{counted(verdict.rows, 'row')}, chain intact", limit="intact", detail=""
        )
    value = f"{counted(len(verdict.breaks), 'break')} in {counted(verdict.rows, 'row')}"
    return Outcome(
        passed=False, value=value, limit="intact", detail="; ".join(describe_breaks(home, verdict))
    )


def sessions_behind(facts: Facts) -> int:
    """Return by how many sessions the data is older than the session that is traded."""
    seen = min(facts.snapshot_session, facts.quotes.session)
    return max(0, len(sessions_between(seen, facts.session)) - 1)
