import pytest

from config.sections import Scenario
from tasks.risk.stress import scenario_losses
from tests.builders import make_settings

BETAS = {"A": 1.2, "B": 0.8, "C": 1.5, "D": 1.0}
SECTORS = {"A": "Tech", "B": "Tech", "C": "Energy", "D": "Unknown"}
CRASH = {"crash": Scenario(market=-0.30, sectors={"Tech": -0.40})}


def test_a_name_loses_what_its_sector_does_and_more_with_a_higher_beta():
    (scenario,) = scenario_losses({"A": 0.5, "B": 0.2}, BETAS, SECTORS, CRASH)

    assert dict(scenario.positions) == pytest.approx(
        {"A": 0.5 * (0.40 + 0.2 * 0.30), "B": 0.2 * (0.40 - 0.2 * 0.30)}
    )
    assert scenario.loss == pytest.approx(0.5 * 0.46 + 0.2 * 0.34)
    assert (scenario.name, scenario.market) == ("crash", -0.30)


def test_a_sector_without_a_return_moves_with_beta_alone():
    (scenario,) = scenario_losses({"C": 0.4, "D": 0.1, "NEW": 0.2}, BETAS, SECTORS, CRASH)

    assert dict(scenario.positions) == pytest.approx({"C": 0.4 * 0.45, "NEW": 0.2 * 0.30, "D": 0.1 * 0.30})
    assert [name for name, _ in scenario.positions] == ["C", "NEW", "D"]


def test_a_sector_without_any_beta_loses_its_return():
    (scenario,) = scenario_losses({"NEW": 0.2}, {}, {"NEW": "Tech"}, CRASH)

    assert scenario.loss == pytest.approx(0.2 * 0.40)


def test_of_equal_losses_the_first_by_name_comes_first():
    (scenario,) = scenario_losses({"Z": 0.1, "A": 0.1, "C": 0.1}, {}, {}, CRASH)

    assert [name for name, _ in scenario.positions] == ["A", "C", "Z"]


def test_the_whole_of_a_sector_loses_its_return():
    invested = {"A": 0.25, "B": 0.25}

    assert scenario_losses(invested, BETAS, SECTORS, CRASH)[0].loss == pytest.approx(0.5 * 0.40)


def test_a_position_loses_at_most_itself_and_a_rising_sector_gains():
    shocks = {
        "ruin": Scenario(market=-0.9, sectors={}),
        "boom": Scenario(market=-0.1, sectors={"Energy": 0.6}),
    }

    ruin, boom = scenario_losses({"C": 0.5}, BETAS, SECTORS, shocks)

    assert ruin.loss == pytest.approx(0.5)
    assert boom.loss == pytest.approx(-0.5 * 0.6)


def test_a_short_position_gains_where_a_long_one_loses():
    (scenario,) = scenario_losses({"A": -0.5}, BETAS, SECTORS, CRASH)

    assert scenario.loss == pytest.approx(-0.5 * 0.46)


def test_the_three_crises_come_with_every_sector_of_the_classification():
    scenarios = make_settings().risk.scenarios

    assert list(scenarios) == ["financial_crisis_2008", "pandemic_2020", "growth_crash_2022"]
    assert {len(scenario.sectors) for scenario in scenarios.values()} == {11}
    assert [scenario.market for scenario in scenarios.values()] == [-0.55, -0.34, -0.18]


def test_a_scenario_of_ones_own_is_added_to_them():
    settings = make_settings(**{"risk.scenarios": {"my_flood": {"market": -0.2, "sectors": {}}}})

    assert "my_flood" in settings.risk.scenarios
