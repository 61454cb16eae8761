"""The precedence of the layers; a layer changes only the keys that it names."""

import shutil

import pytest
import yaml

from config.problems import InvalidSettings
from config.settings import (
    MACHINE_KEYS,
    MACHINE_SECTIONS,
    SHIPPED,
    config_hash,
    leaves_of,
    load_settings,
    profiles,
)


def load(home, *, profile=None, environ=None):
    return load_settings(home=home, profile=profile, environ=environ or {})


def write(home, tree):
    (home / "config.yaml").write_text(yaml.safe_dump(tree))


def flat(tree, path=""):
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from flat(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value


def test_an_empty_home_gets_what_is_shipped(tmp_path):
    loaded = load(tmp_path)

    assert loaded.settings.trades.max_trades == 50
    assert set(loaded.origins.values()) == {"base.yaml"}


@pytest.mark.parametrize("profile", profiles())
def test_a_profile_changes_what_it_names_and_no_sibling(tmp_path, profile):
    named = dict(flat(yaml.safe_load((SHIPPED / "profiles" / f"{profile}.yaml").read_text())))
    base = leaves_of(load(tmp_path).settings)

    in_force = leaves_of(load(tmp_path, profile=profile).settings)

    assert in_force == base | named


@pytest.mark.parametrize("profile", ["prudent", "institutional"])
def test_a_profile_is_not_empty(tmp_path, profile):
    assert load(tmp_path, profile=profile).settings != load(tmp_path).settings


def test_the_home_is_stronger_than_the_profile_and_keeps_its_siblings(tmp_path):
    write(tmp_path, {"portfolio": {"max_position_frac": 0.05}})

    loaded = load(tmp_path, profile="institutional")

    assert loaded.settings.portfolio.max_position_frac == 0.05
    assert loaded.settings.portfolio.max_sector_frac == 0.20
    assert loaded.origins["portfolio.max_position_frac"] == str(tmp_path / "config.yaml")
    assert loaded.origins["portfolio.max_sector_frac"] == "profiles/institutional.yaml"


def test_the_environment_is_stronger_than_the_home(tmp_path):
    write(tmp_path, {"portfolio": {"max_position_frac": 0.05, "max_sector_frac": 0.25}})

    loaded = load(tmp_path, environ={"AFTERCLOSE_PORTFOLIO__MAX_POSITION_FRAC": "0.04"})

    assert loaded.settings.portfolio.max_position_frac == 0.04
    assert loaded.settings.portfolio.max_sector_frac == 0.25
    assert loaded.origins["portfolio.max_position_frac"] == "AFTERCLOSE_PORTFOLIO__MAX_POSITION_FRAC"


def test_one_entry_of_a_mapping_is_changed_alone(tmp_path):
    environ = {
        "AFTERCLOSE_REGIME__EXPOSURE_CAP__BULL": "0.9",
        "AFTERCLOSE_PORTFOLIO__MAX_CAP_CLASS_FRAC__SMALL": "0.1",
    }

    settings = load(tmp_path, environ=environ).settings

    assert settings.regime.exposure_cap == {"CRASH": 0.0, "BEAR": 0.3, "NEUTRAL": 0.7, "BULL": 0.9}
    assert settings.portfolio.max_cap_class_frac == {"large": 0.7, "mid": 0.25, "small": 0.1}


def test_a_list_is_replaced_whole(tmp_path):
    settings = load(tmp_path, environ={"AFTERCLOSE_MODELS__LABEL_HORIZONS": "[10]"}).settings

    assert settings.models.label_horizons == (10,)


@pytest.mark.parametrize(
    ("given", "providers"), [("alpaca", ("alpaca",)), ('["alpaca", "tiingo"]', ("alpaca", "tiingo"))]
)
def test_one_provider_is_a_name_and_several_are_a_list(tmp_path, given, providers):
    from_environment = load(tmp_path, environ={"AFTERCLOSE_DATA__PROVIDER": given})
    write(tmp_path, {"data": {"provider": yaml.safe_load(given)}})

    assert from_environment.settings.data.providers == providers
    assert load(tmp_path).settings.data.providers == providers


def test_a_section_in_the_environment_is_merged_under_its_single_keys(tmp_path):
    environ = {
        "AFTERCLOSE_SAFETY__MAX_COST_FRAC": "0.002",
        "AFTERCLOSE_SAFETY": '{"max_cost_frac": 0.1, "max_trade_frac": 0.07}',
    }

    safety = load(tmp_path, environ=environ).settings.safety

    assert (safety.max_cost_frac, safety.max_trade_frac, safety.kill_sharpe) == (0.002, 0.07, -1.5)


def test_text_in_the_environment_stays_text(tmp_path):
    environ = {
        "AFTERCLOSE_REPORTING__TITLE": "2024",
        "AFTERCLOSE_DATA__SIMULATED__FIRST_SESSION": "2015-01-02",
    }

    settings = load(tmp_path, environ=environ).settings

    assert settings.reporting.title == "2024"
    assert settings.data.simulated.first_session.isoformat() == "2015-01-02"


def test_an_empty_variable_unsets_what_may_be_null(tmp_path):
    write(tmp_path, {"data": {"files": {"path": "bars"}}})

    assert load(tmp_path, environ={"AFTERCLOSE_DATA__FILES__PATH": ""}).settings.data.files.path is None


def test_other_variables_are_left_alone(tmp_path):
    environ = {"PATH": "/bin", "AFTERCLOSE_HOME": "x", "AFTERCLOSE_PROFILE": "y", "AFTERCLOSE_REAL_DATA": "z"}

    assert load(tmp_path, environ=environ).settings == load(tmp_path).settings


def test_a_path_in_a_file_is_meant_from_the_home(tmp_path):
    write(tmp_path, {"data": {"files": {"path": "bars"}}})

    assert load(tmp_path).settings.data.files.path == tmp_path / "bars"


def test_a_path_in_the_environment_is_meant_from_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home"
    home.mkdir()

    path = load(home, environ={"AFTERCLOSE_DATA__FILES__PATH": "bars"}).settings.data.files.path

    assert path == tmp_path / "bars"


def test_the_hash_names_what_the_settings_decide(tmp_path):
    base = config_hash(load(tmp_path).settings)
    elsewhere = load(tmp_path, environ={"AFTERCLOSE_DATA__FILES__PATH": "/other/machine"}).settings
    stricter = load(tmp_path, environ={"AFTERCLOSE_TRADES__MAX_TRADES": "49"}).settings

    assert config_hash(elsewhere) == base
    assert config_hash(stricter) != base


# issue 10, part 2: a simulated and a real market never share a hash
@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AFTERCLOSE_DATA__PROVIDER", "files"),
        ("AFTERCLOSE_DATA__SIMULATED__SEED", "8"),
        ("AFTERCLOSE_DATA__BENCHMARK", "QQQ"),
        ("AFTERCLOSE_SEED", "1"),
        ("AFTERCLOSE_COSTS__SPREAD__BENCHMARK_HALF_BPS", "2.5"),
        ("AFTERCLOSE_SAFETY__KILL_DAILY_LOSS_FRAC", "0.02"),
        ("AFTERCLOSE_PORTFOLIO__UNKNOWN_SECTOR", "each_its_own"),
    ],
)
def test_whatever_the_settings_decide_changes_the_hash(tmp_path, variable, value):
    where = {"AFTERCLOSE_DATA__FILES__PATH": "/a/folder"}

    hashes = {config_hash(load(tmp_path, environ=where | more).settings) for more in ({}, {variable: value})}

    assert len(hashes) == 2


def test_nothing_that_decides_a_day_is_left_out_of_the_hash():
    decides = (
        "seed",
        "models.",
        "selection.",
        "regime.",
        "risk.",
        "costs.",
        "portfolio.",
        "trades.",
        "safety.",
        "reporting.",
    )
    market = ("data.provider", "data.simulated.", "data.quality.", "data.universe.", "data.benchmark")

    assert not [key for key in (*MACHINE_KEYS, *MACHINE_SECTIONS) if key.startswith((*decides, *market))]


def test_the_recipients_of_notifications_do_not_change_a_day(tmp_path):
    notified = {"AFTERCLOSE_NOTIFICATIONS__SLACK__ENABLED": "true"}

    assert config_hash(load(tmp_path).settings) == config_hash(load(tmp_path, environ=notified).settings)


def test_every_leaf_in_force_has_an_origin(tmp_path):
    loaded = load(tmp_path, profile="prudent")

    assert set(loaded.origins) == set(leaves_of(loaded.settings))


def test_base_yaml_alone_decides_when_it_is_changed(tmp_path):
    shipped = tmp_path / "shipped"
    shutil.copytree(SHIPPED, shipped)
    text = (shipped / "base.yaml").read_text()
    (shipped / "base.yaml").write_text(text.replace("max_trades: 50", "max_trades: 12"))

    loaded = load_settings(home=tmp_path, profile="standard", environ={}, shipped=shipped)

    assert loaded.settings.trades.max_trades == 12


def test_an_unknown_profile_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(InvalidSettings, match=r"institutional, prudent, standard.*Did you mean \"prudent\""):
        load(tmp_path, profile="prudend")


def test_a_profile_is_a_name_and_never_a_path(tmp_path):
    with pytest.raises(InvalidSettings, match="is not one of"):
        load(tmp_path, profile="../profiles/prudent")


def test_a_relative_path_of_base_yaml_is_in_each_home(tmp_path):
    shipped = tmp_path / "shipped"
    shutil.copytree(SHIPPED, shipped)
    text = (shipped / "base.yaml").read_text()
    (shipped / "base.yaml").write_text(text.replace("    path: null", "    path: vendor", 1))
    homes = [tmp_path / "one", tmp_path / "other"]

    loaded = [load_settings(home=home, profile=None, environ={}, shipped=shipped) for home in homes]

    assert [one.settings.data.files.path for one in loaded] == [home / "vendor" for home in homes]
