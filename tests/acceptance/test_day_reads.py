"""What a day reads of the lake: the panel once, whatever the settings, and a stage that runs alone its own window."""

import pytest
import yaml

from tasks.core.homes.opening import open_run
from tasks.data.panel import reader
from tasks.data.task import refresh_market
from tasks.regime.task import detect_regime
from tests.homes import LAST_SESSION, SMALL_MARKET, day_bytes, run_day

pytestmark = pytest.mark.slice


@pytest.fixture
def windows(monkeypatch):
    """The number of sessions of every panel that is read from the lake, in order."""
    read, real = [], reader._assembled

    def counted(snapshot, window):
        panel = real(snapshot, window)
        read.append(len(panel.sessions))
        return panel

    monkeypatch.setattr(reader, "_assembled", counted)
    yield read
    reader._kept.clear()


class Forgetful(dict):
    """Retains nothing."""

    def __setitem__(self, key, value):
        pass


def configured(home, **settings):
    (home / "config.yaml").write_text(yaml.safe_dump(SMALL_MARKET | settings))
    return home


@pytest.mark.parametrize(
    ("settings", "longest"),
    [
        ({}, 640),
        ({"risk": {"window_sessions": 700}}, 701),
        ({"regime": {"history_sessions": 2}, "risk": {"window_sessions": 63}}, 390),
        ({"regime": {"history_sessions": 2}, "risk": {"window_sessions": 400}}, 401),
    ],
)
def test_a_day_reads_its_panel_once_with_the_longest_window(ready_home, windows, settings, longest):
    run_day(configured(ready_home, **settings))

    assert windows == [longest]


def test_a_day_is_the_same_when_every_stage_reads_its_own_window(ready_home, windows, monkeypatch):
    run_day(ready_home)
    once = day_bytes(ready_home)
    monkeypatch.setattr(reader, "_kept", Forgetful())

    run_day(ready_home)

    assert len(windows) > 3
    assert day_bytes(ready_home) == once


def test_a_stage_that_runs_without_a_retained_panel_reads_its_window(ready_home, windows):
    with open_run(
        home=ready_home, day=LAST_SESSION.isoformat(), profile=None, doing="test", environ={}
    ) as run:
        market = refresh_market(run)

        detect_regime(run, market)

    assert windows == [2, 640]
