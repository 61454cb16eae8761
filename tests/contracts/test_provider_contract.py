"""What every provider of market data promises. A new provider is one more line in PROVIDERS."""

import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from tasks.core.homes.run import Run
from tasks.core.sessions import session_on, sessions_between
from tasks.data.gates.bars.values import check_bars
from tasks.data.gates.conform import DATED, conform
from tasks.data.providers.alpaca import AlpacaProvider
from tasks.data.providers.base import Delivery, Provider
from tasks.data.providers.cascade import Cascade
from tasks.data.providers.edgar.provider import EdgarProvider
from tasks.data.providers.fred import FredProvider
from tasks.data.providers.registry import MODULES, make_provider
from tasks.data.providers.tiingo import TiingoProvider
from tasks.data.providers.yahoo import YahooProvider
from tasks.data.schema.columns import COLUMNS, Table
from tasks.data.schema.tables import SPECS
from tests.builders import make_run
from tests.deliveries import Served, make_delivery
from tests.servers import alpaca as alpaca_server
from tests.servers import edgar as edgar_server
from tests.servers import fred as fred_server
from tests.servers import tiingo as tiingo_server
from tests.servers import yahoo as yahoo_server
from tests.servers.base import serving
from tests.unit.data.folders import write_folder

FIRST, MIDDLE, LAST = date(2024, 1, 2), date(2024, 4, 12), date(2024, 6, 14)


def simulated(folder: Path, _: ExitStack) -> Provider:
    settings = {
        "data.provider": "simulated",
        "data.simulated.symbols": 20,
        "data.simulated.first_session": FIRST,
    }
    return make_provider(make_run(folder, LAST, **settings))


def files(folder: Path, _: ExitStack) -> Provider:
    write_folder(folder, make_delivery(sessions=114))
    return make_provider(make_run(folder, LAST, **{"data.provider": "files", "data.files.path": folder}))


def served(_folder: Path, _: ExitStack) -> Provider:
    return Served(make_delivery(sessions=114))


def alpaca(folder: Path, stack: ExitStack) -> Provider:
    with_keys(stack, alpaca_server.KEYS)
    server = stack.enter_context(serving(alpaca_server.AlpacaServer(make_delivery(sessions=114), page=100)))
    return AlpacaProvider(asking_run(folder), data_url=server.url, trading_url=server.url)


def tiingo(folder: Path, stack: ExitStack) -> Provider:
    with_keys(stack, tiingo_server.KEYS)
    server = stack.enter_context(serving(tiingo_server.TiingoServer(make_delivery(sessions=114))))
    return TiingoProvider(asking_run(folder), url=server.url)


def fred(folder: Path, stack: ExitStack) -> Provider:
    with_keys(stack, fred_server.KEYS)
    server = stack.enter_context(serving(fred_server.FredServer(make_delivery(sessions=114))))
    return FredProvider(asking_run(folder), url=server.url)


def yahoo(folder: Path, stack: ExitStack) -> Provider:
    server = stack.enter_context(serving(yahoo_server.YahooServer(make_delivery(sessions=114))))
    return YahooProvider(asking_run(folder), browser=server.browser())


def edgar(folder: Path, stack: ExitStack) -> Provider:
    with_keys(stack, edgar_server.KEYS)
    server = stack.enter_context(serving(edgar_server.EdgarServer(make_delivery(sessions=114))))
    return EdgarProvider(asking_run(folder), site_url=server.url, data_url=server.url)


def cascade(folder: Path, stack: ExitStack) -> Provider:
    """A cascade of houses keeps the contract of one."""
    others = [alpaca(folder, stack), served(folder, stack)]
    return Cascade(others, levels=("SPY", "^VIX"))


def only_with(provider: Provider, table: Table) -> None:
    if table not in provider.capabilities:
        pytest.skip(f"{provider.name} gives no {table}")


def with_keys(stack: ExitStack, keys: Mapping[str, str]) -> None:
    patch = stack.enter_context(pytest.MonkeyPatch.context())
    for name, value in keys.items():
        patch.setenv(name, value)


def asking_run(folder: Path) -> Run:
    """Return a run that requests six names and an unknown one from a provider."""
    symbols = folder / "symbols.txt"
    symbols.write_text("S00 # pays\nS01\nS02\nS03\nS04\nS05\n\nNOBODY\n")
    unhurried = {"second": None, "minute": None, "hour": None, "day": None}
    limits = {f"data.{name}.rate_limit": unhurried for name in ("alpaca", "tiingo", "fred", "yahoo", "edgar")}
    return make_run(folder, LAST, **{"data.symbols_file": symbols, "data.first_session": FIRST, **limits})


PROVIDERS: dict[str, Callable[[Path, ExitStack], Provider]] = {
    "simulated": simulated,
    "files": files,
    "served": served,
    "alpaca": alpaca,
    "tiingo": tiingo,
    "fred": fred,
    "yahoo": yahoo,
    "edgar": edgar,
    "cascade": cascade,
}


EVENTS: frozenset[Table] = frozenset({"renames", "delistings"})  # that none happened is an answer


@pytest.fixture(params=sorted(PROVIDERS), scope="module")
def provider(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with ExitStack() as stack:
        yield PROVIDERS[request.param](tmp_path_factory.mktemp("folder"), stack)


@pytest.fixture(scope="module")
def whole(provider: Provider) -> Delivery:
    return provider.fetch(after=None, through=LAST)


def test_every_provider_of_the_settings_keeps_this_contract():
    assert set(MODULES) <= set(PROVIDERS)


def test_the_delivery_has_the_agreed_columns_and_types(provider, whole):
    tables = conform(whole, through=LAST, provider=provider.name)

    assert set(tables) == set(COLUMNS)


def test_what_it_cannot_give_is_empty_and_what_it_can_is_there(provider, whole):
    for name in COLUMNS:
        if name not in provider.capabilities:
            assert whole.table(name).empty, name
    assert provider.capabilities
    for name in provider.capabilities - EVENTS:
        assert len(whole.table(name)), name


def test_of_tables_that_are_named_it_gives_those_and_no_other(provider, whole):
    for name in provider.capabilities:
        one = provider.fetch(after=None, through=LAST, tables=frozenset({name}))

        pd.testing.assert_frame_equal(one.table(name), whole.table(name))
        assert all(one.table(other).empty for other in COLUMNS if other != name)


def test_nothing_is_dated_after_the_session_that_was_asked_for(provider):
    early = provider.fetch(after=None, through=MIDDLE)

    for name, day in DATED.items():
        frame = early.table(name)
        assert frame.empty or frame[day].max() <= pd.Timestamp(MIDDLE), name
    if "bars" in provider.capabilities:
        assert early.bars["session"].max() == pd.Timestamp(MIDDLE)


def test_the_last_bar_is_of_the_session_and_bars_are_of_sessions(provider, whole):
    only_with(provider, "bars")
    assert whole.bars["session"].max() == pd.Timestamp(LAST)
    assert all(session_on(day.date()).is_open for day in whole.bars["session"].unique())


def test_bars_pass_the_gates(whole):
    checked = check_bars(whole.bars, sessions_between(date(2020, 1, 2), LAST))

    assert checked.set_aside.empty
    assert checked.findings.empty


@pytest.mark.parametrize("table", ["bars", "actions", "riskfree", "fundamentals"])
def test_asking_in_two_steps_brings_what_asking_at_once_brings(provider, whole, table):
    only_with(provider, table)
    key = list(SPECS[table].key)
    parts = [provider.fetch(after=None, through=MIDDLE), provider.fetch(after=MIDDLE, through=LAST)]

    joined = pd.concat([part.table(table) for part in parts]).drop_duplicates(key, keep="last")

    expected = whole.table(table).sort_values(key, ignore_index=True)
    pd.testing.assert_frame_equal(joined.sort_values(key, ignore_index=True), expected)


def test_levels_carry_on_from_the_one_before(provider, whole):
    """Adjusted levels may be rebased with every distribution; then the row before must come along to measure growth."""
    later = provider.fetch(after=MIDDLE, through=LAST).levels

    for name in whole.levels["name"].unique():
        one, all_of_it = (frame[frame["name"] == name] for frame in (later, whole.levels))
        same = one.merge(all_of_it, on="session")
        keeps_its_base = (same["adj_close_x"] == same["adj_close_y"]).all()
        assert keeps_its_base or one["session"].min() <= pd.Timestamp(MIDDLE), name


def test_asking_twice_brings_the_same(provider, whole):
    again = provider.fetch(after=None, through=LAST)

    for name in COLUMNS:
        pd.testing.assert_frame_equal(again.table(name), whole.table(name))


def test_the_example_of_the_docs_is_a_provider():
    page = Path(__file__).parents[2] / "docs" / "adding-a-provider.md"
    code = page.read_text().split("```python\n")[1].split("```")[0]
    names: dict[str, type] = {}
    exec(textwrap.dedent(code), names)  # noqa: S102 - our own page

    delivery = names["Example"]().fetch(after=None, through=LAST)

    assert len(conform(delivery, through=LAST, provider="example")["bars"]) == 1
