"""The session's data against its own recent past."""

from dataclasses import replace

import numpy as np
import pytest

from tasks.monitoring.data_health import data_alerts, data_figures
from tests.builders import make_panel, make_settings

LIMITS = make_settings().monitoring


def alerts_of(panel, *, scored=30, left_out=0):
    found = data_alerts(data_figures(panel), LIMITS, scored=scored, left_out=left_out)
    return [alert.name for alert in found]


def test_a_usual_session_has_no_alert():
    figures = data_figures(make_panel(sessions=100))

    assert (figures.universe, figures.universe_before, figures.unchanged_frac) == (30, 30, 0)
    assert 0.5 < figures.volume_ratio < 2
    assert alerts_of(make_panel(sessions=100)) == []


@pytest.mark.parametrize("factor", [0.1, 10.0])
def test_volumes_of_another_size_are_an_alert(factor):
    panel = make_panel(sessions=100)
    volume = panel.volume.copy()
    volume[-1] *= factor

    assert alerts_of(replace(panel, volume=volume)) == ["volume"]


def test_closes_that_are_repeated_are_an_alert():
    panel = make_panel(sessions=100)
    close = panel.raw_close.copy()
    close[-1, ::2] = close[-2, ::2]

    assert alerts_of(replace(panel, raw_close=close)) == ["unchanged_prices"]


def test_prices_that_are_often_unchanged_by_themselves_are_not():
    panel = make_panel(sessions=100)
    close = panel.raw_close.copy()
    close[1:, ::4] = close[0, ::4]

    assert alerts_of(replace(panel, raw_close=close)) == []


def moving(factor, *, index=15.0):
    """A quiet market of which the last ten sessions move by this factor, at this volatility index."""
    panel = make_panel(sessions=100)
    moves = np.diff(np.log(panel.close), axis=0)
    moves[-10:] *= factor
    close = panel.close[0] * np.exp(np.vstack([np.zeros(30), np.cumsum(moves, axis=0)]))
    volatility_index = panel.volatility_index.copy()
    volatility_index[-10:] = index
    return replace(panel, close=close, volatility_index=volatility_index)


def test_moves_that_grow_without_the_volatility_index_are_an_alert():
    figures = data_figures(moving(3.0))

    assert figures.moves == pytest.approx(3 * figures.moves_before, rel=0.3)
    assert alerts_of(moving(3.0)) == ["moves"]


def test_moves_that_grow_with_the_volatility_index_are_a_wild_market_and_no_alert():
    assert alerts_of(moving(3.0, index=45.0)) == []


def test_moves_below_what_the_index_says_of_the_market_are_not_an_alert_whatever_they_were():
    """Three times as much as next to nothing."""
    panel = moving(3.0)
    still = replace(panel, close=panel.close**0.2)

    assert data_figures(still).moves > 2 * data_figures(still).moves_before > 0
    assert alerts_of(still) == []


@pytest.mark.parametrize("known", [0, 5])
def test_without_a_volatility_index_moves_are_not_judged(known):
    panel = moving(3.0)
    index = np.where(np.arange(100) >= 100 - known, panel.volatility_index, np.nan)

    assert alerts_of(replace(panel, volatility_index=index)) == []


def test_a_universe_that_lost_names_is_an_alert():
    panel = make_panel(sessions=100)
    is_member = panel.is_member.copy()
    is_member[-1, :4] = False

    assert alerts_of(replace(panel, is_member=is_member)) == ["universe_size"]


def test_names_that_cannot_be_scored_are_an_alert():
    assert alerts_of(make_panel(sessions=100), scored=26, left_out=4) == ["scored_names"]


def test_the_first_sessions_of_a_lake_are_neutral():
    assert alerts_of(make_panel(sessions=2)) == []
    assert np.isfinite(data_figures(make_panel(sessions=2)).volume_ratio)
