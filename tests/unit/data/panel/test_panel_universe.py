import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tasks.data.panel.universe import decide_members, median_reaches
from tasks.data.schema.records import PanelRules

RULES = PanelRules("SPY", "^VIX", 5.0, 1e6, 3, 5)


def decide(close: float, dollars: float, *, rows: int = 25, **changes: np.ndarray) -> list[bool]:
    shape = (rows, 1)
    given = {
        "in_index": np.ones(shape, bool),
        "quarantined": np.zeros(shape, bool),
        "age": np.arange(1, rows + 1)[:, None],
    }
    return decide_members(
        np.full(shape, close), np.full(shape, dollars), **{**given, **changes}, rules=RULES
    )[:, 0].tolist()


@settings(max_examples=40)
@given(arrays(float, (40, 2), elements=st.floats(0, 10)), st.floats(0, 10))
def test_counting_gives_what_the_median_gives(values, floor):
    reached = median_reaches(values >= floor)

    medians = [np.median(values[row - 20 : row + 1], axis=0) for row in range(20, 40)]
    assert (reached[20:] == (np.array(medians) >= floor)).all()


def test_a_liquid_name_enters_once_more_than_half_of_the_window_is_liquid():
    assert decide(50, 2e6) == [False] * 10 + [True] * 15


@pytest.mark.parametrize(("close", "dollars"), [(4.99, 2e6), (50, 0.99e6), (np.nan, np.nan)])
def test_cheap_thin_and_missing_names_stay_out(close, dollars):
    assert not any(decide(close, dollars))


def test_names_outside_the_index_in_quarantine_or_too_young_stay_out():
    nobody = np.zeros((25, 1), bool)

    assert not any(decide(50, 2e6, in_index=nobody))
    assert not any(decide(50, 2e6, quarantined=~nobody))
    assert not any(decide(50, 2e6, age=np.full((25, 1), 2)))
    assert decide(50, 2e6, age=np.full((25, 1), 3))[-1]
