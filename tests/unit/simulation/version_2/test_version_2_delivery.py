from datetime import date

import numpy as np
import pytest

from tasks.simulation.parameters import Parameters
from tasks.simulation.truth import simulate

PARAMETERS = Parameters(3, 20, date(2015, 1, 2), 0.0, version=2)


@pytest.fixture(scope="module")
def simulation():
    return simulate(PARAMETERS, date(2022, 12, 30))


def test_the_open_of_the_benchmark_holds_its_share_of_the_variance(simulation):
    levels = simulation.delivery.levels
    benchmark = levels[levels["name"] == "SPY"]
    night = np.log(benchmark["open"].to_numpy()[1:] / benchmark["close"].to_numpy()[:-1])
    day = np.log(benchmark["close"].to_numpy() / benchmark["open"].to_numpy())[1:]

    assert night.var() / (night.var() + day.var()) == pytest.approx(0.30, abs=0.05)


def test_names_open_where_the_truth_says(simulation):
    bars = simulation.delivery.bars
    opened, close = (
        bars.pivot_table(index="session", columns="symbol", values=name) for name in ("open", "close")
    )
    actions = simulation.delivery.actions["symbol"].unique()
    quiet = [symbol for symbol in opened.columns if symbol not in set(actions)]
    apart = np.log(close[quiet] / opened[quiet])
    own_day = (simulation.truth.own - simulation.truth.own_overnight)[quiet]

    correlation = apart.corrwith(own_day.reindex_like(apart)).median()

    assert quiet
    assert correlation > 0.5
