"""Open the broker that the settings name, for the fill session of one execution."""

from collections.abc import Callable
from datetime import date, datetime

from config.settings import Settings
from tasks.core.errors import ConfigError
from tasks.core.homes.home import Home
from tasks.data.lake.location import lake_of
from tasks.execution.brokers.base import Broker
from tasks.execution.brokers.paper.stored_market import StoredMarket

FILLS_FROM_BARS = frozenset({"paper"})  # fills are known once the lake has the session's bars


def open_broker(
    home: Home,
    settings: Settings,
    market: StoredMarket,
    *,
    fill_session: date,
    clock: Callable[[], datetime],
    is_ours: Callable[[str], bool],
) -> Broker:
    """Return the broker. Raises SafetyError if its account is lost, ConfigError if keys are missing."""
    name = settings.execution.broker
    if name == "alpaca":
        from tasks.execution.brokers.alpaca.broker import AlpacaBroker

        return AlpacaBroker(settings.approval.mode, is_ours=is_ours)
    if name == "paper":
        from tasks.execution.brokers.paper.broker import PaperBroker

        return PaperBroker(home, market, clock, fill_session=fill_session)
    raise ConfigError(
        f"The broker {name} is not built yet.", remedy="Set execution.broker to paper or alpaca."
    )


def stored_market(home: Home, settings: Settings) -> StoredMarket:
    """Return the market of the home's lake: prices of a paper account, and the facts that costs are estimated from."""
    return StoredMarket(lake_of(home, settings), settings)
