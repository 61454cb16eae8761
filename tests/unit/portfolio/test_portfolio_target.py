from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tasks.portfolio.candidates import expected_returns
from tasks.portfolio.ladder import rungs, solve
from tasks.portfolio.optimizers.registry import OPTIMIZERS
from tasks.portfolio.rebalancing.rebalance import move_towards
from tests.builders import make_settings
from tests.targets import ScoredView, chosen_from, target_of

NAMES = [f"S{i:02d}" for i in range(12)]


def make_assets(names=NAMES, **columns):
    frame = pd.DataFrame(
        {
            "price": 50.0,
            "has_quote": True,
            "is_quarantined": False,
            "sector": [
                ("Technology", "Energy", "Health Care", "Utilities")[i % 4] for i in range(len(names))
            ],
            "cap_class": "",
            "adv_usd": 1e9,
            "daily_volatility": 0.01,
            "fall": 0.0,
        },
        index=pd.Index(names, name="symbol"),
    )
    for column, by_symbol in columns.items():
        for symbol, value in by_symbol.items():
            frame.loc[symbol, column] = value
    return frame


def make_covariance(names=NAMES, *, correlation=0.2):
    deviation = np.linspace(0.010, 0.020, len(names))
    matrix = np.full((len(names), len(names)), correlation)
    np.fill_diagonal(matrix, 1.0)
    return pd.DataFrame(matrix * np.outer(deviation, deviation), index=names, columns=names)


def make_view(
    scores=None, *, ranks=True, worth=0.3, optimizer="inverse_volatility", cap=1.0, new=True, stop=0.0
):
    if scores is None:
        scores = {name: float(-place) for place, name in enumerate(NAMES)}
    series = pd.Series(scores, dtype=float)
    return ScoredView(series, ranks, worth, optimizer, cap, new, stop_loss_frac=stop)


def make_held(**weights):
    return pd.Series(weights, index=pd.Index(list(weights), dtype=str), dtype=float)


def target(view=None, *, assets=None, covariance=None, held=None, **settings):
    overrides = {f"portfolio.{name}": value for name, value in settings.items()}
    settings_ = make_settings(**overrides).portfolio
    view = view or make_view()
    assets = make_assets() if assets is None else assets
    covariance = make_covariance() if covariance is None else covariance
    return target_of(view, assets, covariance, make_held() if held is None else held, settings=settings_)


def worth_of(scores, chosen):
    """Return the expected returns of the chosen places, each of a volatility of 20%."""
    volatility = np.full(len(chosen), 0.2)
    return expected_returns(np.array(scores), np.array(chosen), volatility, score_to_return=0.3)


def test_only_the_best_scored_names_are_candidates():
    chosen = chosen_from(make_view().scores, make_assets(), make_covariance().index, max_positions=3)

    assert chosen.symbols == ("S00", "S01", "S02")
    assert chosen.left_out["S03"] == "beyond the 3 names considered"


def test_a_holding_stays_a_candidate_until_it_falls_below_the_rank_that_keeps_it():
    known = make_covariance().index
    candidates = {"max_positions": 3, "keep_rank_multiple": 2.0}

    kept = chosen_from(make_view().scores, make_assets(), known, held=["S05", "S06"], **candidates)
    full = chosen_from(
        make_view().scores, make_assets(), known, held=["S02", "S03", "S04", "S05"], **candidates
    )

    assert kept.symbols == ("S00", "S01", "S05")  # S05 has rank 6, S06 has rank 7
    assert kept.left_out["S02"] == "displaced by holdings, which are kept down to rank 6"
    assert kept.left_out["S06"] == "beyond the 3 names considered"
    assert full.symbols == ("S02", "S03", "S04")


@pytest.mark.parametrize(("held", "last"), [("S07", "S07"), ("S08", "S02")])
def test_no_holding_stays_a_candidate_in_the_last_third(held, last):
    chosen = chosen_from(
        make_view().scores,
        make_assets(),
        make_covariance().index,
        held=[held],
        max_positions=3,
        keep_rank_multiple=4.0,
    )

    assert chosen.symbols[-1] == last


def test_no_holding_takes_precedence_without_a_multiple():
    chosen = chosen_from(
        make_view().scores, make_assets(), make_covariance().index, max_positions=3, held=["S03"]
    )

    assert chosen.symbols == ("S00", "S01", "S02")


def test_the_reason_says_that_a_holding_is_kept_and_what_it_would_weigh_if_trading_cost_nothing():
    held = make_held(S00=0.32, S01=0.33, S05=0.35)

    found = target(
        make_view(optimizer="equal_weight"),
        held=held,
        max_positions=3,
        max_position_frac=0.4,
        max_sector_frac=0.8,
    )

    assert found.weights[held.index].to_dict() == held.to_dict()
    assert found.why["S05"] == (
        "rank 6 of 12 by score; kept: holdings remain candidates down to rank 8; "
        "optimal weight 33.33% before trading costs: "
        "selling below 35% costs more than the lower tracking risk is worth, and no limit requires it"
    )
    assert found.why["S00"] == (
        "rank 1 of 12 by score; optimal weight 33.33% before trading costs: "
        "buying above 32% costs more than the lower tracking risk is worth"
    )
    assert found.notes[0] == "3 of 12 scored names were considered, 1 of them because they are held."


def test_the_reason_of_a_sale_that_a_limit_forces_names_the_limit_and_why_it_ends_there():
    found = target(
        make_view(optimizer="equal_weight"),
        held=make_held(S00=0.2, S01=0.2, S05=0.35),
        max_positions=3,
        max_position_frac=0.34,
        max_sector_frac=0.8,
    )

    assert (
        "before trading costs: the position limit of 34% requires selling to 34%; selling below 34% costs more than"
        in found.why["S05"]
    )


@pytest.mark.parametrize(
    ("cap", "settings", "forced"),
    [
        (1.0, {"max_sector_frac": 0.5}, "the limit of 50% for sector Energy"),
        (1.0, {"max_cap_class_frac": {"small": 0.5}}, "the limit of 50% for cap class small"),
        (0.7, {}, "the exposure limit of 70%"),
    ],
)
def test_the_reason_of_a_sale_names_the_limit_on_several_names_that_forces_it(cap, settings, forced):
    """S01 and S05 are small and in Energy, 55% together, and 75% with S00: 5% too much in each case."""
    small = make_assets(cap_class={"S01": "small", "S05": "small"})

    found = target(
        make_view(optimizer="equal_weight", cap=cap),
        assets=small,
        held=make_held(S00=0.2, S01=0.2, S05=0.35),
        max_positions=3,
        **{"max_position_frac": 0.4, "max_sector_frac": 0.8, "max_cap_class_frac": {}} | settings,
    )

    assert f"before trading costs: {forced} requires selling to" in found.why["S05"]
    limited = ["S00", "S01", "S05"] if cap < 1 else ["S01", "S05"]
    assert found.weights[limited].sum() == pytest.approx(cap if cap < 1 else 0.5)


def test_the_reason_of_a_sale_for_a_sizing_rule_names_the_total_and_no_limit():
    shipped = make_settings(
        **{
            "portfolio.max_positions": 3,
            "portfolio.max_position_frac": 0.4,
            "portfolio.max_sector_frac": 0.8,
        }
    ).portfolio
    calm = shipped.overlays.model_copy(update={"volatility_target": 0.1})
    settings_ = shipped.model_copy(update={"overlays": calm, "max_cap_class_frac": {}})
    view, held = make_view(optimizer="equal_weight"), make_held(S00=0.255, S01=0.255, S05=0.3)

    found = target_of(view, make_assets(), make_covariance(), held, settings=settings_)

    assert "before trading costs: the total after the sizing rules requires selling to" in found.why["S05"]


def test_a_cut_of_rounding_is_not_said_to_be_forced_by_a_limit():
    found = target(
        make_view(optimizer="equal_weight"),
        held=make_held(S00=0.2, S01=0.2, S05=0.35 + 1e-9),
        max_positions=3,
        max_position_frac=0.35,
        max_sector_frac=0.8,
    )

    assert found.weights["S05"] == pytest.approx(0.35)
    assert "requires selling" not in found.why["S05"]
    assert "no limit requires it" in found.why["S05"]


def test_equal_scores_go_to_the_more_liquid_name_then_by_symbol():
    scores = pd.Series(dict.fromkeys(NAMES, 1.0))
    assets = make_assets(adv_usd={"S07": 2e9})

    chosen = chosen_from(scores, assets, make_covariance().index, max_positions=2)

    assert chosen.symbols == ("S00", "S07")


def test_many_equal_scores_are_ranked_and_chosen_in_the_order_of_their_symbols():
    names = [f"S{place:03d}" for place in range(100)]
    scores = pd.Series(np.tile([2.0, 1.0], 50), names)
    assets, covariance = make_assets(names), make_covariance(names)

    chosen = chosen_from(scores, assets, names, max_positions=30)
    why = target(make_view(scores), assets=assets, covariance=covariance, max_positions=30).why

    assert chosen.symbols == tuple(names[:60:2])
    assert [text.partition(" by")[0] for text in why.values()] == [f"rank {n} of 100" for n in range(1, 31)]


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"has_quote": {"S00": False}}, "it has no quote on the session"),
        ({"is_quarantined": {"S00": True}}, "it is in quarantine"),
        ({"price": {"S00": 0.0}}, "it trades below one cent"),
    ],
)
def test_names_that_cannot_be_bought_are_not_candidates(columns, why):
    chosen = chosen_from(make_view().scores, make_assets(**columns), make_covariance().index, max_positions=3)

    assert "S00" not in chosen.symbols
    assert chosen.left_out["S00"] == why


def test_a_name_without_risk_estimate_or_score_is_not_a_candidate():
    scores = make_view().scores.copy()
    scores["S01"] = np.nan

    chosen = chosen_from(scores, make_assets(), make_covariance(NAMES[1:]).index, max_positions=2)

    assert chosen.symbols == ("S02", "S03")
    assert chosen.left_out["S00"] == "it has no risk estimate"
    assert chosen.left_out["S01"] == "it has no score"


def test_a_score_of_one_deviation_is_worth_its_volatility_times_the_champions_worth():
    worth = expected_returns(
        np.array([1.0, -1.0]), np.array([0, 1]), np.array([0.20, 0.40]), score_to_return=0.3
    )

    assert worth == pytest.approx([0.06, -0.12])


# issue 10, part 2
def test_the_optimizer_sees_yearly_deviations_and_not_variances_as_volatility(monkeypatch):
    seen = []

    def solve_and_tell(problem, **options):
        seen.append(problem)
        return solve(problem, **options)

    monkeypatch.setattr("tasks.portfolio.target.solve", solve_and_tell)
    covariance = make_covariance()
    scores = make_view().scores

    target(make_view(worth=0.05), covariance=covariance)

    (problem,) = seen
    daily = np.sqrt(np.diag(covariance))
    z_scores = (scores - scores.mean()) / scores.std(ddof=0)
    chosen = [NAMES.index(name) for name in sorted(scores.nlargest(len(problem.expected_returns)).index)]
    np.testing.assert_allclose(
        problem.expected_returns, (z_scores.clip(-3, 3) * daily * np.sqrt(252) * 0.05).to_numpy()[chosen]
    )
    np.testing.assert_allclose(problem.covariance, 252 * covariance.to_numpy()[np.ix_(chosen, chosen)])


def test_scores_that_are_all_alike_say_nothing():
    assert worth_of([0.1 + 0.2, 0.3], [0, 1]).tolist() == [0, 0]


def test_scores_that_differ_by_rounding_alone_say_nothing_however_large_they_are():
    scores = [1e6 * (0.1 + 0.2), 1e6 * 0.3]

    assert scores[0] != scores[1]
    assert worth_of(scores, [0, 1]).tolist() == [0, 0]


def test_a_price_of_cents_is_a_price():
    chosen = chosen_from(
        make_view().scores, make_assets(price={"S00": 0.01}), make_covariance().index, max_positions=1
    )

    assert chosen.symbols == ("S00",)


def test_one_wild_score_is_not_a_wild_bet():
    scores = np.append(np.zeros(12), 1e9)

    assert worth_of(scores, [12]) == pytest.approx([3 * 0.2 * 0.3])
    assert worth_of(-scores, [12]) == pytest.approx([-3 * 0.2 * 0.3])


@pytest.mark.parametrize(
    ("first", "order"),
    [
        ("max_sharpe", ("max_sharpe", "hrp", "inverse_volatility", "equal_weight")),
        ("hrp", ("hrp", "inverse_volatility", "equal_weight")),
        ("equal_weight", ("equal_weight",)),
    ],
)
def test_the_ladder_goes_down_from_the_champions_optimizer(first, order):
    assert rungs(first) == order


def test_a_champion_that_does_not_rank_gets_equal_weights():
    found = target(make_view(dict.fromkeys(NAMES, 0.0), ranks=False, optimizer="max_sharpe"))

    assert found.method == "equal_weight"
    assert found.steps[0].method == "max_sharpe"
    assert "does not rank" in found.steps[0].outcome
    assert found.weights.to_numpy() == pytest.approx(np.full(12, 1 / 12))


def test_expected_returns_all_below_cash_fall_to_the_next_rung():
    best = {**dict.fromkeys(NAMES, -1.0), "OUT": 100.0}  # the one good name has no risk estimate

    found = target(make_view(best, optimizer="max_sharpe"))

    assert [step.method for step in found.steps] == ["max_sharpe", "hrp"]
    assert "no name is expected to beat cash" in found.steps[0].outcome


def test_an_unknown_optimizer_falls_to_the_next_rung():
    found = target(make_view(optimizer="crystal_ball"))

    assert found.method == "hrp"
    assert "there is no such optimizer" in found.steps[0].outcome


def test_without_candidates_what_is_held_is_held():
    found = target(make_view({}), held=make_held(S01=0.10, S05=0.05))

    assert found.method == "hold"
    assert found.weights.to_dict() == {"S01": 0.10, "S05": 0.05}
    assert "no method returned a portfolio" in found.why["S01"]


def test_holding_still_keeps_the_limits():
    found = target(make_view({}, cap=0.2), held=make_held(S01=0.30, S05=0.10))

    assert found.weights["S01"] <= 0.15
    assert found.weights.sum() <= 0.2


def test_a_crash_sells_everything_without_asking_an_optimizer():
    found = target(make_view(cap=0.0, new=False), held=make_held(S01=0.10))

    assert found.weights.sum() == 0
    assert found.method == "cash"
    assert [step.method for step in found.steps] == ["cash"]
    assert "the regime allows no exposure" in found.why["S01"]


def test_without_new_positions_nothing_grows():
    found = target(make_view(cap=0.5, new=False), held=make_held(S01=0.02))

    assert found.weights[found.weights > 0].to_dict() == {"S01": 0.02}


def test_the_regime_scales_the_whole_portfolio():
    full, half = target(), target(make_view(cap=0.5))

    assert half.weights.sum() == pytest.approx(0.5)
    assert half.weights.to_numpy() == pytest.approx(full.weights.to_numpy() * 0.5 / full.weights.sum())


def test_a_held_name_in_quarantine_stays_but_does_not_grow():
    assets = make_assets(is_quarantined={"S00": True})

    found = target(assets=assets, held=make_held(S00=0.03))

    assert found.weights["S00"] == pytest.approx(0.03)
    assert found.why["S00"] == "rank 1 of 12 by score; in quarantine: kept or reduced, never bought"
    assert found.weights.sum() <= 1


def test_fault_009_a_delisted_holding_may_only_be_left():
    assets = make_assets(has_quote={"S00": False})

    found = target(assets=assets, held=make_held(S00=0.03))

    assert found.weights["S00"] == 0
    assert "exit only" in found.why["S00"]


def test_a_name_that_fell_beyond_the_stop_is_sold_and_not_bought():
    assets = make_assets(fall={"S00": 0.25, "S01": 0.25, "S02": 0.10})

    found = target(make_view(stop=0.2), assets=assets, held=make_held(S00=0.10))

    assert found.weights["S00"] == 0
    assert found.weights.get("S01", 0.0) == 0
    assert found.weights["S02"] > 0
    assert found.why["S00"] == (
        "rank 1 of 12 by score; stop loss: it closed 25% below its recent high, and the regime's stop is 20%"
    )
    assert (
        "Stop loss: names that closed more than 20% below their recent high are sold and not bought "
        "(1 holding, 1 other name)."
    ) in found.notes


def test_a_stop_sells_although_trading_it_is_not_worth_its_cost():
    held = make_held(**dict.fromkeys(NAMES[:6], 0.001))

    found = target(make_view(stop=0.2), assets=make_assets(fall={"S03": 0.9}), held=held, costs_per_year=1e6)

    assert found.weights["S03"] == 0
    assert found.weights["S02"] > 0


@pytest.mark.parametrize("doubt", ["is_quarantined", "has_quote"])
def test_a_price_in_doubt_stops_nothing(doubt):
    assets = make_assets(fall={"S00": 0.9}, **{doubt: {"S00": doubt == "is_quarantined"}})

    found = target(make_view(stop=0.2), assets=assets, held=make_held(S00=0.10))

    assert "stop loss" not in found.why["S00"]
    assert any(note.endswith("(no holdings, no other names).") for note in found.notes)


def test_a_stop_sells_although_no_method_returns_a_portfolio():
    held = make_held(S00=0.05, S01=0.10)

    found = target(make_view({}, stop=0.2), assets=make_assets(fall={"S00": 0.3}), held=held)

    assert found.method == "hold"
    assert found.weights.to_dict() == {"S00": 0.0, "S01": 0.10}
    assert "stop loss" in found.why["S00"]
    assert "no method returned a portfolio" in found.why["S01"]


def test_all_names_beyond_their_stops_leave_only_cash():
    fallen = make_assets(fall=dict.fromkeys(NAMES, 0.3))

    found = target(make_view(stop=0.2), assets=fallen, held=make_held(S00=0.10, S05=0.10))

    assert found.weights.sum() == 0


def test_without_a_stop_no_fall_matters():
    held, view = make_held(S00=0.10), make_view()

    plain = target(view, held=held)
    fallen = target(view, assets=make_assets(fall=dict.fromkeys(NAMES, 0.99)), held=held)

    assert fallen.weights.to_numpy().tobytes() == plain.weights.to_numpy().tobytes()
    assert fallen.why == plain.why
    assert fallen.notes == plain.notes
    assert not any("Stop loss" in note for note in plain.notes)


def test_a_held_name_that_left_the_universe_is_sold():
    scores = {name: 1.0 * place for place, name in enumerate(NAMES[1:])}

    found = target(make_view(scores), held=make_held(S00=0.03))

    assert found.weights["S00"] == 0
    assert found.why["S00"] == "left the universe"


def test_existing_holdings_get_no_preference():
    found = target(held=make_held(S11=0.10), max_positions=3)

    assert found.weights["S11"] == 0
    assert "rank 12 of 12" in found.why["S11"]
    assert "beyond the 3 names considered" in found.why["S11"]


def test_what_shaped_a_weight_is_reported():
    found = target(make_view(optimizer="equal_weight", cap=0.3), max_positions=2)

    assert "rank 1 of 12 by score" in found.why["S00"]
    assert "cut from 50% to 15% by the position limit of 15%" in found.why["S00"]


def test_correlated_pairs_together_weigh_no_more_than_one_position():
    found = target(
        make_view(optimizer="max_sharpe"), covariance=make_covariance(correlation=0.9), max_position_frac=0.15
    )

    largest = found.weights.sort_values()[-2:]
    assert largest.sum() <= 0.15 + 1e-9
    assert any("highly correlated" in note for note in found.notes)


def test_unknown_sectors_count_as_one_and_are_mentioned():
    found = target(assets=make_assets().assign(sector="Unknown"))

    assert found.weights.sum() <= 0.30 + 1e-9
    assert any(
        note.startswith("The sector of 12 names is unknown: they count as one")
        and note.endswith("they may weigh no more than 30% of the portfolio.")
        for note in found.notes
    )


def test_only_names_with_a_weight_are_counted_among_the_unknown_sectors():
    found = target(assets=make_assets().assign(sector="Unknown"), held=make_held(S11=0.01), max_positions=6)

    assert found.weights["S11"] == 0
    assert any(note.startswith("The sector of 6 names is unknown") for note in found.notes)


# issue 10, line 10
def test_unknown_sectors_may_each_be_a_sector_of_its_own():
    found = target(assets=make_assets().assign(sector="Unknown"), unknown_sector="each_its_own")

    assert found.weights.sum() == pytest.approx(1)
    assert found.weights.max() <= 0.15 + 1e-9
    assert any(
        "each counts as its own sector, and no limit applies to their total" in note for note in found.notes
    )


# issue 10, line 10
def test_a_name_that_is_its_own_sector_keeps_the_limit_of_a_sector():
    found = target(
        assets=make_assets().assign(sector="Unknown"), unknown_sector="each_its_own", max_sector_frac=0.05
    )

    assert found.weights.max() <= 0.05 + 1e-9


def test_equal_inputs_give_equal_bytes():
    view = make_view(optimizer="max_sharpe")

    assert target(view).weights.to_numpy().tobytes() == target(view).weights.to_numpy().tobytes()


def test_the_order_of_the_inputs_does_not_matter():
    view = make_view(optimizer="max_sharpe")
    backwards = ScoredView(view.scores[::-1], view.ranks, 0.3, view.optimizer, 1.0, allows_new_positions=True)

    one = target(view)
    other = target(backwards, assets=make_assets()[::-1], covariance=make_covariance().iloc[::-1, ::-1])

    assert one.weights.to_dict() == other.weights.to_dict()


# issue 10, part 2: volatility, not variance, scales what a score is worth
def test_an_optimizer_is_handed_returns_that_scale_with_the_volatility_of_a_year(monkeypatch):
    seen = []

    def look(problem):
        seen.append(problem)
        return np.full(len(problem.expected_returns), 1 / len(problem.expected_returns))

    monkeypatch.setitem(OPTIMIZERS, "look", look)
    covariance = make_covariance()
    view = make_view(optimizer="look")

    target(view, covariance=covariance)

    (problem,) = seen
    scores = view.scores
    standard = (scores - scores.mean()) / scores.std(ddof=0)
    volatility = np.sqrt(np.diag(covariance)) * np.sqrt(252)
    assert problem.expected_returns == pytest.approx((standard * volatility * 0.30).to_numpy())
    assert np.sqrt(np.diag(problem.covariance)) == pytest.approx(volatility)


@pytest.mark.parametrize("costs_per_year", [0.0, 50.0])
def test_weights_are_whole_grains_so_that_equal_runs_agree_to_the_byte(costs_per_year):
    book = target(make_view(optimizer="hrp", cap=1 / 3), costs_per_year=costs_per_year)

    grains = book.weights.to_numpy() * 1e10
    assert np.abs(grains - np.round(grains)).max() < 1e-4


def test_a_name_without_weight_says_who_gave_it_none():
    apart = pd.Series({name: 1.0 if place else -9.0 for place, name in enumerate(NAMES)})  # S00 loses to cash
    by_optimizer = target(make_view(apart, optimizer="max_sharpe"), max_positions=12)
    by_regime = target(make_view(apart, optimizer="max_sharpe", new=False), max_positions=12)

    assert by_optimizer.weights["S00"] < 1e-6 < by_optimizer.weights["S01"]
    assert by_optimizer.why["S00"].endswith("the optimizer gives it no weight")
    assert "no weight" not in by_optimizer.why["S01"]
    assert by_regime.why["S01"].endswith("no new positions are allowed now")


def test_a_name_without_a_score_is_not_counted_in_the_ranking():
    scores = make_view().scores
    scores["S11"] = np.nan

    assert target(make_view(scores)).why["S00"].startswith("rank 1 of 11 by score")


@pytest.mark.parametrize("ranks", [True, False])
def test_only_names_of_a_champion_that_does_not_rank_say_so(ranks):
    found = target(make_view(ranks=ranks, optimizer="equal_weight"))

    assert any(note.startswith("The baseline has no expected returns") for note in found.notes) is not ranks
    assert ("does not rank" in found.why["S00"]) is not ranks
    assert ("rank 1 of 12" in found.why["S00"]) is ranks


# two names of at most 15% each leave 70%
@pytest.mark.parametrize(
    ("cap", "names", "left"),
    [
        (1.0, 2, "70%"),
        (1.5, 2, "70%"),
        (1.0, 12, None),
        (1.5, 12, None),
        (0.3, 2, None),
        (0.3, 12, None),
        (0.0, 2, None),
    ],
)
def test_cash_that_the_limits_leave_beyond_the_regimes_is_reported(cap, names, left):
    found = target(make_view(cap=cap, optimizer="equal_weight"), max_positions=names)

    notes = [note for note in found.notes if note.startswith("The limits leave")]
    assert len(notes) == (left is not None)
    assert all(f" {left} " in note for note in notes)


def test_a_portfolio_of_cash_alone_owes_it_to_no_limit():
    found = target(make_view(new=False))

    assert found.weights.sum() == 0
    assert not any(note.startswith("The limits leave") for note in found.notes)


def test_a_portfolio_that_is_held_says_that_there_was_no_candidate():
    found = target(make_view({}), held=make_held(S01=0.10))

    assert (found.steps[-1].method, found.steps[-1].outcome) == ("hold", "used: there are no candidates")


@pytest.mark.parametrize(("cap", "is_reported"), [(1.0, False), (0.99, True)])
def test_only_a_regime_that_limits_exposure_is_reported(cap, is_reported):
    notes = target(make_view(cap=cap)).notes

    assert [note for note in notes if note.startswith("The regime limits exposure to")] == (
        ["The regime limits exposure to 99% of the portfolio."] if is_reported else []
    )


def test_a_weight_that_no_limit_cut_is_not_said_to_be_cut():
    found = target(make_view(optimizer="equal_weight"))

    assert found.notes == ("12 of 12 scored names were considered.",)

    assert not any("cut from" in why for why in found.why.values())


def test_a_weight_that_trading_costs_did_not_change_is_not_said_to_be_changed_by_them():
    found = target(make_view(optimizer="equal_weight"), costs_per_year=0.0)

    assert found.why["S00"] == "rank 1 of 12 by score"


def test_a_change_is_weighed_against_the_cost_of_trading_it(monkeypatch):
    costs = []

    def towards(target, current, covariance, cost_frac, limits, **options):
        costs.append((target - current, cost_frac))
        return move_towards(target, current, covariance, cost_frac, limits, **options)

    monkeypatch.setattr("tasks.portfolio.target.move_towards", towards)
    illiquid = make_assets(adv_usd=dict.fromkeys(NAMES, 1.0))  # of a portfolio of one USD

    target(assets=illiquid, held=make_held(**dict.fromkeys(NAMES[:4], 0.1)))

    ((change, cost_frac),) = costs
    by_size = cost_frac[np.argsort(np.abs(change))]
    assert (np.diff(by_size) > -1e-4).all()  # a sale has fees of its own
    assert by_size[-1] - by_size[0] > 1e-3


@pytest.mark.parametrize(("total", "is_used"), [(1.0, True), (1.01, False), (2.0, False)])
def test_an_optimizer_that_spends_more_than_there_is_is_not_used(monkeypatch, total, is_used):
    monkeypatch.setitem(OPTIMIZERS, "spend", lambda _: np.full(12, total / 12))

    found = target(make_view(optimizer="spend"))

    assert (found.method == "spend") is is_used


def test_a_weight_of_rounding_is_none(monkeypatch):
    monkeypatch.setitem(OPTIMIZERS, "noise", lambda _: np.array([0.1] * 9 + [0.099, 1e-9, 1e-9]))

    weights = target(make_view(optimizer="noise")).weights

    assert (weights > 0).tolist() == [True] * 10 + [False] * 2


def test_a_small_weight_beside_a_large_one_is_a_weight(monkeypatch):
    monkeypatch.setitem(OPTIMIZERS, "uneven", lambda _: np.array([0.5] + [0.006] * 11))

    assert (target(make_view(optimizer="uneven"), costs_per_year=0.0).weights > 0).all()


def test_the_regime_lowers_the_limit_of_one_position():
    usual = target(max_position_frac=0.12)
    smaller = target(replace(make_view(), size_multiplier=0.5), max_position_frac=0.12)

    assert usual.weights.max() > 0.11
    assert smaller.weights.max() == pytest.approx(0.06)


def test_an_overlay_leaves_the_rest_in_cash_and_says_so():
    shipped = make_settings().portfolio
    calm = shipped.overlays.model_copy(update={"volatility_target": 0.05})
    settings_ = shipped.model_copy(update={"overlays": calm})
    known = make_covariance()

    found = target_of(make_view(), make_assets(), known, make_held(S00=0.15), settings=settings_)

    weights = found.weights[NAMES].to_numpy()
    assert np.sqrt(252 * weights @ known.to_numpy() @ weights) <= 0.0501
    assert any(note.startswith("The portfolio is cut to the volatility target: ") for note in found.notes)


@pytest.mark.parametrize("ranks", [True, False])
def test_only_a_champion_that_ranks_is_cut_to_a_fraction_of_the_kelly_size(ranks):
    shipped = make_settings().portfolio
    kelly = shipped.overlays.model_copy(update={"kelly_frac": 0.01})
    settings_ = shipped.model_copy(update={"overlays": kelly})

    found = target_of(
        make_view(ranks=ranks), make_assets(), make_covariance(), make_held(), settings=settings_
    )

    cut = "The portfolio is cut to a fraction of the Kelly size: "
    assert any(note.startswith(cut) for note in found.notes) is ranks
    assert (found.weights.sum() < 0.5) == ranks
