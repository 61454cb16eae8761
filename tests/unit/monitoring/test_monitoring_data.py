"""The session's data against their own recent past."""

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
