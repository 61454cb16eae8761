"""A loaded or stopped machine cannot change a portfolio: nothing counts seconds (issue 10, line 6; fault 143)."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import numpy as np
import pytest

from config.problems import InvalidSettings
from config.settings import load_settings
from tasks.portfolio.ladder import solve
from tasks.portfolio.limits import Limits
from tasks.portfolio.optimizers.problem import Problem
from tasks.portfolio.optimizers.registry import OPTIMIZERS
from tests.builders import make_settings

SHIPPED_ITERATIONS = make_settings().portfolio.solver_max_iterations
METHODS = make_settings().portfolio.methods
LONGER_THAN_THE_FORMER_LIMIT_S = 6.0
ANNOUNCED = """
import clarabel
from tests.faults.test_solver_limit_faults import make_problem
from tasks.portfolio.ladder import solve

solver = clarabel.DefaultSolver

def announced(*arguments):
    print("solving", flush=True)
    return solver(*arguments)

problem = make_problem(names=800)
clarabel.DefaultSolver = announced
print(solve(problem, optimizer="max_sharpe", ranks=True).method)
"""


def make_problem(*, names, max_iterations=SHIPPED_ITERATIONS):
    """Return a problem whose bytes are equal on any machine: sums of a fixed order, no linear algebra of threads."""
    rng = np.random.default_rng(names)
    loadings = rng.normal(0, 0.1, (names, 3))
    common = sum(np.multiply.outer(column, column) for column in loadings.T)
    covariance = common + np.diag(rng.uniform(0.02, 0.12, names))
    return Problem(
        rng.normal(0.05, 0.05, names), covariance, Limits(0.15, 1.0, (), ()), max_iterations, METHODS
    )


@contextmanager
def on_one_busy_core():
    """Run on one core, and let a process that never rests share it."""
    cores = os.sched_getaffinity(0)
    one = {min(cores)}
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        os.sched_setaffinity(busy.pid, one)
        os.sched_setaffinity(0, one)
        yield
    finally:
        os.sched_setaffinity(0, cores)
        busy.kill()
        busy.wait()


@pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="needs a system that can bind a process to a core"
)
def test_fault_143_the_portfolio_is_the_same_on_all_cores_and_on_one_that_others_load():
    cases = [
        (make_problem(names=40, max_iterations=limit), optimizer)
        for limit in (SHIPPED_ITERATIONS, 5)
        for optimizer in OPTIMIZERS
    ]
    at_rest = [solve(problem, optimizer=optimizer, ranks=True) for problem, optimizer in cases]

    with on_one_busy_core():
        under_load = [solve(problem, optimizer=optimizer, ranks=True) for problem, optimizer in cases]

    assert [loaded.steps for loaded in under_load] == [rested.steps for rested in at_rest]
    assert [loaded.weights.tobytes() for loaded in under_load] == [
        rested.weights.tobytes() for rested in at_rest
    ]
    assert [rested.method for rested in at_rest[: len(OPTIMIZERS)]] == list(OPTIMIZERS)
    assert [rested.method for rested in at_rest[len(OPTIMIZERS) :][:4]] == ["hrp"] * 4  # out of iterations


@pytest.mark.prove
def test_fault_143_a_process_that_is_stopped_while_it_solves_goes_on_to_the_same_method():
    process = subprocess.Popen([sys.executable, "-c", ANNOUNCED], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "solving\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGSTOP)
        time.sleep(LONGER_THAN_THE_FORMER_LIMIT_S)
        process.send_signal(signal.SIGCONT)
        method = process.stdout.readline()
    process.wait()

    assert method == "max_sharpe\n"


@pytest.mark.parametrize(
    ("text", "environ"),
    [
        ("portfolio: {solver_time_limit_s: 5.0}", {}),
        ("", {"AFTERCLOSE_PORTFOLIO__SOLVER_TIME_LIMIT_S": "5.0"}),
    ],
)
def test_the_former_limit_in_seconds_is_refused_with_the_name_of_the_limit_in_iterations(
    tmp_path, text, environ
):
    (tmp_path / "config.yaml").write_text(text)

    with pytest.raises(InvalidSettings) as caught:
        load_settings(home=tmp_path, profile=None, environ=environ)

    (problem,) = caught.value.problems
    assert "Set portfolio.solver_max_iterations: the solver's limit is a number of iterations" in str(problem)
