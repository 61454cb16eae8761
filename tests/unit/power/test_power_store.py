"""Results of `make power` survive an interruption, and those of other code are not used."""

from tests.power.store import (
    EMPTY,
    MARKETS,
    PLANTED,
    digest,
    folder_of_this_code,
    measure_all,
    measure_and_store,
    stored,
    write_result,
)


def test_every_market_is_measured_once_and_the_first_five_have_every_strength():
    assert len(set(MARKETS)) == len(MARKETS) == 100
    assert len(EMPTY) == 40
    assert {strength for strength, _ in MARKETS[:5]} == {0.0, *PLANTED}


def test_a_stored_market_is_not_measured_again(tmp_path):
    write_result(tmp_path / "0.05-801.json", {"planted": 0.05, "seed": 801})

    assert measure_and_store(tmp_path, (0.05, 801)) == {"planted": 0.05, "seed": 801}
    assert stored(tmp_path, MARKETS) == [{"planted": 0.05, "seed": 801}]
    measure_all(tmp_path, [(0.05, 801)], minutes=0)


def test_no_market_begins_after_the_time(tmp_path):
    measure_all(tmp_path, MARKETS, minutes=0)

    assert stored(tmp_path, MARKETS) == []


def test_results_of_other_code_or_settings_are_in_another_directory(tmp_path):
    source = tmp_path / "a.py"
    source.write_text("one")
    before = digest("{}", [source])
    assert digest("{}", [source]) == before
    assert digest('{"folds": 6}', [source]) != before
    source.write_text("two")
    assert digest("{}", [source]) != before
    assert folder_of_this_code(tmp_path).parent == tmp_path
