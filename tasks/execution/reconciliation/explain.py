"""Accept a difference in the name of a person: book it under the kind that the person states, or acknowledge it.

What waits for the broker cannot be explained away, nor can a different account, or one that could not be read.
"""

from dataclasses import dataclass, replace
from typing import Literal, get_args

from tasks.core.accountability import require_name_and_reason
from tasks.core.errors import ConfigError, SafetyError
from tasks.execution.reconciliation.schema import Difference, Reconciliation
from tasks.ledger.entries import Entry

Declared = Literal["correction", "deposit", "withdrawal", "manual_trade"]
DECLARED: frozenset[str] = frozenset(get_args(Declared))


@dataclass(frozen=True)
class Explanation:
    """A person's explanation of a difference."""

    difference_id: str
    kind: str  # one of DECLARED
    by: str
    reason: str


def difference_named(found: Reconciliation, difference_id: str) -> Difference:
    """Return the difference with this id; raises ConfigError if there is none now."""
    for item in found.standing:
        if item.difference_id == difference_id:
            return item
    raise ConfigError(
        f"There is no open difference {difference_id} now.",
        remedy="List the open differences with `afterclose reconcile`.",
        difference_id=difference_id,
    )


def is_acknowledgeable(difference: Difference) -> bool:
    """Return whether the difference is booked already and only waits for a person to name it."""
    return difference.kind == "manual_trade" and difference.proposal is None and not difference.is_waiting


def explained(difference: Difference, said: Explanation) -> tuple[Entry, ...]:
    """Return the entries that settle the difference as the person states; none to acknowledge what is booked.

    Raises ConfigError if the kind does not fit the difference, SafetyError if no person can explain it.
    """
    kind, by, reason = said.kind, said.by.strip(), said.reason.strip()
    require_name_and_reason("Explaining a difference", by=by, reason=reason)
    if is_acknowledgeable(difference):
        if kind != "manual_trade":
            raise _misfit(difference, kind, "it is a manual trade: use `--as manual_trade`")
        return ()
    if difference.proposal is None:
        raise SafetyError(
            f"{difference.explanation} A person cannot explain this difference.",
            remedy="Wait for the broker, or correct the cause; then run `afterclose reconcile` again.",
            difference_id=difference.difference_id,
        )
    entry = difference.proposal
    if kind not in DECLARED:
        raise _misfit(difference, kind, f"it can be one of: {', '.join(sorted(DECLARED))}")
    if kind in {"deposit", "withdrawal"} and (entry.shares or entry.receivable_cents):
        raise _misfit(difference, kind, "it concerns shares, and only cash is deposited or withdrawn")
    if kind == "deposit" and entry.cash_cents <= 0:
        raise _misfit(difference, kind, "the broker has less cash than the ledger, so use `--as withdrawal`")
    if kind == "withdrawal" and entry.cash_cents >= 0:
        raise _misfit(difference, kind, "the broker has more cash than the ledger, so use `--as deposit`")
    if kind == "manual_trade" and entry.receivable_cents:
        raise _misfit(difference, kind, "it is a dividend that was not paid, so use `--as correction`")
    return (replace(entry, kind=kind, by=by, reason=reason),)  # type: ignore[arg-type]


def _misfit(difference: Difference, kind: str, why: str) -> ConfigError:
    return ConfigError(
        f"{difference.difference_id} cannot be explained as {kind}: {why}.",
        remedy="Choose another kind for --as.",
        difference_id=difference.difference_id,
    )
