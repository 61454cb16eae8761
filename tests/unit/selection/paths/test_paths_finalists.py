"""Which candidates are cross-validated, and that an interrupted week continues."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from config.sections import Candidate
from tasks.core.errors import StorageError
from tasks.selection.paths import finalists
from tasks.selection.paths.finalists import Measured, cross_validate, finalists_of
from tasks.selection.paths.statement import paths_section
from tasks.selection.schema import Equity, PathResult
from tests.builders import make_settings
from tests.champions import make_result

SETTINGS = make_settings()
CANDIDATES = [Candidate(name=name, kind="lightgbm", parameters={}) for name in ("first", "second")]
NAN = float("nan")


def test_the_finalists_are_the_eligible_candidates_with_the_largest_t_on_the_selection_folds():
    results = [
        make_result("worst", choice_t=1.0),
        make_result("best", choice_t=4.0),
        make_result("without a signal", choice_t=9.0, choice_ic=0.0),
        make_result("constant", choice_t=9.0, ranks=False),
        make_result("second", choice_t=3.0, t=-5.0),  # the confirmation folds have no part in it
        make_result("third", choice_t=2.0),
    ]

    assert [each.name for each in finalists_of(results, most=3)] == ["best", "second", "third"]
    assert finalists_of(results, most=0) == []


@pytest.fixture
def measured(monkeypatch):
    """Return the names of the candidates that were measured; the second is interrupted once."""
    names = []

    def measure(_market, _days, _run, candidate, *_, **__):
        names.append(candidate.name)
        if names == ["first", "second"]:
            raise KeyboardInterrupt
        book = Equity(("2024-06-13", "2024-06-14"), (1.0, 1.01), (1.0, 0.99))
        return Measured((1.0, NAN, float(len(candidate.name))), 0.5, book)

    monkeypatch.setattr(finalists, "measure_paths", measure)
    monkeypatch.setattr(finalists, "fold_workers", lambda *_: nullcontext())
    return names


def paths_in(folder, *, snapshot="a", settings=SETTINGS, seed=1):
    run = SimpleNamespace(data=None, tested=None)
    return cross_validate(
        folder, snapshot, None, None, run, CANDIDATES, settings, seed=lambda name: seed + len(name)
    )


def test_an_interrupted_week_continues_with_the_candidate_that_is_missing(tmp_path, measured):
    with pytest.raises(KeyboardInterrupt):
        paths_in(tmp_path)

    found = paths_in(tmp_path)

    assert measured == ["first", "second", "second"]
    assert [(each.candidate, each.sharpes[2], each.equal_weight) for each in found] == [
        ("first", 5.0, 0.5),
        ("second", 6.0, 0.5),
    ]
    assert found[0].sharpes[1] != found[0].sharpes[1]  # withheld
    assert found[0].book == Equity(("2024-06-13", "2024-06-14"), (1.0, 1.01), (1.0, 0.99))


def test_other_data_settings_or_seeds_are_computed_again(tmp_path, measured):
    measured.append("warm")
    paths_in(tmp_path)
    other = make_settings(**{"costs.multiple": 2.0})
    for given in ({"snapshot": "b"}, {"settings": other}, {"seed": 2}, {}):
        paths_in(tmp_path, **given)

    assert len(measured) == 1 + 2 * 4


def test_a_damaged_result_is_an_error(tmp_path, measured):
    measured.append("warm")
    paths_in(tmp_path)
    place = min(tmp_path.iterdir())
    place.write_text(place.read_text().replace("0.5", "0.1"))

    with pytest.raises(StorageError, match="is damaged"):
        paths_in(tmp_path)


def test_the_report_has_the_range_of_the_paths_and_how_many_beat_equal_weight():
    found = [PathResult("lightgbm", (1.5, 0.25, NAN, 0.75, -0.5), 0.5), PathResult("rule", (NAN,), NAN)]

    section = "\n".join(paths_section(found))

    assert "| lightgbm | −0.50 | 0.50 | 1.50 | 0.50 | 2 of 4 |" in section
    assert "| rule | withheld" in section
    assert paths_section([]) == ["No candidate was cross-validated."]
