"""The session: its addresses, its deadlines, and the keys that never leave the headers."""

import gc
import logging
import traceback
from decimal import Decimal

import pytest
import requests

from tasks.core.errors import AftercloseError, ConfigError
from tasks.core.masking import mask_logs
from tasks.execution.brokers.alpaca.broker import AlpacaBroker
from tasks.execution.brokers.base import RefusedError, ThrottledError, UnansweredError
from tests.execution_alpaca import SHORT_S, broker_of, is_ours, make_account, make_order, trading_at
from tests.servers.alpaca import KEYS
from tests.servers.alpaca_trading import GATEWAY_TIMEOUT, LIMITS, after, before, edited
from tests.servers.base import instead, reset

SECRETS = tuple(KEYS.values())


@pytest.mark.parametrize(
    ("mode", "host"), [("paper", "https://paper-api.alpaca.markets"), ("live", "https://api.alpaca.markets")]
)
def test_the_mode_is_the_host(mode, host):
    wire = AlpacaBroker(mode, is_ours=is_ours)._wire

    assert wire._trading._base_url == host
    assert wire._data._base_url == "https://data.alpaca.markets"


def test_paper_is_the_default():
    assert AlpacaBroker(is_ours=is_ours)._wire._trading._base_url == "https://paper-api.alpaca.markets"


@pytest.mark.parametrize("url", ["https://example.com", "http://127.0.0.1.example.com", "http://10.0.0.1"])
def test_keys_go_to_no_other_host(url):
    for urls in ({"trading_url": url}, {"data_url": url}):
        with pytest.raises(ConfigError, match="not an address of this machine"):
            AlpacaBroker(is_ours=is_ours, **urls)


@pytest.mark.parametrize("name", KEYS)
def test_a_missing_key_is_named(monkeypatch, name):
    monkeypatch.delenv(name)

    with pytest.raises(ConfigError, match=name):
        AlpacaBroker(is_ours=is_ours)


def test_a_version_of_the_library_without_its_session_is_refused(monkeypatch):
    from alpaca.common.rest import RESTClient

    before_it = RESTClient.__init__

    def renamed(self, *arguments, **named):
        before_it(self, *arguments, **named)
        self._http = vars(self).pop("_session")

    monkeypatch.setattr(RESTClient, "__init__", renamed)

    with pytest.raises(ConfigError, match="version of alpaca-py"):
        AlpacaBroker(is_ours=is_ours)


@pytest.mark.parametrize("how", ["drip_body", "drip_head"])
def test_an_answer_that_drips_ends_at_the_deadline(server, broker, how):
    broker.now()
    server.script("POST", "/v2/orders", after(getattr(server, how)))

    with pytest.raises(UnansweredError, match="longer than"):
        broker_of(server, request_s=SHORT_S).submit(make_order())

    assert server.made == [make_order().order_id]


def test_a_broker_that_is_not_there_is_unanswered(server, broker):
    server.stop()

    with pytest.raises(UnansweredError, match="ConnectionError"):
        broker.positions()


def test_a_redirect_is_not_followed(server, broker):
    with trading_at(make_account()) as (other, _):
        server.script(
            "GET", "/v2/positions", before(instead("", 302, {"Location": f"{other.url}/v2/positions"}))
        )

        with pytest.raises(UnansweredError):
            broker.positions()

        assert other.journal == []


def test_the_rate_limit_of_the_data_is_one_too(server, broker):
    server.script("GET", "/v2/stocks", before(instead({"message": "too many requests."}, 429, LIMITS)))

    with pytest.raises(ThrottledError):
        broker.quotes(["AAA"])


def test_the_feed_is_left_to_the_plan(server, broker):
    broker.quotes(["AAA"])
    body = {"message": "subscription does not permit querying recent SIP data"}
    server.script("GET", "/v2/stocks", before(instead(body, 403)))

    with pytest.raises(UnansweredError, match="subscription does not permit"):
        broker.quotes(["AAA"])

    assert "feed" not in server.asked[0]


def test_a_day_trading_refusal_has_its_code(server, broker):
    body = {"code": 40310100, "message": "trade denied due to pattern day trading protection"}
    server.script("POST", "/v2/orders", before(instead(body, 403)))

    with pytest.raises(RefusedError, match="pattern day trading") as refused:
        broker.submit(make_order())

    assert refused.value.code == "40310100"


def test_the_library_alone_sends_again_and_may_place_a_second_order(server, broker):
    """What the session prevents: without an id, a 504 after acceptance leads to two orders."""
    from alpaca.trading.client import TradingClient

    client = TradingClient(*SECRETS, raw_data=True, url_override=server.url)
    client._retry_wait = 0
    server.script("POST", "/v2/orders", after(GATEWAY_TIMEOUT))
    fields = {"symbol": "AAA", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}

    client.post("/orders", fields)

    assert len(server.writes()) == len(server.made) == 2


def test_a_login_in_a_netrc_file_is_not_sent(server, broker, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    seen = []

    def look(_server, request, respond):
        seen.append(request.headers.get("Authorization"))
        return respond()

    server.script("GET", "/v2/clock", look)

    broker.now()

    assert seen == [None]


# ---- secrets


def echoing(row):
    return {**row, "status": f"held for {SECRETS[1]}", "reject_reason": SECRETS[0]}


FAILURES = {
    "401": before(instead({"message": f"unauthorized: {SECRETS}"}, 401)),
    "403": before(instead({"code": 40310000, "message": f"forbidden for {SECRETS}"}, 403)),
    "422": before(instead({"code": 42210000, "message": f"what is {SECRETS}?"}, 422)),
    "429": before(instead({"message": f"too many requests of {SECRETS}"}, 429)),
    "500": before(instead(f"<html>{SECRETS}</html>", 500)),
    "text": before(instead(f"<html>{SECRETS}</html>", 200)),
    "reset": before(reset),
    "fields": edited(lambda _: {name: {} for name in SECRETS}),
    "wrong": edited(lambda row: {**row, "filled_qty": SECRETS[1]}),
}


ANSWERS = {"fields", "wrong"}


@pytest.mark.parametrize("kind", FAILURES)
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_no_key_is_in_an_error_its_traceback_its_variables_or_a_log(server, broker, caplog, kind, method):
    mask_logs()
    caplog.set_level(logging.DEBUG)
    logging.getLogger("urllib3.connectionpool").setLevel(logging.DEBUG)
    order = make_order()
    broker.submit(order)
    calls = {
        "POST": lambda: broker.submit(make_order(row=1)),
        "GET": lambda: broker.order(order.order_id),
        "DELETE": lambda: broker.cancel(order.order_id),
    }
    server.script(method, "/v2/orders", FAILURES[kind])

    text = ""
    try:
        calls[method]()
    except AftercloseError as error:
        with_variables = kind not in ANSWERS  # which are among the variables
        seen = traceback.TracebackException.from_exception(error, capture_locals=with_variables)
        text = "".join(seen.format()) + f"{error!r} {error.__context__!r} {vars(error)}"
        logging.getLogger("afterclose").exception("it failed")

    logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)
    text += caplog.text
    assert not [secret for secret in SECRETS if secret in text]


def test_an_error_does_not_hold_the_request(server, broker):
    server.script("POST", "/v2/orders", after(reset))

    with pytest.raises(UnansweredError) as unanswered:
        broker.submit(make_order())

    assert unanswered.value.__context__ is None  # requests' error, whose headers have the keys


def test_no_key_is_in_what_a_broker_says_of_an_order(server, broker):
    broker.submit(make_order())
    server.script("GET", "/v2/orders:", edited(echoing))

    assert not [secret for secret in SECRETS if secret in repr(broker.order(make_order().order_id))]


def test_no_key_is_in_the_representation_of_anything_that_we_made(broker):
    broker.account()
    ours = [each for each in gc.get_objects() if str(type(each).__module__).startswith("tasks.execution")]

    assert ours
    assert not [each for each in ours for secret in SECRETS if secret in repr(each)]


def test_every_request_uses_our_session(broker, monkeypatch):
    def refuse(*_arguments, **_named):
        raise AssertionError("a session of the library was used")

    monkeypatch.setattr(requests.Session, "send", refuse)

    with pytest.raises(AssertionError):
        broker.now()


def test_amounts_are_never_floats(server, broker):
    broker.submit(make_order("CCC", shares=3, timing="limit", limit="0.8125"))

    (body,) = [asked.body for asked in server.writes()]
    assert not [value for value in body.values() if isinstance(value, float)]
    assert isinstance(broker.quotes(["CCC"])["CCC"].price, Decimal)
