import json

import pytest

from tasks.core.errors import ConfigError, StorageError
from tasks.core.homes import setup
from tasks.core.homes.home import Home
from tasks.core.homes.setup import is_set_up, make_home, set_up


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "a home")


def test_a_new_home_gets_a_clear_switch_and_its_marker(home):
    set_up(home)

    assert json.loads(home.kill_switch_file.read_text())["state"] == "clear"
    assert is_set_up(home)


def test_fault_043_a_switch_that_vanished_after_set_up_is_not_made_again(home):
    set_up(home)
    home.kill_switch_file.unlink()

    set_up(home)

    assert not home.kill_switch_file.exists()


def test_a_switch_that_was_tripped_before_the_first_run_stays_tripped(home):
    home.live.mkdir(parents=True)
    home.kill_switch_file.write_text('{"state": "on"}')

    set_up(home)

    assert home.kill_switch_file.read_text() == '{"state": "on"}'


def test_the_marker_is_written_last(home, monkeypatch):
    written = []
    monkeypatch.setattr(setup, "write_text", lambda path, _: written.append(path))

    set_up(home)

    assert written == [home.kill_switch_file, home.marker_file]


def test_set_up_that_was_killed_between_its_writes_is_finished_by_the_next(home, monkeypatch):
    def die_at_the_marker(path, text):
        if path == home.marker_file:
            raise KeyboardInterrupt
        path.parent.mkdir(parents=True)
        path.write_text(text)

    with monkeypatch.context() as patched:
        patched.setattr(setup, "write_text", die_at_the_marker)
        with pytest.raises(KeyboardInterrupt):
            set_up(home)
    assert not is_set_up(home)

    set_up(home)

    assert is_set_up(home)


def test_two_homes_are_set_up_with_equal_bytes(tmp_path):
    homes = [Home(tmp_path / name) for name in "ab"]
    for home in homes:
        set_up(home)

    assert len({home.kill_switch_file.read_bytes() for home in homes}) == 1
    assert len({home.marker_file.read_bytes() for home in homes}) == 1


@pytest.mark.parametrize("content", ["", "{", "[]", '"x"', "{}", "null"])
def test_a_damaged_marker_is_named_and_never_taken_for_a_new_home(home, content):
    home.marker_file.parent.mkdir(parents=True)
    home.marker_file.write_text(content)

    with pytest.raises(StorageError, match=r"home\.json is damaged"):
        set_up(home)

    assert not home.kill_switch_file.exists()


def test_a_home_of_a_later_release_is_refused(home):
    home.marker_file.parent.mkdir(parents=True)
    home.marker_file.write_text('{"schema_version": 2}')

    with pytest.raises(ConfigError, match="schema version 2"):
        set_up(home)


# issue 10, line 13
@pytest.mark.parametrize(
    "stranger", ["thesis.tex", "live/2024-06-14/trades.csv", "data/lake/head.json", ".git/config"]
)
def test_a_folder_that_holds_something_else_does_not_become_a_home(home, stranger):
    (home.root / stranger).parent.mkdir(parents=True)
    (home.root / stranger).touch()

    with pytest.raises(ConfigError, match=f"neither empty nor an Afterclose home: it holds {stranger}"):
        make_home(home, "seed: 1\n", checkout=None)

    assert not home.marker_file.exists()
    assert not home.config_file.exists()


def test_the_checkout_becomes_a_home_alongside_the_code_but_not_over_days_whose_marker_is_lost(home):
    for name in ("flows/cli/app.py", "live/README.md", "production/README.md"):
        (home.root / name).parent.mkdir(parents=True)
        (home.root / name).touch()

    assert make_home(home, "", checkout=home.root)
    home.marker_file.unlink()
    home.day_folder("2024-06-14").mkdir()
    (home.day_folder("2024-06-14") / "trades.csv").touch()

    with pytest.raises(ConfigError, match=r"holds live/2024-06-14/trades\.csv"):
        make_home(home, "", checkout=home.root)


def test_a_home_is_made_once_and_its_config_kept(home):
    home.root.mkdir()
    home.config_file.write_text("seed: 1\n")

    assert make_home(home, "seed: 2\n", checkout=None)
    assert not make_home(home, "seed: 3\n", checkout=None)

    assert home.config_file.read_text() == "seed: 1\n"


def test_a_home_that_another_process_finishes_meanwhile_is_not_a_strange_folder(home, monkeypatch):
    search = setup._unexpected_files

    def finished_meanwhile(root, *, in_checkout):
        set_up(home)
        return search(root, in_checkout=in_checkout)

    monkeypatch.setattr(setup, "_unexpected_files", finished_meanwhile)

    assert not make_home(home, "seed: 1\n", checkout=None)


@pytest.mark.parametrize("killed_at", ["config_file", "kill_switch_file", "marker_file"])
def test_a_home_whose_making_was_killed_is_finished_by_the_next(home, monkeypatch, killed_at):
    written = setup.write_text

    def die(path, text):
        if path == getattr(home, killed_at):
            raise KeyboardInterrupt
        written(path, text)

    with monkeypatch.context() as patched:
        patched.setattr(setup, "write_text", die)
        with pytest.raises(KeyboardInterrupt):
            make_home(home, "seed: 1\n", checkout=None)

    assert make_home(home, "seed: 1\n", checkout=None)
    assert home.config_file.read_text() == "seed: 1\n"


def test_a_switch_tripped_before_the_home_is_made_stays_tripped(home):
    home.live.mkdir(parents=True)
    home.stop_file.touch()

    make_home(home, "", checkout=None)

    assert home.stop_file.exists()
