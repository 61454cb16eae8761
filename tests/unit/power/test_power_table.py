"""The figures of `make power`, from results whose answer is known."""

from statistics import NormalDist

import pytest

from tests.power.table import RECOVERED, by_strength, found_table, noise_table, page_of, power_of


def result(planted=0.05, *, ic=0.03, single=0.01, confirmed=True, selected="lightgbm", seed=1):
    """Return a result; every standard error is 0.01."""

    def metrics(neutral_ic):
        return {
            "neutral_ic": neutral_ic,
            "neutral_ic_se": 0.01,
            "neutral_ic_t": neutral_ic / 0.01,
            "sessions": 385,
        }

    names = ("lightgbm", "momentum_52_week", "best_feature")
    return {
        "planted": planted,
        "seed": seed,
        "gate": 2.0,
        "controls": ["beta", "dollar_volume"],
        "selected": selected,
        "learner": "lightgbm",
        "confirmed": confirmed,
        "confirmed_by_t": ic >= 0.02,
        "found": dict(zip(names, map(metrics, (ic, 0.02, single)), strict=True)),
        "recovered": dict.fromkeys((*RECOVERED, *names), 0.1) | {"lightgbm": 0.2},
        "truth": {"neutral_ic": 0.06, "rank_ic": 0.06},
        "deviation": {name: {"rank_ic": 0.2, "neutral_ic": 0.1} for name in names},
    }


def test_the_share_predicted_follows_from_the_mean_the_error_and_the_gate():
    power = power_of([result(ic=0.02), result(ic=0.04)])

    assert power.selected.mean == pytest.approx(0.03)
    assert power.predicted == pytest.approx(NormalDist().cdf(0.03 / 0.01 - 2))


def test_a_market_without_an_eligible_candidate_is_predicted_to_confirm_none():
    power = power_of([result(), result(selected=None, confirmed=False)])

    assert power.predicted == pytest.approx(NormalDist().cdf(1) / 2)
    assert power.selected.mean == pytest.approx(0.03)


def test_the_share_confirmed_is_counted_with_its_band_by_candidate():
    results = [result(confirmed=number < 15) for number in range(20)]

    power = power_of(results)

    assert power.confirmed_by == {"lightgbm": 15}
    assert power.learner_reached == 20
    assert power.band == pytest.approx((0.509, 0.913), abs=0.001)


def test_markets_that_the_deflation_stops_are_counted_apart():
    power = power_of([result(), result(confirmed=False), result(ic=0.01, confirmed=False)])

    assert (power.confirmed, power.confirmed_by_t) == (1, 2)
    assert "| 1 (33%) | " in found_table([power])
    assert " | 2 | " in found_table([power])


def test_t_without_alpha_has_a_mean_and_a_deviation():
    power = power_of([result(0.0, ic=ic, selected=None, confirmed=False) for ic in (-0.01, 0.0, 0.01)])

    assert (power.learner_t.mean, power.learner_t.deviation) == (pytest.approx(0), pytest.approx(1))
    assert power.learner_reached == 0
    assert power.predicted == 0


def test_strengths_are_in_order_and_a_page_has_both_tables_also_without_real_prices():
    results = [result(0.08), result(0.0, ic=-0.002, selected=None, confirmed=False), result(0.03)]

    assert [each.planted for each in by_strength(results)] == [0.0, 0.03, 0.08]
    page = page_of(results, None)
    assert found_table(by_strength(results)).replace("-0.", "−0.") in page
    assert "| −0.0020 (−0.0020 to −0.0020) |" in page
    assert "neutral IC is 0.0300 ± 0.0000" in page
    assert page.count("| 0.20 (0.20 to 0.20) | 0.10 (0.10 to 0.10) |") == 2  # none without alpha
    assert "Real prices" not in page


def test_the_deviation_on_real_prices_is_next_to_that_of_simulated_ones():
    real = result() | {
        "deviation": {name: {"rank_ic": 0.23, "neutral_ic": 0.09} for name in result()["found"]}
    }

    rows = noise_table([result()], real).splitlines()[2:]

    assert len(rows) == 3
    assert all("| 0.230 | 0.200 (0.200 to 0.200) | 0.090 | 0.100" in row for row in rows)
