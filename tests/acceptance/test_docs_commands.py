"""The commands and scripts of the documents, copied out and run as written, page by page.

`~` is a folder of the test, and it is the evening of Friday, 14 June 2024 (tests/docs_world.py). Blocks that cannot be
run here say why above them (tests/doc_blocks.py).
"""

import os
import shutil
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest

from tasks.data.providers.base import Delivery
from tasks.data.providers.files.provider import FilesProvider
from tests.doc_blocks import blocks
from tests.docs_world import SYMBOLS, Shell, clock_of_page, market
from tests.homes import LAST_SESSION, clean_environ
from tests.servers.base import serving
from tests.servers.yahoo import YahooServer

pytestmark = pytest.mark.docs

PAGES = sorted({block.page for block in blocks("sh") if not block.not_run})
FROM_NOTHING = {"README.md", "docs/first-run.md"}  # the others go on in a home that is there
SCRIPTS = [block for block in blocks("python") if block.page == "docs/own-data.md"]


# issue 11, part 3
@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_run_as_written(page, me):
    if page in FROM_NOTHING:
        shutil.rmtree(me / "book")
        shell = Shell(me)
    else:
        shell = Shell(me, home=me / "book")

    with clock_of_page(me) as set_clock:
        for block in blocks("sh"):
            if block.page == page and not block.not_run:
                if block.at is not None:
                    set_clock(block.at)
                for line in block.lines:
                    shell.run(line, is_idle=line in block.idle_lines)


def run_script(script: str, me: Path) -> None:
    with patch.dict(os.environ, clean_environ(me, {})):
        exec(script, {})  # noqa: S102 - our own page


def read(folder: Path) -> Delivery:
    return FilesProvider(folder).fetch(after=None, through=LAST_SESSION)


def test_the_script_for_yfinance_brings_prices_and_actions_as_they_were_printed(tmp_path, monkeypatch):
    """docs/own-data.md, with the real yfinance on a server that answers as Yahoo does."""
    import yfinance
    from yfinance.data import YfData

    whole = market(sessions=60)
    yahoos = {"symbol": {"BRK.B": "BRK-B"}}
    given = Delivery(bars=whole.bars.replace(yahoos), actions=whole.actions.replace(yahoos))
    with serving(YahooServer(given)) as server:
        download = partial(yfinance.download, session=server.browser(), threads=False)
        monkeypatch.setattr(yfinance, "download", download)
        YfData.cache_get.cache_clear()
        yfinance.set_tz_cache_location(str(tmp_path / "yfinance"))
        run_script(SCRIPTS[0].text, tmp_path)

    written = read(tmp_path / "market-data")

    asked = {"AAPL", "MSFT", "BRK.B"}
    key = ["symbol", "session"]
    for found, given in ((written.bars, whole.bars), (written.actions, whole.actions)):
        expected = given[given["symbol"].isin(asked)].sort_values(key, ignore_index=True)
        pd.testing.assert_frame_equal(found.sort_values(key, ignore_index=True), expected, atol=1e-4)
    assert (written.actions["split"] != 1).any()


@pytest.mark.parametrize("form", ["page", "archive"])
def test_the_script_for_stooq_brings_prices_and_then_adds_newer_ones_only(tmp_path, form):
    """docs/own-data.md, on both forms that Stooq offers."""
    whole = market(sessions=30).bars
    earlier = whole[whole["session"] < whole["session"].max()]

    write_stooq(tmp_path / "stooq", earlier, form)
    run_script(SCRIPTS[1].text, tmp_path)
    first = read(tmp_path / "market-data").bars
    write_stooq(
        tmp_path / "stooq", whole.assign(close=whole["close"] * 1.001, high=whole["high"] * 1.001), form
    )
    run_script(SCRIPTS[1].text, tmp_path)
    second = read(tmp_path / "market-data").bars

    key = ["symbol", "session"]
    np.testing.assert_allclose(
        first.sort_values(key)["close"].to_numpy(), earlier.sort_values(key)["close"].to_numpy(), rtol=1e-9
    )
    kept = second[second["session"] < whole["session"].max()]
    assert kept.sort_values(key)["close"].tolist() == first.sort_values(key)["close"].tolist()
    assert len(second) == len(whole)
    assert set(second["symbol"]) == set(SYMBOLS)


def write_stooq(folder: Path, bars: pd.DataFrame, form: str) -> None:
    folder.mkdir(exist_ok=True)
    for symbol, days in bars.groupby("symbol"):
        name = symbol.lower().replace(".", "-")
        figures = days[["open", "high", "low", "close", "volume"]]
        if form == "page":
            head = "Date,Open,High,Low,Close,Volume"
            dates = days["session"].dt.strftime("%Y-%m-%d")
            rows = [[day, *row] for day, row in zip(dates, figures.to_numpy().tolist(), strict=True)]
            path = folder / f"{name}_us_d.csv"
        else:
            head = "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>"
            dates = days["session"].dt.strftime("%Y%m%d")
            rows = [
                [f"{name.upper()}.US", "D", day, "000000", *row, 0]
                for day, row in zip(dates, figures.to_numpy().tolist(), strict=True)
            ]
            path = folder / f"{name}.us.txt"
        path.write_text("\n".join([head, *(",".join(map(str, row)) for row in rows)]) + "\n")


def test_the_prices_that_a_page_shows_are_read(tmp_path):
    (shown,) = (block for block in blocks("csv") if block.page == "docs/own-data.md")
    (tmp_path / "prices.csv").write_text(shown.text + "\n")

    assert len(read(tmp_path).bars) == 3


def test_the_truth_of_docs_simulated_market_md_can_be_looked_at():
    (shown,) = (block for block in blocks("python") if block.page == "docs/simulated-market.md")
    small = shown.text.replace("Parameters(7, 500, date(2016,", "Parameters(7, 20, date(2024,")
    names: dict[str, object] = {}

    exec(small, names)  # noqa: S102 - our own page

    assert names["expected_returns"].shape == (len(names["regimes"]), names["expected_returns"].shape[1])
