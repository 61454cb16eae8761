import numpy as np
import pytest

from tasks.data.schema.symbols import is_safe_symbol
from tasks.simulation import alpha
from tasks.simulation.naming import FOUR_LETTER_SYMBOLS, SECTORS, name_of, symbol_of
from tasks.simulation.parameters import Parameters
from tasks.simulation.regimes import CLIMATES, walk_market
from tasks.simulation.tape import bar

BULL, NEUTRAL, BEAR, CRASH = range(4)


@pytest.fixture(scope="module")
def path():
    return walk_market(Parameters(1, 20, None, 0.0), 60_000)


def stays(regime, state):
    starts = np.flatnonzero(np.diff(regime, prepend=-1))
    lengths = np.diff(starts)
    return lengths[regime[starts[:-1]] == state]


@pytest.mark.parametrize("state", [BULL, NEUTRAL, BEAR, CRASH])
def test_a_regime_lasts_as_long_as_its_climate_says(path, state):
    lengths = stays(path.regime, state)

    assert lengths.min() >= CLIMATES[state].least_sessions
    assert lengths.mean() == pytest.approx(CLIMATES[state].mean_sessions, rel=0.3)


def test_most_crashes_come_out_of_weak_markets(path):
    before = path.regime[:-1][(path.regime[1:] == CRASH) & (path.regime[:-1] != CRASH)]

    assert (before == BULL).mean() < 0.3


def test_a_crash_never_ends_in_a_bull(path):
    after = path.regime[1:][(path.regime[:-1] == CRASH) & (path.regime[1:] != CRASH)]

    assert BULL not in after


def test_the_volatility_index_settles_by_regime_and_stays_calm_in_bulls(path):
    means = [path.volatility_index[path.regime == state].mean() for state in range(4)]

    assert means == pytest.approx([climate.index_level for climate in CLIMATES], rel=0.1)
    deep_in_bull = (path.regime[3:] == BULL) & (path.regime[:-3] == BULL)
    assert path.volatility_index[3:][deep_in_bull].max() < 30


def test_the_volatility_index_says_crash_within_three_sessions(path):
    begins = np.flatnonzero((path.regime[1:] == CRASH) & (path.regime[:-1] != CRASH)) + 1

    reached = [path.volatility_index[begin : begin + 4].max() >= 35 for begin in begins]

    assert np.mean(reached) > 0.9


def test_volatility_clusters(path):
    size = np.abs(path.shock[path.regime == BULL])

    assert np.corrcoef(size[1:], size[:-1])[0, 1] > 0.03


def test_no_two_listings_share_a_symbol():
    symbols = [symbol_of(n) for n in range(FOUR_LETTER_SYMBOLS + 500)]

    assert len(set(symbols)) == len(symbols)


def test_every_symbol_may_enter_the_lake():
    assert all(is_safe_symbol(symbol_of(n)) for n in range(FOUR_LETTER_SYMBOLS))


def test_a_name_says_symbol_and_sector():
    assert name_of("KELV", 0, "Energy") == "Kelva Energy"
    assert len({name_of("KELV", 0, sector) for sector in SECTORS}) == len(SECTORS)


def test_a_penny_share_never_prints_zero():
    nothing = np.array([1e-6])

    quoted = bar(nothing, np.zeros(1), np.array([0.3]), np.full((3, 1), 2.0))

    assert [price.item() for price in quoted] == [0.01] * 4


def test_overnight_news_shows_at_the_open():
    opened, *_ = bar(np.array([130.0]), np.log([1.30]), np.array([0.02]), np.zeros((3, 1)))

    assert opened.item() > 125


def expect(values, exists=None, own=None, *, strength=0.03, spread=4e-4):
    exists = np.ones(values.shape, dtype=bool) if exists is None else exists
    own = np.full(values.shape[1], 0.02) if own is None else own
    return alpha.expected_returns(values, exists, own, spread, strength=strength)


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
    promised = expect(*characteristic("volume", ranks()))

    assert promised[0] == pytest.approx(promised[-1])
    assert promised[50] == promised.min()


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
