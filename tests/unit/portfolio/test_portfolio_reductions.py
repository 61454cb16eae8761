"""A target that is kept to reductions buys nothing, keeps every limit and says why (issue 10, line 6)."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from tasks.portfolio.frame import reductions_of
from tasks.portfolio.schema import CASH

share = st.floats(0, 0.1)


# issue 10, line 6
@given(st.lists(st.tuples(share, share), min_size=1, max_size=10))
def test_no_weight_exceeds_what_was_wanted_or_what_is_held_and_the_rest_is_cash(weights):
    names = [f"S{place:03d}" for place in range(len(weights))]
    wanted, held = (np.array(column) for column in zip(*weights, strict=True))
    frame = pd.DataFrame(
        {
            "weight": [*wanted, 1 - wanted.sum()],
            "current_weight": [*held, 1 - held.sum()],
            "note": [*("rank 1 of 9 by score" for _ in names), ""],
        },
        index=pd.Index([*names, CASH], name="symbol"),
    )
    before = frame.copy()

    reduced = reductions_of(frame)

    assert (reduced["weight"][names].to_numpy() == np.minimum(wanted, held)).all()
    assert abs(reduced["weight"].sum() - 1) < 1e-12
    is_cut = reduced["note"].str.endswith("not bought while the kill switch halts new risk")
    assert (is_cut[names].to_numpy() == (wanted > held)).all()
    assert not is_cut[CASH]
    pd.testing.assert_frame_equal(frame, before)
