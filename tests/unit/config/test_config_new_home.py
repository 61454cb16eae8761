"""The config.yaml that `init` and `data import` write."""

import re

import pytest

from config.new_home import new_config
from config.settings import leaves_of, load_settings


def loaded(home, text):
    (home / "config.yaml").write_text(text)
    return leaves_of(load_settings(home=home, profile=None, environ={}).settings)


@pytest.mark.parametrize("provider", ["simulated", "files"])
def test_it_says_where_data_comes_from_and_changes_nothing_else(tmp_path, provider):
    without = f"data: {{provider: {provider}, files: {{path: market-data}}}}\n"

    assert loaded(tmp_path, new_config(provider)) == loaded(tmp_path, without)


def test_what_it_shows_as_comments_is_what_is_shipped(tmp_path):
    text = new_config("files")
    uncommented = re.sub(r"^# (?=(\w+:$|  ))", "", text, flags=re.MULTILINE)

    assert uncommented.count("#") < text.count("#") - 10
    assert loaded(tmp_path, uncommented) == loaded(tmp_path, text)


def test_a_folder_with_odd_characters_is_named_as_it_is(tmp_path):
    folder = tmp_path / 'it\'s "odd": # { \u202e ä'

    assert loaded(tmp_path, new_config("files", folder))["data.files.path"] == str(folder)
