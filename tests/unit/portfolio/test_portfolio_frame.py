"""The target as a table: every value is in the row of its name, whatever the order of the inputs."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.portfolio.frame import book_frame, current_weights, reductions_of, session_arrays, view_of
from tasks.portfolio.schema import CASH
from tasks.portfolio.target import View
from tasks.regime.schema import Regime
from tests.builders import FRIDAY
from tests.champions import CHAMPION
from tests.safety_days import NOWHERE
from tests.unit.portfolio.test_portfolio_target import make_assets
from tests.unit.trades.trades_worlds import make_book

share = st.floats(0, 0.1)
PRICES = {"A": 10.0, "B": 20.0, "C": 40.0}


def test_current_weights_are_values_over_equity_by_symbol():
    weights = current_weights(make_book(25_000.0, A=1_000, B=500, prices={"A": 50.0, "B": 50.0}))

    assert weights.to_dict() == {"A": 0.5, "B": 0.25}
    assert weights.index.name == "symbol"


def test_each_figure_is_in_the_row_of_its_name_in_the_order_of_the_target():
    assets = make_assets(
        ("C", "B", "A", "Z"), price={**PRICES, "Z": 99.0}, adv_usd={"A": 1e6, "B": 2e6, "C": 3e6}
    )
    target = pd.DataFrame(
        {"weight": [0.2, 0.3, 0.1], "note": ["why B", "why C", "why A"]},
        index=pd.Index(["B", "C", "A"], name="symbol"),
    )
    book = make_book(80_000.0, B=1_000, prices=PRICES)

    frame = book_frame(target, book, assets, pd.Series({"C": 3.0, "A": 1.0}))

    assert frame.index.tolist() == ["B", "C", "A", "CASH"]
    assert frame.index.name == "symbol"
    assert frame["price"].tolist() == [20.0, 40.0, 10.0, 1.0]
    assert frame["weight"].tolist() == pytest.approx([0.2, 0.3, 0.1, 0.4])
    assert frame["current_weight"].tolist() == pytest.approx([0.2, 0.0, 0.0, 0.8])
    assert frame["has_quote"].all()
    assert frame["adv_usd"].tolist()[:3] == [2e6, 3e6, 1e6]
    assert frame["daily_volatility"].tolist() == [0.01, 0.01, 0.01, 0.0]
    assert frame["note"].tolist()[:3] == ["why B", "why C", "why A"]
    assert frame["score"].fillna(-1).tolist()[:3] == [-1.0, 3.0, 1.0]


def test_names_are_in_the_order_of_the_quotes_which_a_later_symbol_does_not_change():
    book = make_book(80_000.0, B=1_000, prices=PRICES)
    scores = pd.Series({"A": 1.0, "B": 2.0, "C": 3.0})
    assets = make_assets(("C", "A", "B"), price=PRICES)

    session = session_arrays(scores, assets, ["A", "C"], book)
    renamed = session_arrays(scores.rename({"C": "Z"}), assets.rename({"C": "Z"}), ["A", "Z"], book)

    assert session.symbols.tolist() == ["C", "A", "B"]
    assert renamed.symbols.tolist() == ["Z", "A", "B"]
    for name, values in vars(session.names).items():
        np.testing.assert_array_equal(getattr(renamed.names, name), values)


def test_shares_and_weights_are_those_of_the_holdings_and_nothing_for_other_names():
    book = make_book(80_000.0, B=500, Z=200, prices=PRICES)

    session = session_arrays(pd.Series({"A": 1.0}), make_assets(("C", "A", "B"), price=PRICES), [], book)

    assert session.symbols.tolist() == ["C", "A", "B", "Z"]
    assert session.held.shares.tolist() == [0.0, 0.0, 500.0, 200.0]
    assert session.held.weight.tolist() == pytest.approx([0.0, 0.0, 0.1, 0.1])
    assert (session.held.cash_usd, session.held.equity_usd) == (80_000.0, 100_000.0)


def test_a_decision_sees_the_champion_and_every_limit_of_the_regime():
    regime = Regime(FRIDAY, "BEAR", 0.4, False, {}, (), NOWHERE, size_multiplier=0.5, stop_loss_frac=0.1)
    champion = replace(CHAMPION, metrics={"neutral_ic": 0.04, "neutral_ic_t": 2.0})

    view = view_of(champion, regime)

    assert view.score_to_return == pytest.approx(0.03 * (252 / 5) ** 0.5)
    assert view == View(True, view.score_to_return, "hrp", 0.4, False, 0.5, 0.1)


# issue 10, line 6
@given(st.lists(st.tuples(share, share), min_size=1, max_size=10))
def test_no_weight_exceeds_what_was_wanted_or_what_is_held_and_the_rest_is_cash(weights):
    names = [f"S{place:03d}" for place in range(len(weights))]
    wanted, held = (np.array(column) for column in zip(*weights, strict=True))
    frame = pd.DataFrame(
        {
            "weight": [*wanted, 1 - wanted.sum()],
            "current_weight": [*held, 1 - held.sum()],
            "note": [*("rank 1 of 9 by score" for _ in names), ""],
        },
        index=pd.Index([*names, CASH], name="symbol"),
    )
    before = frame.copy()

    reduced = reductions_of(frame)

    assert (reduced["weight"][names].to_numpy() == np.minimum(wanted, held)).all()
    assert abs(reduced["weight"].sum() - 1) < 1e-12
    is_cut = reduced["note"].str.endswith("not bought while the kill switch halts new risk")
    assert (is_cut[names].to_numpy() == (wanted > held)).all()
    assert not is_cut[CASH]
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        ("", "not bought while the kill switch halts new risk"),
        ("rank 1 of 9", "rank 1 of 9; not bought while the kill switch halts new risk"),
    ],
)
def test_a_purchase_that_a_halt_forbids_keeps_its_note_and_says_why(note, expected):
    frame = pd.DataFrame(
        {"weight": [0.2, 0.8], "current_weight": [0.1, 0.9], "note": [note, ""]},
        index=pd.Index(["A", CASH], name="symbol"),
    )

    assert reductions_of(frame)["note"].to_dict() == {"A": expected, CASH: ""}
