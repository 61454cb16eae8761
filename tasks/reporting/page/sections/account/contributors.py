"""Who earned the account's gains: the names that contributed most and least to each period, in dollars."""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.reporting.day.contributors import contributors_since
from tasks.reporting.day.inputs import DayInputs
from tasks.reporting.page.sections.account.returns import Period

MOST = 3  # names on either side


@dataclass(frozen=True)
class ContributorLine:
    """The contributions of a period in cents: they sum to the period's gain. `others`: how many names are summed up."""

    key: str
    label: str
    gained: tuple[tuple[str, int], ...]  # largest first
    lost: tuple[tuple[str, int], ...]  # largest loss first
    others: int
    others_cents: int
    other_cents: int  # of no name
    unexplained_cents: int
    cents: int


def contributor_lines(inputs: DayInputs, periods: Sequence[Period]) -> tuple[ContributorLine, ...]:
    """Return a line for each period whose contributions are known."""
    book = inputs.records.portfolio.book
    lines = []
    for one in periods:
        found = contributors_since(
            one.since, inputs.worths.get(one.since), book, change_cents=round(100 * one.usd)
        )
        if found is None:
            continue
        gained = tuple(each for each in found.names if each[1] > 0)[:MOST]
        lost = tuple(each for each in reversed(found.names) if each[1] < 0)[:MOST]
        named = sum(cents for _, cents in (*gained, *lost))
        lines.append(
            ContributorLine(
                one.key,
                one.label,
                gained,
                lost,
                len(found.names) - len(gained) - len(lost),
                sum(cents for _, cents in found.names) - named,
                found.other_cents,
                found.unexplained_cents,
                found.cents,
            )
        )
    return tuple(lines)
