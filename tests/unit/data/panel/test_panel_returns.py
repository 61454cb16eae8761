import numpy as np
import pytest

from tasks.data.panel.returns import daily_returns


def test_a_daily_return_is_missing_on_the_first_row_and_where_a_level_is_missing_or_not_positive():
    close = np.array([[10.0], [11.0], [np.nan], [12.0], [0.0], [np.inf], [5.0]])

    returns = daily_returns(close)

    assert returns.shape == close.shape
    assert returns[1, 0] == pytest.approx(0.10)
    assert np.isnan(np.delete(returns[:, 0], 1)).all()


def test_a_price_of_cents_has_a_return():
    assert daily_returns(np.array([[0.05], [0.06]]))[1, 0] == pytest.approx(0.2)
