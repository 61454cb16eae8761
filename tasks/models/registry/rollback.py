"""Choose the version of the champion that a rollback restores. Reads and writes nothing."""

from collections.abc import Sequence

from tasks.core.errors import ModelError
from tasks.models.registry.metadata import TRAIN_AGAIN, Metadata
from tasks.models.registry.store import Version


def rollback_target(versions: Sequence[Version], present: Metadata | None, *, wanted: str | None) -> Version:
    """Return the version to restore: the named one, else the one that was in production before `present`.

    `versions` are the intact ones, oldest first; `present` is None if the champion in production cannot be read.
    `wanted` is a version's name or its number. By default: among the versions before `present`, the one whose
    training prices end latest (the last one among equals). This skips versions that a weekly run for a past date stored
    without promoting. Raises ModelError if there is none.
    """
    if wanted is not None:
        return _named(versions, wanted)
    places = [place for place, each in enumerate(versions) if each.stored.metadata == present]
    earlier = versions[: places[-1]] if places else versions
    if not earlier:
        raise ModelError(
            "No earlier version of the champion is stored.", remedy=f"Nothing was changed. {TRAIN_AGAIN}"
        )
    # of equal dates the last one, which replaced the other
    return max(reversed(earlier), key=lambda each: each.stored.metadata.champion.trained_through)


def _named(versions: Sequence[Version], wanted: str) -> Version:
    for each in versions:
        number = each.name.partition("-")[0]
        if wanted == each.name or (wanted.isdecimal() and int(wanted) == int(number)):
            return each
    known = ", ".join(each.name for each in versions) or "none"
    raise ModelError(
        f"No intact version of the champion is named {wanted[:40]!r}.",
        remedy=f"Nothing was changed. Choose one that `afterclose champion history` lists: {known}.",
        version=wanted[:40],
    )
