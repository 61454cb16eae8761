"""State how often other seeds, earlier weeks and resampled sessions select the same candidate. Pure."""

from math import isnan

from tasks.core.text import counted
from tasks.selection.schema import SeedChoice, Stability
from tasks.selection.stability.draws import BLOCK_SESSIONS, DRAWS
from tasks.selection.statement import signed, signed_ratio

LEAST_SHARE = 0.5  # a smaller share is a warning
NONE = "none"
COLUMNS = (
    *("compared with", "selected", "same", "t", "neutral IC"),
    *("its t in this run", "its neutral IC in this run"),
)


def stability_section(stability: Stability | None) -> list[str]:
    """Return the section of the report, as lines of Markdown; empty if no candidate was trained."""
    if stability is None:
        return []
    rows = stability_rows(stability)
    warning = stability_warning(stability)
    return [
        "## Stability of the choice",
        "",
        " ".join([*stability_sentences(stability), *([f"**{warning}**"] if warning else [])]),
        "",
        *([f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"] if rows else []),
        *(f"| {' | '.join(row)} |" for row in rows),
        *([""] if rows else []),
    ]


def stability_sentences(stability: Stability) -> list[str]:
    """Return how often the same candidate is selected, what it is compared with, and what was not compared."""
    found = [words for words, _ in _shares(stability)]
    sentences = [f"Selected: {stability.selected or NONE}."]
    if found:
        sentences.append(f"Same candidate in {', '.join(found)}.")
    if (stability.draws or stability.seeds) and stability.by_t != stability.selected:
        sentences.append(
            f"Seeds and draws are compared with {stability.by_t or NONE}, the selection by t and the order of the"
            " candidates alone: pairs of model and optimizer are not simulated again."
        )
    if any(each.candidate == stability.by_t and each.t == each.own_t for each in stability.seeds):
        sentences.append(f"The scores of {stability.by_t} do not depend on the seed.")
    return [*sentences, *_not_compared(stability)]


def stability_warning(stability: Stability) -> str:
    """Return the warning; empty if the same candidate is selected in at least half of every comparison."""
    few = [words for words, share in _shares(stability) if share < LEAST_SHARE]
    if not few:
        return ""
    return (
        f"Fewer than half: {', '.join(few)}. Another seed, week or sample of sessions would more often have selected"
        " another candidate."
    )


def stability_rows(stability: Stability) -> list[tuple[str, ...]]:
    """Return the cells of each comparison in the order of COLUMNS: weeks, seeds, draws."""
    blank = ("",) * 4
    rows: list[tuple[str, ...]] = [
        (f"session {each.session}", *_compared(each.candidate, stability.selected), *blank)
        for each in stability.weeks
    ]
    rows += [
        (f"seed {each.seed}", *_compared(each.candidate, stability.by_t), *_figures(each))
        for each in stability.seeds
    ]
    if stability.draws:
        shares = sorted(stability.draws.items(), key=lambda each: -each[1])
        named = ", ".join(f"{name} {100 * share:.0f}%" for name, share in shares if share)
        own = stability.draws.get(stability.by_t or "", 0.0)
        rows.append((counted(DRAWS, "draw"), named, f"{100 * own:.0f}%", *blank))
    return rows


def _shares(stability: Stability) -> list[tuple[str, float]]:
    """Return each comparison in words, and its share of the same candidate."""
    weeks = [each.candidate == stability.selected for each in stability.weeks]
    seeds = [each.candidate == stability.by_t for each in stability.seeds]
    found = [
        (f"{sum(same)} of {counted(len(same), noun)}", sum(same) / len(same))
        for same, noun in ((weeks, "earlier week"), (seeds, "other seed"))
        if same
    ]
    if stability.draws:
        own = stability.draws.get(stability.by_t or "", 0.0)
        found.append((f"{100 * own:.0f}% of {counted(DRAWS, 'draw')}", own))
    return found


def _not_compared(stability: Stability) -> list[str]:
    """Return a sentence for each comparison that was not made."""
    found = []
    if stability.is_quick:
        found.append("A quick run is compared neither with earlier weeks nor with other seeds.")
    else:
        if not stability.weeks:
            found.append("No earlier week is recorded.")
        if not stability.seeds:
            found.append("Not compared with other seeds: `selection.other_seeds` is 0.")
    if not stability.draws:
        found.append(
            "Sessions were not resampled: that needs two eligible learners, one of them selected, and"
            f" {2 * BLOCK_SESSIONS} sessions."
        )
    return found


def _compared(candidate: str | None, own: str | None) -> tuple[str, str]:
    return candidate or NONE, "yes" if candidate == own else "no"


def _figures(choice: SeedChoice) -> tuple[str, ...]:
    ts, ics = (choice.t, choice.own_t), (choice.neutral_ic, choice.own_neutral_ic)
    return tuple(
        "" if isnan(value) else text(value)
        for pair in zip(ts, ics, strict=True)
        for value, text in zip(pair, (signed_ratio, signed), strict=True)
    )
