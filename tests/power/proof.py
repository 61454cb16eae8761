"""Whether the selection keeps its promise on stored results: few discoveries without a signal, most with one."""

from collections.abc import Sequence
from typing import Any

from tasks.core.text import counted
from tests.power.looks import WEEKS

NULL_MARKETS, MOST_FALSE = 40, 2
LOOKED_MARKETS, MOST_EVER_FALSE = 20, 2  # in 26 consecutive weeks
PLANTED_MARKETS, LEAST_FOUND = 20, 16


def judge(results: Sequence[dict[str, Any]], planted: float) -> tuple[bool, str]:
    """Return whether the markets of this strength satisfy the requirement, and the finding as text.

    With fewer markets than required, the share of those measured decides, and the text says so.
    """
    confirmed = [each for each in results if each["planted"] == planted and each["confirmed"]]
    count = sum(each["planted"] == planted for each in results)
    wanted = PLANTED_MARKETS if planted else NULL_MARKETS
    learners = [each for each in confirmed if each["selected"] == each["learner"]]
    found = len(learners) if planted else len(confirmed)
    if planted:
        passed = count > 0 and found / count >= LEAST_FOUND / PLANTED_MARKETS
        limit = f"at least {LEAST_FOUND} of {PLANTED_MARKETS} required"
    else:
        ever = sum(bool(each["confirmed_weeks"]) for each in results if each["planted"] == planted)
        passed = count > 0 and found / count <= MOST_FALSE / NULL_MARKETS
        passed = passed and ever / count <= MOST_EVER_FALSE / LOOKED_MARKETS
        limit = (
            f"at most {MOST_FALSE} of {NULL_MARKETS} allowed; by t alone, one of {WEEKS} consecutive weeks confirmed "
            f"one on {ever}; at most {MOST_EVER_FALSE} of {LOOKED_MARKETS} allowed"
        )
    part = "" if count >= wanted else f" Only {count} of {counted(wanted, 'market')} measured."
    what = f"planted IC {planted:g}" if planted else "no signal"
    return (
        passed,
        f"{what}: a candidate was confirmed on {found} of {counted(count, 'market')}; {limit}.{part}",
    )
