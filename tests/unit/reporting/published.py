"""Publish the example day into its own home, with a panel instead of a lake."""

from dataclasses import replace

import numpy as np
import pytest
from markupsafe import Markup

from tasks.core.homes.home import Home
from tasks.core.homes.setup import set_up
from tasks.reporting.day import store
from tasks.reporting.page.charts import drawings
from tasks.reporting.page.charts.canvas import Chart
from tasks.reporting.schema import Day
from tasks.reporting.task import publish_day
from tests.builders import make_panel
from tests.unit.reporting.example_day import LINES, make_inputs, stored


def stand_in_panel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the lake by a market with names and a benchmark; the lake has its own tests."""
    panel = make_panel(sessions=253, symbols=len(LINES))
    panel = replace(
        panel, symbols=np.array([line[0] for line in LINES]), name=np.array([line[1] for line in LINES])
    )
    monkeypatch.setattr(store, "read_prices", lambda _snapshot, **_window: panel)


def leave_out_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw no chart of the day, which takes half of the time of a page; the charts have their own tests."""
    nothing = Chart(Markup(""), Markup(""))
    monkeypatch.setattr(drawings, "draw_chart", lambda *_, **__: nothing)


def publish(home, **kind) -> Day:
    """Run the stage over the stored example."""
    set_up(Home(home))  # a home without a kill switch is halted
    inputs = make_inputs(home, **kind)
    return publish_day(inputs.run, stored(inputs))


def files_of(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
