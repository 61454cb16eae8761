"""The fingerprint of the code."""

import pytest

from tasks.core.versions import source_code
from tasks.core.versions.source_code import code_fingerprint, published_by


def test_the_code_fingerprint_follows_sources_and_not_their_place(tmp_path):
    def tree(name, source):
        folder = tmp_path / name / "tasks"
        folder.mkdir(parents=True)
        (folder / "a.py").write_text(source)
        (folder / "notes.txt").write_text(name)
        return code_fingerprint(tmp_path / name)

    assert tree("one", "x = 1") == tree("two", "x = 1")
    assert tree("three", "x = 1") != tree("four", "x = 2")


# issue 10, part 2: shipped settings are part of the code's fingerprint, and so are templates and styles
@pytest.mark.parametrize(
    "name", ["config/base.yaml", "config/profiles/prudent.yaml", "tasks/a.j2", "tasks/a.css"]
)
def test_the_code_fingerprint_follows_settings_and_templates(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text("limit: 1")
    before = code_fingerprint(tmp_path)
    source_code._fingerprint.cache_clear()
    path.write_text("limit: 2")

    assert code_fingerprint(tmp_path) != before


def test_a_replay_states_the_fingerprint_of_the_day_and_nothing_after_it_does(tmp_path):
    own = code_fingerprint(tmp_path)

    with published_by("f" * 64):
        assert code_fingerprint(tmp_path) == "f" * 64

    assert code_fingerprint(tmp_path) == own
