"""Open the broker that the settings name, for the fill session of one execution."""

from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime
from decimal import Decimal

from config.settings import Settings
from tasks.core.homes.home import Home
from tasks.core.sessions import session_on
from tasks.data.lake.storage.location import lake_of
from tasks.execution.brokers.base import Activity, Broker, Quote
from tasks.execution.brokers.manual.store import Signed
from tasks.execution.brokers.paper.market import Market
from tasks.execution.brokers.paper.stored_market import StoredMarket

FILLS_FROM_BARS = frozenset({"paper"})  # fills are known once the lake has the session's bars


def begin_account(
    home: Home,
    settings: Settings,
    held: Mapping[str, Decimal],
    cash_cents: int,
    *,
    session: date,
    at: datetime,
) -> None:
    """Begin the account of a broker that is kept in the home with what is held after the session, once."""
    name = settings.execution.broker
    if name == "paper":
        from tasks.execution.brokers.paper.account import begin_paper_account

        begin_paper_account(home, held, cash_cents, session=session, name=settings.approval.account)
    elif name == "manual":
        from tasks.execution.brokers.manual.broker import begin_manual_account

        begin_manual_account(home, held, cash_cents, session=session, at=at)


def post_flow(home: Home, settings: Settings, flow: Activity, at: datetime) -> bool:
    """Enter a deposit or withdrawal in the account that the home keeps for its broker, once; False if it keeps none.

    Raises BrokerError if the account has less cash than is withdrawn, or began after the flow's session.
    """
    name = settings.execution.broker
    if name == "paper":
        from tasks.execution.brokers.paper.account import has_paper_account
        from tasks.execution.brokers.paper.broker import PaperBroker

        if not has_paper_account(home):
            return False
        paper = PaperBroker(home, stored_market(home, settings), lambda: at)
        if all(known.activity_id != flow.activity_id for known in paper.activities(flow.session)):
            paper.post(flow)
        return True
    if name == "manual":
        from tasks.execution.brokers.manual.broker import post_to_manual_account

        return post_to_manual_account(home, flow)
    return False


def declare_statement(
    home: Home,
    settings: Settings,
    held: Mapping[str, Decimal],
    cash_cents: int,
    *,
    session: date,
    signed: Signed,
) -> bool:
    """Enter in the account of broker manual what a person declares to hold; False if the home keeps no such account.

    No other broker's account is what a person declares.
    """
    if settings.execution.broker != "manual":
        return False
    from tasks.execution.brokers.manual.broker import declare_manual_account

    return declare_manual_account(home, held, cash_cents, session=session, signed=signed)


def open_broker(
    home: Home,
    settings: Settings,
    market: StoredMarket,
    *,
    fill_session: date,
    clock: Callable[[], datetime],
    is_ours: Callable[[str], bool],
) -> Broker:
    """Return the broker. Raises SafetyError if its account is lost or not declared, ConfigError if keys are missing."""
    name = settings.execution.broker
    if name == "alpaca":
        from tasks.execution.brokers.alpaca.broker import AlpacaBroker

        return AlpacaBroker(settings.approval.mode, is_ours=is_ours)
    if name == "paper":
        from tasks.execution.brokers.paper.broker import PaperBroker

        return PaperBroker(home, market, clock, fill_session=fill_session)
    from tasks.execution.brokers.manual.broker import ManualBroker

    return ManualBroker(
        home,
        lambda symbols: last_closes(market, symbols),
        clock,
        account=settings.approval.account,
        mode=settings.approval.mode,
    )


def last_closes(market: Market, symbols: Collection[str]) -> dict[str, Quote]:
    """Return the closes of the last stored session: all that is known of prices where no broker quotes them."""
    session = market.last_session()
    closes_at = None if session is None else session_on(session).closes_at
    if session is None or closes_at is None:
        return {}
    bars = {symbol: market.bar(session, symbol) for symbol in symbols}
    return {
        symbol: Quote(symbol, Decimal(bar.close_cents) / 100, closes_at)
        for symbol, bar in bars.items()
        if bar is not None and bar.close_cents > 0
    }


def stored_market(home: Home, settings: Settings) -> StoredMarket:
    """Return the market of the home's lake: prices of a paper account, and the facts that costs are estimated from."""
    return StoredMarket(lake_of(home, settings), settings)
