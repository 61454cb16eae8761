import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tasks.backtest.metrics.round_trips import COLUMNS, measure_trips, round_trips

DAYS = np.arange("2024-06-03", "2024-07-13", dtype="datetime64[D]")


def found(held, pnl) -> pd.DataFrame:
    held = np.array(held, dtype=bool)
    return round_trips(DAYS[: len(held)], held, np.array(pnl, dtype=float))


def test_a_trip_ends_with_the_profit_of_the_session_of_its_exit():
    trips = found([[0], [1], [1], [0], [0]], [[0], [5], [-2], [4], [0]])

    assert trips.to_dict("records") == [
        {
            "company": 0,
            "entry": pd.Timestamp(DAYS[1]),
            "exit": pd.Timestamp(DAYS[3]),
            "sessions": 2,
            "pnl_usd": 7.0,
            "is_open": False,
        }
    ]


def test_what_is_held_at_the_end_is_open_and_counts_for_no_rate():
    trips = found([[1, 0], [1, 1], [0, 1]], [[-1, 0], [-1, 2], [-1, 9]])

    assert trips["is_open"].tolist() == [False, True]
    assert trips["exit"].isna().tolist() == [False, True]
    figures = measure_trips(trips)
    assert figures["hit_rate"][:2] == (0.0, 1)
    assert figures["holding_sessions"].value == 2


def test_a_name_bought_again_after_a_session_without_it_is_a_new_trip():
    trips = found([[1], [0], [1], [0]], [[1], [1], [10], [10]])

    assert trips["pnl_usd"].tolist() == [2, 20]
    assert trips["entry"].tolist() == [pd.Timestamp(DAYS[0]), pd.Timestamp(DAYS[2])]


def test_a_trip_within_a_session_has_a_profit_and_no_close():
    trips = found([[0], [0], [0]], [[0], [3], [0]])

    assert trips[["sessions", "pnl_usd", "is_open"]].to_dict("records") == [
        {"sessions": 0, "pnl_usd": 3.0, "is_open": False}
    ]
    assert trips["exit"].tolist() == [pd.Timestamp(DAYS[1])]


def test_rates_of_closed_trips_worked_out_by_hand():
    held = [[1, 1, 1, 1], [1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    pnl = [[10, -4, 6, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]

    figures = measure_trips(found(held, pnl))

    assert {figure.sessions for figure in figures.values()} == {4}
    assert {name: figure.value for name, figure in figures.items()} == pytest.approx(
        {
            "hit_rate": 0.5,
            "holding_sessions": 1.75,
            "median_holding_sessions": 1.5,
            "mean_gain_usd": 8.0,
            "mean_loss_usd": -4.0,
            "profit_factor": 4.0,
        }
    )


def test_a_gain_and_a_loss_of_cents_count():
    figures = measure_trips(found([[1, 1], [0, 0]], [[0.5, -0.25], [0, 0]]))

    assert (figures["hit_rate"].value, figures["profit_factor"].value) == (0.5, 2.0)
    assert (figures["mean_gain_usd"].value, figures["mean_loss_usd"].value) == (0.5, -0.25)


def test_without_trips_no_rate_is_stated():
    figures = measure_trips(found(np.zeros((3, 2)), np.zeros((3, 2))))

    assert {figure.standing for figure in figures.values()} == {"withheld"}


def test_in_a_single_session_each_company_has_its_own_trip():
    trips = found([[1, 0, 1]], [[2, 3, 4]])

    assert trips[["company", "pnl_usd", "is_open"]].to_numpy().tolist() == [
        [0, 2, True],
        [1, 3, False],
        [2, 4, True],
    ]


def test_without_companies_there_are_no_trips():
    trips = found(np.zeros((3, 0)), np.zeros((3, 0)))

    assert (len(trips), trips.columns.tolist()) == (0, list(COLUMNS))


@given(st.data())
def test_no_profit_and_no_session_is_lost_or_counted_twice(data):
    shape = data.draw(st.tuples(st.integers(1, 12), st.integers(1, 4)))
    held = data.draw(arrays(bool, shape))
    pnl = data.draw(arrays(float, shape, elements=st.integers(-50, 50).map(float)))

    trips = round_trips(DAYS[: shape[0]], held, pnl)

    for company in range(shape[1]):
        own = trips[trips["company"] == company]
        assert own["pnl_usd"].sum() == pnl[:, company].sum()
        assert own["sessions"].sum() == held[:, company].sum()
        assert own["is_open"].sum() == held[-1, company]
    assert ((trips["entry"] <= trips["exit"]) | trips["is_open"]).all()
    assert trips["exit"].isna().tolist() == trips["is_open"].tolist()
    assert trips.sort_values(["entry", "company"]).index.tolist() == list(range(len(trips)))
