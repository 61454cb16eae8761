import numpy as np
import pytest

from tasks.simulation.version_1 import alpha


def expect(values, exists=None, own=None, *, strength=0.03, spread=4e-4):
    exists = np.ones(values.shape, dtype=bool) if exists is None else exists
    own = np.full(values.shape[1], 0.02) if own is None else own
    return alpha.planted_returns(values, exists, own, spread, strength=strength)


def ranks(count=101):
    return np.linspace(-1, 1, count)


def characteristic(name, values):
    matrix = np.zeros((len(alpha.WEIGHTS), len(values)))
    exists = np.zeros(matrix.shape, dtype=bool)
    place = list(alpha.WEIGHTS).index(name)
    matrix[place], exists[place] = values, True
    return matrix, exists


@pytest.mark.parametrize("name", [name for name in alpha.WEIGHTS if name != "volume"])
def test_more_of_a_characteristic_promises_more(name):
    assert (np.diff(expect(*characteristic(name, ranks()))) > 0).all()


def test_unusual_volume_promises_more_on_either_side():
    expected = expect(*characteristic("volume", ranks()))

    assert expected[0] == pytest.approx(expected[-1])
    assert expected[50] == expected.min()


def test_what_all_have_is_not_alpha():
    own = np.linspace(0.01, 0.04, 101)

    assert expect(*characteristic("quiet", -own), own).sum() == pytest.approx(0.0, abs=1e-12)


def test_no_strength_plants_nothing():
    assert not expect(np.random.default_rng(0).normal(size=(6, 50)), strength=0.0).any()


def test_who_has_no_characteristic_is_promised_nothing():
    values = np.random.default_rng(0).normal(size=(6, 50))
    exists = np.ones(values.shape, dtype=bool)
    exists[:, 7] = False

    assert expect(values, exists)[7] == 0


def test_twice_the_strength_promises_twice_as_much():
    values = np.random.default_rng(0).normal(size=(6, 50))

    assert expect(values, strength=0.06) == pytest.approx(2 * expect(values, strength=0.03))
