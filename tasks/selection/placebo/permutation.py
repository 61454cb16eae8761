"""Give every name the features of another one, so that no score can predict its return. Pure.

Within each session the members exchange their features; returns and controls stay where they are. One permutation of
all names serves every session: scores stay as persistent as before, and returns overlap as before, so that the errors
of a placebo are those of the selection itself.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tasks.data.schema.records import Mask
from tasks.features.schema import FeatureMatrix

Places = NDArray[np.intp]


def permuted(features: FeatureMatrix, is_member: Mask, *, seed: int) -> FeatureMatrix:
    """Return the features with the members of each session exchanged; those of other names are unchanged.

    `is_member`: sessions × symbols, of the sessions of the features.
    """
    order = np.random.default_rng(seed).permutation(is_member.shape[1])
    values = np.array(features.values)
    for session, inside in enumerate(is_member):
        members = np.flatnonzero(inside)
        values[:, session, members] = features.values[:, session, sources(members, order)]
    return replace(features, values=values)


def sources(members: Places, order: Places) -> Places:
    """Return the member that each member gets its features from: a permutation of `members`.

    That is order[member] wherever it is a member too; the others exchange what is left, in order.
    """
    wanted = order[members]
    is_free = np.isin(wanted, members)
    left = np.setdiff1d(members, wanted[is_free])
    result = wanted.copy()
    result[~is_free] = left
    return result
