"""The commands of docs/backtest.md, as written, in a home with enough history for scores."""

import pytest

from tests.doc_blocks import blocks
from tests.docs_world import Shell
from tests.homes import SMALL_MARKET, afterclose, configure

pytestmark = pytest.mark.docs

LINES = [
    line
    for block in blocks("sh")
    for line in block.lines
    if block.page in {"docs/backtest.md", "docs/cli.md"} and line.startswith("afterclose backtest")
]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    simulated = {**SMALL_MARKET["data"]["simulated"], "symbols": 25, "first_session": "2021-06-01"}
    models = {**SMALL_MARKET["models"], "min_train_sessions": 126}
    place = configure(
        tmp_path_factory.mktemp("docs") / "home", {"data": {"simulated": simulated}, "models": models}
    )
    assert afterclose("refresh", "--date", "2023-06-15", home=place).returncode == 0
    return place


def test_the_pages_show_how_to_backtest():
    assert len(LINES) >= 5


@pytest.mark.parametrize("line", LINES)
def test_a_command_of_the_page_runs_as_written(home, line):
    assert "Report: " in Shell(home.parent, home=home).run(line)
