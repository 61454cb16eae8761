import numpy as np
import pytest

from tasks.features.compute import on_arrays
from tasks.features.engine import machine
from tasks.features.engine.arithmetic import is_missing, maximum, where
from tasks.features.engine.program import program_of, rows_of_inputs
from tasks.features.engine.recipes import recipe
from tasks.features.engine.rolling import lag, rolling_mean, rolling_mean_and_std, rolling_sum
from tasks.features.engine.series import named
from tasks.features.registry import FEATURES

CLOSE, VOLUME = named("close"), named("volume")
NAN = np.nan


def steps(*outputs):
    return len(program_of(outputs, rows_at_once=100).steps)


def test_the_same_step_is_the_same_recipe_wherever_it_is_written():
    assert rolling_mean(CLOSE, 20) is rolling_mean(named("close"), 20)
    assert rolling_mean(CLOSE, 20) is not rolling_mean(VOLUME, 20)
    assert CLOSE * 2 is CLOSE * 2.0
    assert CLOSE * 0.0 is not CLOSE * -0.0


def test_what_features_have_in_common_is_done_once():
    mean, (_, deviation) = rolling_mean(CLOSE, 20), rolling_mean_and_std(CLOSE, 20)

    assert steps(mean, deviation) < steps(mean) + steps(deviation) - 5
    assert steps(rolling_sum(CLOSE, 60), rolling_sum(CLOSE, 20)) < steps(rolling_sum(CLOSE, 60)) + 5


def test_what_is_missing_where_its_input_is_shares_the_input_s_counts():
    counted = [
        step
        for step in program_of(
            [
                rolling_sum(maximum(CLOSE, 0.0), 20),
                rolling_sum(abs(-CLOSE), 20),
                rolling_sum(CLOSE * VOLUME, 20),
            ],
            rows_at_once=100,
        ).steps
        if step[0] == machine.COUNT
    ]

    assert len(counted) == 2


def test_a_history_that_nobody_will_read_again_makes_room_for_another():
    last = CLOSE
    for number in range(50):
        last = abs(last * number) + VOLUME
    program = program_of([last], rows_at_once=100)

    assert len(program.steps) > 100
    assert program.figures < 60 * 110  # fifty constants, and little besides


@pytest.mark.parametrize(
    ("output", "rows"),
    [
        (CLOSE, 1),
        (lag(CLOSE, 5), 6),
        (rolling_sum(CLOSE, 20), 20),
        (rolling_mean(lag(CLOSE, 1), 60) / VOLUME, 61),
        (rolling_mean(rolling_sum(CLOSE, 7), 11), 17),
    ],
)
def test_a_recipe_knows_how_far_back_it_looks(output, rows):
    assert rows_of_inputs(output) == rows


def test_a_step_is_done_from_the_first_row_that_is_needed_of_it():
    program = program_of([rolling_sum(CLOSE, 64)], rows_at_once=100)
    rows_before = {int(step[0]): int(step[-2]) for step in program.steps}

    assert rows_before[machine.INPUT] == 63
    assert rows_before[machine.WHERE_KNOWN] == 0


def test_of_two_divisions_in_a_row_one_is_left():
    def divisions(output):
        return sum(step[0] == machine.DIVIDE for step in program_of([output], rows_at_once=100).steps)

    assert divisions(CLOSE / (VOLUME / 7) - 1) == divisions(CLOSE / VOLUME / 7) == 1
    assert divisions((CLOSE / VOLUME - 1) / 7) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: CLOSE & VOLUME,
        lambda: ~CLOSE,
        lambda: bool(CLOSE > 1),
        lambda: max(CLOSE, VOLUME),
        lambda: CLOSE + "1",
        lambda: CLOSE + np.ones(3),
        lambda: np.ones(3) * CLOSE,
        lambda: np.sqrt(CLOSE),
        lambda: np.median(CLOSE),
        lambda: list(CLOSE),
        lambda: {CLOSE},
    ],
)
def test_what_has_no_meaning_row_by_row_is_refused(wrong):
    with pytest.raises(TypeError):
        wrong()


def test_operators_mean_what_they_mean_of_arrays():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 40, 3))
    x[3:5], y[4:8] = NAN, 0.0

    def recipes(a, b):
        is_larger = (a > b) | ~(a <= 1) & (b != 0)
        total = a + 1
        total += b
        return (
            (1 - a) / b,
            2 * a**3 - abs(-b) ** 2,
            where(is_larger, 1 / a, total),
            where(is_missing(a), 7, a >= b),
            1 / (b / a) - 2,
            (a / 3) / b,
            (a / 3 - 1 - 2) / b,
        )

    with np.errstate(all="ignore"):
        larger = (x > y) | ~(x <= 1) & (y != 0)
        plain = (
            (1 - x) / y,
            2 * x**3 - y**2,
            np.where(larger, 1 / x, x + 1 + y),
            np.where(np.isnan(x), 7, x >= y),
            x / y - 2,
            x / 3 / y,
            (x / 3 - 3) / y,
        )

    for found, expected in zip(on_arrays(recipes, x, y), plain, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_a_function_that_is_asked_twice_gives_the_same_recipe():
    for feature in FEATURES:
        assert recipe(feature) is recipe(feature)
