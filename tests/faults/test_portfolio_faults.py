"""Faults 29–34 and 9 of the portfolio: a reported fallback, or a refusal that names the cause."""

import numpy as np
import pandas as pd
import pytest

from tasks.core.errors import InfeasibleError, SafetyError
from tasks.core.ids import sha256_of_bytes
from tasks.data.panel.companies import company_index
from tasks.ledger.balance import NameCash
from tasks.portfolio.check import check_book
from tasks.portfolio.holdings.book import value_book
from tasks.portfolio.holdings.events import Events
from tasks.portfolio.holdings.positions import Positions, parse_positions
from tasks.portfolio.holdings.record import opening_positions
from tasks.portfolio.ladder import solve
from tasks.portfolio.limits import Limits
from tasks.portfolio.optimizers import registry
from tasks.portfolio.optimizers.problem import Problem
from tasks.portfolio.optimizers.registry import OPTIMIZERS
from tasks.portfolio.schema import CASH
from tasks.portfolio.store import read_positions
from tests.builders import FRIDAY, make_run, make_settings

SETTINGS = make_settings().portfolio


def make_problem(*, covariance=None, expected=None, max_iterations=200, names=20):
    covariance = np.diag(np.linspace(0.02, 0.06, names)) if covariance is None else covariance
    expected = np.linspace(0.01, 0.10, names) if expected is None else expected
    return Problem(expected, covariance, Limits(0.15, 1.0, (), ()), max_iterations, SETTINGS.methods)


def make_frame(**weights):
    lines = {name: {"weight": weight, "sector": name, "cap_class": ""} for name, weight in weights.items()}
    lines[CASH] = {"weight": 1 - sum(weights.values()), "sector": "", "cap_class": ""}
    return pd.DataFrame.from_dict(lines, orient="index")


def check(frame, **overrides):
    check_book(frame, exposure_cap=overrides.pop("cap", 1.0), settings=SETTINGS.model_copy(update=overrides))


@pytest.mark.parametrize("first", ["max_sharpe", "min_volatility"])
def test_faults_029_143_a_solver_at_its_limit_of_iterations_falls_to_hrp_and_says_so(
    first,
):  # issue 10, line 6
    solution = solve(make_problem(max_iterations=2), optimizer=first, ranks=True)

    assert solution.method == "hrp"
    assert [step.method for step in solution.steps] == [first, "hrp"]
    assert (
        solution.steps[0].outcome
        == "failed: the solver did not reach the required accuracy within 2 iterations"
    )
    assert solution.steps[1].outcome.startswith("used: ")


@pytest.mark.parametrize("failing", range(5))
def test_fault_029_every_rung_that_fails_is_reported_down_to_hold(monkeypatch, failing):
    def fails(problem):
        raise InfeasibleError("planted.", remedy="None.")

    ladder = ("max_sharpe", "hrp", "inverse_volatility", "equal_weight")
    monkeypatch.setattr(registry, "OPTIMIZERS", {**OPTIMIZERS, **dict.fromkeys(ladder[:failing], fails)})

    solution = solve(make_problem(), optimizer="max_sharpe", ranks=True)

    reached = (*ladder, "hold")[: failing + 1]
    assert tuple(step.method for step in solution.steps) == reached
    assert [step.outcome for step in solution.steps[:-1]] == ["failed: planted"] * failing
    assert solution.method == reached[-1]
    assert (solution.weights is None) == (failing == 4)


@pytest.mark.parametrize("answer", [np.full(20, np.nan), np.full(20, 1.0), np.zeros(20), np.full(3, 0.1)])
def test_fault_029_an_answer_that_is_not_a_portfolio_falls_to_the_next_rung(monkeypatch, answer):
    monkeypatch.setattr(registry, "OPTIMIZERS", {**OPTIMIZERS, "max_sharpe": lambda _: answer})

    solution = solve(make_problem(), optimizer="max_sharpe", ranks=True)

    assert solution.method == "hrp"


def test_fault_030_a_negative_answer_of_an_optimizer_falls_to_the_next_rung(monkeypatch):
    short = np.append(np.full(19, 0.05), -0.05)
    monkeypatch.setattr(registry, "OPTIMIZERS", {**OPTIMIZERS, "max_sharpe": lambda _: short})

    solution = solve(make_problem(), optimizer="max_sharpe", ranks=True)

    assert "negative" in solution.steps[0].outcome


def test_fault_030_a_negative_weight_is_refused():
    with pytest.raises(SafetyError, match="A has a negative weight"):
        check(make_frame(A=-0.05, B=0.10))


def test_fault_030_negative_cash_is_refused():
    with pytest.raises(SafetyError, match="CASH has a negative weight"):
        check(make_frame(**{f"N{i}": 0.15 for i in range(7)}))


def test_fault_031_weights_that_do_not_sum_to_one_are_refused():
    frame = make_frame(A=0.10)
    frame.loc[CASH, "weight"] = 0.95

    with pytest.raises(SafetyError, match=r"sum to 1\.05"):
        check(frame)


def test_fault_031_a_weight_that_is_not_a_number_is_refused():
    frame = make_frame(A=0.10, B=0.10)
    frame.loc["B", "weight"] = np.nan

    with pytest.raises(SafetyError, match="the weight of B is not a number"):
        check(frame)


def test_fault_031_a_portfolio_without_its_cash_line_is_refused():
    with pytest.raises(SafetyError, match="CASH last"):
        check(make_frame(A=0.10).iloc[::-1])


def test_fault_032_a_position_above_its_limit_is_refused():
    with pytest.raises(SafetyError, match="position"):
        check(make_frame(A=0.1501))


def test_fault_032_a_sector_above_its_limit_is_refused():
    with pytest.raises(SafetyError, match="sector Energy"):
        check(make_frame(A=0.15, B=0.15, C=0.01).assign(sector="Energy"))


def test_fault_032_a_cap_class_above_its_limit_is_refused():
    with pytest.raises(SafetyError, match="cap class small"):
        check(make_frame(A=0.06).assign(cap_class="small"))


def test_fault_032_more_than_the_regime_allows_is_refused():
    with pytest.raises(SafetyError, match="exposure"):
        check(make_frame(A=0.10, B=0.10), cap=0.19)


def test_a_portfolio_at_its_limits_is_let_through():
    check(make_frame(A=0.15, B=0.15), cap=0.30)


@pytest.mark.parametrize("cash", [0.0, 0.004, -100.0])
def test_fault_033_a_portfolio_of_no_value_is_refused(cash):
    nothing = Events(
        company_index(_empty("symbol", "first"), _empty("old", "new", "session")), pd.DataFrame()
    )

    with pytest.raises(SafetyError, match="positions cannot be sized"):
        value_book(Positions((), cash), pd.DataFrame(), session=FRIDAY, events=nothing)


def test_fault_033_cash_that_is_not_a_number_is_refused_with_its_line():
    with pytest.raises(SafetyError, match="line 2, the shares of CASH are not a plain number: 'NaN'"):
        parse_positions("symbol,shares\nCASH,NaN\n", path="live/current_positions.csv")


@pytest.mark.parametrize("method", OPTIMIZERS)
def test_fault_034_correlated_pairs_without_a_risk_of_their_own_still_give_a_portfolio(method):
    near_duplicates = np.full((20, 20), 0.04)

    solution = solve(make_problem(covariance=near_duplicates), optimizer=method, ranks=True)

    assert solution.weights is not None
    assert 0 < solution.weights.sum() <= 1 + 1e-6


def test_fault_034_a_covariance_that_is_not_finite_leaves_the_portfolio_as_it_is():
    broken = np.full((20, 20), np.nan)

    solution = solve(make_problem(covariance=broken), optimizer="max_sharpe", ranks=True)

    assert solution.method == "hold"
    assert len(solution.steps) == 5


def test_without_a_positions_file_the_portfolio_is_its_starting_cash(tmp_path):
    held = read_positions(make_run(tmp_path))

    sha256 = sha256_of_bytes(opening_positions(1_000_000.0))
    assert held == Positions((), 1_000_000, sha256, names=NameCash())


def test_a_positions_file_that_is_not_text_is_refused_by_name(tmp_path):
    run = make_run(tmp_path)
    run.home.live.mkdir()
    run.home.positions_file.write_bytes(b"symbol,shares\n\xff\xfe,1\n")

    with pytest.raises(SafetyError, match=r"current_positions\.csv cannot be read"):
        read_positions(run)


def test_a_positions_file_that_is_a_folder_is_refused_by_name(tmp_path):
    run = make_run(tmp_path)
    run.home.positions_file.mkdir(parents=True)

    with pytest.raises(SafetyError, match="cannot be read"):
        read_positions(run)


def test_fault_112_a_nul_in_a_symbol_is_refused():
    with pytest.raises(SafetyError, match=r"is not a valid symbol|not CSV"):
        parse_positions("symbol,shares\nAA\0PL,1\nCASH,1\n", path="p.csv")


def _empty(*columns):
    return pd.DataFrame(
        {
            name: pd.Series(dtype="datetime64[s]" if name in ("first", "session") else "str")
            for name in columns
        }
    )
