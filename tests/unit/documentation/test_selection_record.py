from dataclasses import replace

import numpy as np

from tests.builders import make_panel
from tests.documentation.selection_record import COLUMNS, FEATURES, from_the_close, table


def reverting_overnight():
    """Return a market whose names give back overnight a part of what they earned in the session."""
    panel = make_panel(sessions=330, symbols=30)
    returns = np.random.default_rng(1).normal(0, 0.02, panel.close.shape)
    gap = np.vstack([np.zeros(30), -0.6 * returns[:-1]])
    close = 50 * np.exp(np.cumsum(returns + gap, axis=0))
    opened = np.vstack([close[:1], close[:-1] * np.exp(gap[1:])])
    return replace(
        panel, open=opened, high=np.maximum(opened, close), low=np.minimum(opened, close), close=close
    )


def test_a_return_from_the_close_runs_from_the_close_of_the_decision():
    panel = make_panel(sessions=30, symbols=2)

    np.testing.assert_allclose(from_the_close(panel)[10], panel.close[15] / panel.close[10] - 1)


def test_what_reverts_overnight_is_lost_from_the_next_open():
    rows = [line.split(" | ") for line in table(reverting_overnight()).splitlines()]
    of = {row[0].strip("|` "): row[1:] for row in rows[2:]}
    close, opened = (float(of["return_1"][place].split(" ")[0].replace("−", "-")) for place in (0, 1))

    assert list(of) == list(FEATURES)
    assert {len(row) for row in rows[2:]} == {len(COLUMNS)}
    assert close < -0.15
    assert abs(opened) < 0.05
