"""Draw equal charts of reports once per process: most days of the tests show the same market."""

import pickle
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from unittest.mock import patch

from tasks.reporting.page.charts import canvas, drawings, figures
from tasks.reporting.page.charts.canvas import Chart

CHARTS = ("regime_chart", "lines_chart", "drawdown_chart", "scores_chart", "losses_chart")


@contextmanager
def drawn_once() -> Iterator[None]:
    """Let reports keep their charts. That equal inputs draw equal charts is tested on the drawings themselves."""
    with ExitStack() as stack:
        for name in CHARTS:
            stack.enter_context(patch.object(figures, name, _kept(getattr(drawings, name))))
        yield


def _kept(draw: Callable[..., Chart]) -> Callable[..., Chart]:
    charts: dict[bytes, Chart] = {}

    @wraps(draw)
    def drawn(*arguments: object, **named: object) -> Chart:
        if drawings.draw_chart is not canvas.draw_chart:  # a test has replaced it
            return draw(*arguments, **named)
        key = pickle.dumps((arguments, named))
        if key not in charts:
            charts[key] = draw(*arguments, **named)
        return charts[key]

    return drawn
