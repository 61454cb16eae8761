"""Whatever the scores, the covariances and the holdings: the target book keeps every limit."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.portfolio.caps import cap_book
from tasks.portfolio.check import check_book
from tasks.portfolio.limits import Group, Limits, Pair, breaches
from tasks.portfolio.optimizers.registry import OPTIMIZERS
from tasks.portfolio.schema import CASH
from tests.builders import make_settings
from tests.targets import ScoredView, target_of

fractions = st.floats(0, 1)
SHIPPED = make_settings().portfolio


@st.composite
def capped_books(draw):
    names = draw(st.integers(0, 12))
    weights = np.array(draw(st.lists(st.floats(0, 2), min_size=names, max_size=names)))
    masks = st.lists(st.booleans(), min_size=names, max_size=names).map(
        lambda bits: np.array(bits, dtype=bool)
    )
    groups = draw(st.lists(st.builds(Group, st.just("group"), masks, fractions), max_size=4))
    places = st.integers(0, max(names - 1, 0))
    pairs = (
        draw(st.lists(st.tuples(places, places).filter(lambda pair: pair[0] < pair[1]), max_size=8))
        if names > 1
        else []
    )
    limits = Limits(
        draw(fractions), draw(fractions), tuple(groups), tuple(Pair(one, other, 0.9) for one, other in pairs)
    )
    return weights, limits


@settings(max_examples=35)
@given(capped_books())
def test_every_limit_holds_after_one_pass(book):
    weights, limits = book

    capped = cap_book(weights, limits)[-1]

    assert breaches(capped, limits) == ()


@settings(max_examples=35)
@given(capped_books())
def test_cutting_never_adds_and_never_goes_short(book):
    weights, limits = book

    capped = cap_book(weights, limits)[-1]

    assert (capped <= weights + 1e-12).all()
    assert (capped >= 0).all()


@settings(max_examples=35)
@given(capped_books())
def test_a_portfolio_that_was_cut_is_not_cut_again(book):
    weights, limits = book

    once = cap_book(weights, limits)[-1]
    twice = cap_book(once, limits)[-1]

    assert np.abs(twice - once).max(initial=0.0) <= 1e-9


@st.composite
def worlds(draw):
    names = draw(st.integers(1, 15))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    symbols = [f"S{i:02d}" for i in range(names)]
    loadings = rng.normal(0, draw(st.sampled_from([0.0, 0.005, 0.03])), (names, 2))
    covariance = loadings @ loadings.T + np.diag(rng.uniform(0.00005, 0.0009, names))
    assets = pd.DataFrame(
        {
            "price": 50.0,
            "has_quote": rng.random(names) > 0.1,
            "is_quarantined": rng.random(names) < 0.15,
            "sector": rng.choice(["Technology", "Energy", "Unknown"], names),
            "cap_class": rng.choice(["large", "mid", "small", ""], names),
            "adv_usd": 1e8,
            "daily_volatility": 0.01,
            "fall": np.where(rng.random(names) < 0.3, rng.uniform(0, 0.6, names), 0.0),
        },
        index=symbols,
    )
    held = pd.Series(rng.dirichlet(np.ones(names)), index=symbols)[rng.random(names) < 0.5]
    scored = rng.random(names) > 0.2
    scores = pd.Series(np.where(rng.random(names) < 0.1, np.nan, rng.normal(size=names)), index=symbols)[
        scored
    ]
    view = ScoredView(
        scores,
        ranks=draw(st.booleans()),
        score_to_return=draw(st.sampled_from([0.0, 0.3])),
        optimizer=draw(st.sampled_from([*OPTIMIZERS, "unknown"])),
        exposure_cap=draw(st.sampled_from([0.0, 0.3, 0.7, 1.0])),
        allows_new_positions=draw(st.booleans()),
        stop_loss_frac=draw(st.sampled_from([0.0, 0.0, 0.1, 0.3])),
    )
    profile = SHIPPED.model_copy(
        update={
            "max_position_frac": draw(st.sampled_from([0.02, 0.10, 0.15, 1.0])),
            "max_sector_frac": draw(st.sampled_from([0.20, 0.30, 1.0])),
            "max_positions": draw(st.integers(1, 12)),
        }
    )
    return view, assets, pd.DataFrame(covariance, index=symbols, columns=symbols), held, profile


def book_of(view, assets, covariance, held, profile):
    return target_of(view, assets, covariance, held, settings=profile)


@settings(max_examples=25)
@given(worlds())
def test_fault_032_the_target_keeps_every_limit_whatever_the_world(world):
    view, assets, covariance, held, profile = world

    target = book_of(view, assets, covariance, held, profile)

    frame = assets.reindex(target.weights.index)[["sector", "cap_class"]].assign(weight=target.weights)
    cash = pd.DataFrame({"sector": "", "cap_class": "", "weight": 1 - target.weights.sum()}, index=[CASH])
    frame = pd.concat([frame, cash])
    check_book(frame, exposure_cap=view.exposure_cap, settings=profile, covariance=covariance)


@settings(max_examples=50)
@given(worlds())
def test_no_name_beyond_its_stop_has_a_weight_unless_its_price_is_in_doubt(world):
    view, assets, covariance, held, profile = world

    target = book_of(view, assets, covariance, held, profile)

    facts = assets.loc[target.weights.index]
    in_doubt = facts["is_quarantined"] | ~facts["has_quote"]
    is_beyond = (facts["fall"] > view.stop_loss_frac + 1e-9) & (view.stop_loss_frac > 0) & ~in_doubt
    assert (target.weights[is_beyond] == 0).all()


@settings(max_examples=25)
@given(worlds())
def test_only_what_may_be_bought_grows_and_everything_held_is_explained(world):
    view, assets, covariance, held, profile = world

    target = book_of(view, assets, covariance, held, profile)

    current = held.reindex(target.weights.index).fillna(0.0)
    grown = target.weights.index[target.weights > current + 1e-9]
    assert not (assets.loc[grown, "is_quarantined"] | ~assets.loc[grown, "has_quote"]).any()
    assert set(held.index) <= set(target.weights.index)
    assert all(target.why[symbol] for symbol in target.weights.index)
    if not view.allows_new_positions:
        assert len(grown) == 0


@settings(max_examples=20)
@given(worlds())
def test_equal_worlds_give_equal_bytes(world):
    view, assets, covariance, held, profile = world

    one = book_of(view, assets, covariance, held, profile)
    other = book_of(view, assets, covariance, held, profile)

    assert one.weights.to_numpy().tobytes() == other.weights.to_numpy().tobytes()
    assert (one.why, one.method, one.steps, one.notes) == (other.why, other.method, other.steps, other.notes)
