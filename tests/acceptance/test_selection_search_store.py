import re
from contextlib import chdir
from pathlib import Path

import pytest

from tasks.core.errors import StorageError
from tasks.selection.search.store import HomeStudies
from tests.unit.selection.search.test_search_study import trials_of

PAGE = Path(__file__).parents[2] / "docs" / "tuning.md"


@pytest.fixture
def home(tmp_path):
    studies = HomeStudies(tmp_path / "data" / "searches" / "studies.db", "2024-06-14 0123")
    studies.add("xgboost_tuned 4567", trials_of(2))
    return tmp_path


def test_trials_are_stored_as_they_are(home):
    studies = HomeStudies(home / "data" / "searches" / "studies.db", "2024-06-14 0123")

    found = studies.finished("xgboost_tuned 4567")

    for one, other in zip(found, trials_of(2), strict=True):
        assert (one.params, one.value, one.state) == (other.params, other.value, other.state)
        assert one.user_attrs == other.user_attrs
        assert one.intermediate_values == other.intermediate_values


def test_a_study_has_the_trials_of_its_own_search_only(home):
    path = home / "data" / "searches" / "studies.db"

    assert HomeStudies(path, "2024-06-14 0123").finished("xgboost_tuned 8901") == []
    assert HomeStudies(path, "2024-06-21 0123").finished("xgboost_tuned 4567") == []


@pytest.mark.parametrize("damage", [lambda _: b"not a database" * 99, lambda content: content[:2000]])
def test_a_damaged_file_is_an_error_that_says_what_to_do(home, damage):
    path = home / "data" / "searches" / "studies.db"
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(StorageError, match="cannot be used") as raised:
        HomeStudies(path, "2024-06-14 0123").finished("xgboost_tuned 4567")

    assert raised.value.remedy.startswith("Delete data/searches")


def test_the_script_of_docs_tuning_md_reads_the_trials(home):
    shown = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)

    names = {}

    with chdir(home):
        exec(shown.group(1), names)  # noqa: S102 - our own page

    read = names["trials"].loc["2024-06-14 0123 xgboost_tuned 4567"]
    assert read["value"].tolist() == [trial.value for trial in trials_of(2)]
    assert read["user_attrs_train_test_gap"].min() > 0
    assert "PRUNED" in set(read["state"])
