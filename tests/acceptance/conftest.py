import pytest

from tests.conftest import made_once
from tests.docs_world import copy_of_world, make_world
from tests.homes import make_backtest_home


@pytest.fixture(scope="session")
def docs_world(tmp_path_factory):
    """The user's directory that the docs assume. Read-only: tests use `me`."""
    return made_once(tmp_path_factory, "docs-world", make_world)


@pytest.fixture(scope="session")
def backtest_home_template(tmp_path_factory):
    """A home with two years of 25 names, for backtests. Read-only."""
    return made_once(tmp_path_factory, "backtest-home", lambda home: make_backtest_home(home, "2023-06-15"))


@pytest.fixture
def me(docs_world, tmp_path):
    """A copy of the user's directory, `~` in the docs."""
    return copy_of_world(docs_world, tmp_path / "me")
