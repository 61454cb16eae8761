"""The last look at a target: what breaks a rule is refused, however it came about."""

import pandas as pd
import pytest

from tasks.core.errors import SafetyError
from tasks.portfolio.check import check_book
from tests.builders import make_settings

SETTINGS = make_settings(**{"portfolio.max_position_frac": 0.15, "portfolio.max_correlation": 0.7}).portfolio


def make_frame(**weights):
    index = pd.Index([*weights, "CASH"], name="symbol")
    return pd.DataFrame(
        {
            "weight": [*weights.values(), 1 - sum(weights.values())],
            "sector": [*(f"Sector of {name}" for name in weights), ""],
            "cap_class": "",
        },
        index=index,
    )


def covariance_of(correlation, *, names=("A", "B")):
    return pd.DataFrame([[4e-4, correlation * 2e-4], [correlation * 2e-4, 1e-4]], index=names, columns=names)


@pytest.mark.parametrize(("correlation", "is_refused"), [(0.69, False), (0.71, True)])
def test_two_names_that_move_as_one_may_not_weigh_more_than_one_position(correlation, is_refused):
    frame = make_frame(A=0.08, B=0.08)
    covariance = covariance_of(correlation, names=("B", "A"))  # in another order than the frame

    check_book(frame, exposure_cap=1.0, settings=SETTINGS)
    if not is_refused:
        check_book(frame, exposure_cap=1.0, settings=SETTINGS, covariance=covariance)
        return
    with pytest.raises(SafetyError, match="correlated pairs"):
        check_book(frame, exposure_cap=1.0, settings=SETTINGS, covariance=covariance)
    check_book(make_frame(A=0.08, B=0.07), exposure_cap=1.0, settings=SETTINGS, covariance=covariance)


def test_weights_that_do_not_sum_to_1_are_refused():
    frame = make_frame(A=0.1)
    frame.loc["CASH", "weight"] += 1e-6

    with pytest.raises(SafetyError, match=r"sum to 1\.0000010000, not to 1"):
        check_book(frame, exposure_cap=1.0, settings=SETTINGS)
