"""Where a command may write a file that a person asked for."""

import pytest

from flows.operations.exports import export_path
from tasks.core.errors import ConfigError
from tasks.core.homes.home import Home
from tests.builders import make_settings
from tests.homes import afterclose, blank

SETTINGS = make_settings()


@pytest.fixture
def home(tmp_path):
    return Home(blank(tmp_path / "home"))


def test_a_new_file_in_a_directory_of_the_users_is_accepted(home, tmp_path):
    assert export_path(tmp_path / "a.csv", home, SETTINGS) == tmp_path / "a.csv"
    assert export_path(home.root / "a.parquet", home, SETTINGS, suffix=".parquet") == home.root / "a.parquet"


@pytest.mark.parametrize(
    "name", ["live/x.csv", "live/2024-06-14/x.csv", "data/x.csv", "data/../production/x.csv"]
)
def test_a_file_among_the_homes_state_is_refused(home, name):
    with pytest.raises(ConfigError, match="runs read the files in"):
        export_path(home.root / name, home, SETTINGS)


@pytest.mark.parametrize("folder", ["lake", "work"])
def test_a_file_where_a_link_of_the_home_leads_is_refused(home, tmp_path, folder):
    (tmp_path / "disk" / "tables").mkdir(parents=True)
    (home.root / "data" / folder).symlink_to(tmp_path / "disk")

    with pytest.raises(ConfigError, match="runs read the files in"):
        export_path(tmp_path / "disk" / "tables" / "x.csv", home, SETTINGS)


def test_a_file_among_the_market_data_is_refused(home, tmp_path):
    settings = make_settings(**{"data.files.path": tmp_path / "market"})

    with pytest.raises(ConfigError, match="runs read the files in"):
        export_path(tmp_path / "market" / "prices.csv", home, settings)


def test_an_existing_file_or_link_is_not_replaced(home, tmp_path):
    (tmp_path / "a.csv").write_text("mine")
    (tmp_path / "b.csv").symlink_to(tmp_path / "nowhere")

    for name in ("a.csv", "b.csv"):
        with pytest.raises(ConfigError, match="already exists"):
            export_path(tmp_path / name, home, SETTINGS)


def test_a_ledger_is_not_written_over_the_positions(home):
    home.live.mkdir(exist_ok=True)
    home.positions_file.write_text("symbol,shares\n")

    ended = afterclose("positions", "ledger", "--csv", str(home.positions_file), home=home.root)

    assert ended.returncode == 2
    assert home.positions_file.read_text() == "symbol,shares\n"
