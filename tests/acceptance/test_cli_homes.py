"""Creating a home, and finding the one to use."""

import json
from datetime import date
from unittest.mock import Mock

import pytest

from flows.cli.app import answer
from flows.demo import DemoMarket, _planted, _prepare, _run_session, fill_demo_home
from tasks.core.errors import ConfigError
from tasks.core.homes.home import Home
from tests.homes import LAST_SESSION, afterclose, blank, tree_bytes

MARKET = DemoMarket(symbols=20, years=3, seed=7)


# issue 10, line 13
def test_init_makes_a_home_whose_market_is_not_simulated_unless_asked(tmp_path, capsys):
    for name, flags in {"real": [], "game": ["--simulated"]}.items():
        assert answer(["init", str(tmp_path / name), *flags]) == 0
        capsys.readouterr()
        assert answer(["config", "show", "--json", "--home", str(tmp_path / name)]) == 0
        provider = json.loads(capsys.readouterr().out)["settings"]["data.provider"]
        assert provider["value"] == {"real": "files", "game": "simulated"}[name]


def test_a_home_without_data_refuses_to_refresh_and_names_the_missing_directory(tmp_path, capsys):
    answer(["init", str(tmp_path / "book")])

    assert answer(["refresh", "--date", "2024-06-14", "--home", str(tmp_path / "book")]) == 2

    assert "market-data is not a directory" in capsys.readouterr().err


def test_the_next_commands_name_the_new_home(tmp_path, capsys):
    answer(["init", str(tmp_path / "game"), "--simulated"])

    home = f"--home {tmp_path / 'game'}"
    assert f"afterclose weekly {home} --quick, then afterclose daily {home}." in capsys.readouterr().out


def test_init_a_second_time_changes_nothing_and_says_so(tmp_path, capsys):
    answer(["init", str(tmp_path / "book")])
    before = tree_bytes(tmp_path)
    capsys.readouterr()

    assert answer(["init", str(tmp_path / "book"), "--simulated"]) == 0

    assert "is already a home; nothing was changed" in capsys.readouterr().out
    assert tree_bytes(tmp_path) == before


def test_init_leaves_a_folder_with_other_files_alone(tmp_path, capsys):
    (tmp_path / "thesis.tex").touch()

    assert answer(["init", str(tmp_path), "--json"]) == 2

    assert "thesis.tex" in json.loads(capsys.readouterr().out)["what"]
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


# issue 10, line 15
@pytest.mark.parametrize("config", [None, "seed: 1\n", "data: {simulated: {symbols: 20, seed: 7}}\n"])
def test_the_demo_never_fills_a_home_that_is_not_its_own(tmp_path, config):
    blank(tmp_path)
    if config is not None:
        (tmp_path / "config.yaml").write_text(config)
    before = tree_bytes(tmp_path)

    with pytest.raises(ConfigError, match="not one that the demo created"):
        fill_demo_home(tmp_path, MARKET, last=date(2024, 6, 14), days=1, profile=None)

    assert tree_bytes(tmp_path) == before


# issue 10, line 15
def test_the_demo_inside_a_home_uses_its_own_directory(tmp_path, monkeypatch):
    from flows import demo

    ran = []
    monkeypatch.chdir(blank(tmp_path / "book"))
    monkeypatch.setattr(demo, "fill_demo_home", lambda home, *_, **__: ran.append(home) or 1 / 0)

    answer(["demo"])

    assert [home.absolute() for home in ran] == [tmp_path / "book" / "demo"]


def test_the_current_folder_is_the_home_when_it_is_one(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(blank(tmp_path))

    assert answer(["config", "show", "--json"]) == 0

    assert json.loads(capsys.readouterr().out)["home"] == str(tmp_path)


def test_a_new_home_holds_its_settings_its_switch_and_its_marker(tmp_path):
    assert afterclose("init", str(tmp_path / "book"), home=tmp_path).returncode == 0

    assert tree_bytes(tmp_path / "book").keys() == {
        "config.yaml",
        "data/home.json",
        "data/home.lock",
        "live/kill_switch.json",
    }


def test_the_demo_announces_each_step_with_its_number(tmp_path, monkeypatch, caplog):
    from flows import demo

    for name in ("weekly_champion", "_run_session", "read_production", "stated_skill"):
        monkeypatch.setattr(demo, name, lambda *_, **__: Mock())

    with caplog.at_level("INFO", logger="flows.demo"):
        fill_demo_home(tmp_path, MARKET, last=date(2024, 6, 14), days=2, profile=None)

    assert [record.getMessage() for record in caplog.records] == [
        "Step 1 of 3: simulate the market and train a champion: the longest step",
        "Step 2 of 3: session 2024-06-13: propose trades, approve and execute them",
        "Step 3 of 3: session 2024-06-14: propose trades",
    ]


def test_a_demo_names_the_alpha_of_the_market_that_its_home_has(tmp_path):
    place = Home(tmp_path / "demo")
    _prepare(place, MARKET, date(2024, 6, 14))
    older = place.config_file.read_text().replace(
        "information_coefficient: 0.2", "information_coefficient: 0.05"
    )
    place.config_file.write_text(older)

    _prepare(place, MARKET, date(2024, 6, 14))  # the demo of a later release, in the same home

    assert _planted(place, None) == 0.05


def test_a_day_of_the_demo_records_the_seconds_of_each_stage(trained_home):
    place = Home(trained_home)

    _run_session(place, LAST_SESSION, None, None)

    manifest = json.loads((place.day_folder(LAST_SESSION) / "manifest.json").read_bytes())
    assert {"refresh_market", "score_universe", "build_portfolio", "monitor_health", "render_day"} <= set(
        manifest["timings"]
    )
