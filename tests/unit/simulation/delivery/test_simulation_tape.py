import numpy as np

from tasks.simulation.delivery.tape import make_bars


def test_a_penny_share_never_prints_zero():
    nothing = np.array([1e-6])

    quoted = make_bars(nothing, np.zeros(1), np.array([0.3]), np.full((3, 1), 2.0))

    assert [price.item() for price in quoted] == [0.01] * 4


def test_overnight_news_shows_at_the_open():
    opened, *_ = make_bars(np.array([130.0]), np.log([1.30]), np.array([0.02]), np.zeros((3, 1)))

    assert opened.item() > 125
