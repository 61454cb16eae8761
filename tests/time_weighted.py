"""An oracle of returns: exact, and independent of the account's own figures."""

from collections.abc import Sequence
from fractions import Fraction


def time_weighted_return(equities_cents: Sequence[int], flows_cents: Sequence[int]) -> Fraction:
    """Return the compound return over the closes, net of capital flows.

    `flows_cents[i]` is in `equities_cents[i]` for the first time; the first flow is ignored.
    """
    growth = Fraction(1)
    for before, after, flow in zip(equities_cents, equities_cents[1:], flows_cents[1:], strict=False):
        growth *= Fraction(after - flow, before)
    return growth - 1
