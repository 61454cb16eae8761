"""Requests to Alpaca through alpaca-py: one session with deadlines that never sends a request a second time.

alpaca-py sends 429 and 504 again, POST included, with pauses that ignore Retry-After. Here it never sees an error: the
session raises its own for every answer but a success, so that one call is one request.
"""

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError, InvalidHeader
from urllib3.util import Retry

from tasks.core.clock import now
from tasks.core.errors import BrokerError, ConfigError
from tasks.core.masking import masked
from tasks.data.providers.http.deadline import Deadline, DeadlineAdapter
from tasks.data.providers.http.keys import read_keys
from tasks.execution.brokers.base import ThrottledError, UnansweredError, UnauthorizedError

if TYPE_CHECKING:
    from alpaca.common.rest import RESTClient

CONNECT_S = 5.0
REQUEST_S = 20.0  # for a whole request, from the connection to the last byte
RETRY_AFTER_S = 5.0  # where Alpaca names no pause; its limit is 200 requests per minute
LONGEST_PAUSE_S = 300.0
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

# its debug lines name every address; the header lines of http.client would contain the keys
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)


class ResponseError(Exception):
    """Alpaca answered with an error, in JSON and with a message. `code` is empty where it gave none."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status, self.code, self.message = status, code, message


class AlpacaWire:
    """Sends requests to one account and to the market data; returns their JSON.

    Raises UnansweredError, ThrottledError, UnauthorizedError, or ResponseError where Alpaca names its reason.
    """

    def __init__(
        self, *, is_paper: bool, trading_url: str | None, data_url: str | None, request_s: float = REQUEST_S
    ) -> None:
        from alpaca.data.historical.stock import StockHistoricalDataClient
        from alpaca.trading.client import TradingClient

        for url in (trading_url, data_url):
            _refuse_other_hosts(url)
        key, secret = read_keys("alpaca").values()
        session = _Session(request_s)
        self._trading = TradingClient(key, secret, paper=is_paper, raw_data=True, url_override=trading_url)
        self._data = StockHistoricalDataClient(key, secret, raw_data=True, url_override=data_url)
        for client in (self._trading, self._data):
            _use(client, session)

    def get(self, path: str, **parameters: str | int) -> Any:
        """Return the JSON of a path of the trading API."""
        return _sent(lambda: self._trading.get(path, parameters))

    def post(self, path: str, fields: Mapping[str, str]) -> Any:
        """Send once and return the JSON. alpaca-py's request models would turn numbers into floats."""
        return _sent(lambda: self._trading.post(path, dict(fields)))

    def delete(self, path: str) -> None:
        """Send once."""
        _sent(lambda: self._trading.delete(path))

    def get_data(self, path: str, **parameters: str) -> Any:
        """Return the JSON of a path of the data API."""
        return _sent(lambda: self._data.get(path, parameters))


def _sent(send: Callable[[], Any]) -> Any:
    """Send; an error loses its traceback through alpaca-py, whose variables hold the keys."""
    try:
        return send()
    except (BrokerError, ResponseError) as error:
        error.__context__ = None
        raise error.with_traceback(None) from None


class _Session(requests.Session):
    def __init__(self, request_s: float) -> None:
        super().__init__()
        self._request_s = request_s
        self.auth = _no_more  # or requests would add the login of a .netrc file
        for scheme in ("https://", "http://"):
            self.mount(scheme, DeadlineAdapter(max_retries=0))

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        # a redirect would send the keys to another address
        timeout = (min(CONNECT_S, self._request_s), self._request_s)
        options = {**kwargs, "timeout": timeout, "allow_redirects": False}
        what = f"{request.method} {urlsplit(request.url or '').path}"
        with Deadline(self._request_s) as deadline:
            try:
                response = super().send(request, **options)
            except (
                OSError,
                HTTPError,
            ) as error:  # requests' errors are OSErrors; their text contains the address
                why = self._too_long() if deadline.is_exceeded else type(error).__name__
                raise unanswered(what, why) from None
        if deadline.is_exceeded:
            raise unanswered(what, self._too_long())
        body = _json(response, what)
        if response.ok and not response.is_redirect:
            return response
        raise _error(what, response, body)

    def _too_long(self) -> str:
        return f"it took longer than {self._request_s:g} seconds"


def _no_more(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def unanswered(what: str, why: str) -> UnansweredError:
    """Return the error for an answer that cannot be used."""
    return UnansweredError(
        f"Alpaca gave no usable answer to {what} ({why}): whether the request was carried out is unknown.",
        remedy="Run the same command again: it first asks Alpaca what became of the request.",
        request=what,
    )


def _error(what: str, response: requests.Response, body: object) -> Exception:
    status = response.status_code
    said = body.get("message") if isinstance(body, dict) else None
    message = " ".join(masked(str(said or "")).split())[:300]  # masked before it is cut
    code = masked(str(body.get("code", ""))) if isinstance(body, dict) else ""
    if status == 429:
        pause = _retry_after_s(response)
        return ThrottledError(
            f"Alpaca accepts no more requests for now: {what} was not carried out.",
            remedy=f"Wait {pause:.0f} seconds and run the same command again.",
            retry_after_s=pause,
        )
    if status == 401 or (status == 403 and not code and message.startswith("forbidden")):
        return UnauthorizedError(
            f"Alpaca does not accept the credentials ({status} for {what}): nothing was carried out.",
            remedy="Check APCA_API_KEY_ID and APCA_API_SECRET_KEY; paper and live accounts have different keys.",
            status=status,
        )
    if 400 <= status < 500 and status != 408 and message:
        return ResponseError(status, code, message)
    return unanswered(what, f"status {status}")


def _json(response: requests.Response, what: str) -> object:
    """Return the JSON of the response, None if it has no body; an error's body may be anything."""
    if not response.content:
        return None
    try:
        return response.json()
    except (requests.JSONDecodeError, UnicodeDecodeError, RecursionError):
        if not response.ok:
            return None
    kind = response.headers.get("Content-Type", "no type")
    raise unanswered(what, f"a response that is not JSON ({kind})")


def _retry_after_s(response: requests.Response) -> float:
    """Return the pause that Alpaca demands: Retry-After, or until its rate limit resets."""
    pause = RETRY_AFTER_S
    with suppress(InvalidHeader, ValueError):
        if "Retry-After" in response.headers:
            pause = float(Retry().parse_retry_after(response.headers["Retry-After"]))
        elif "X-RateLimit-Reset" in response.headers:
            left = float(response.headers["X-RateLimit-Reset"]) - now().timestamp()
            pause = left if left > 0 else RETRY_AFTER_S
    return min(pause, LONGEST_PAUSE_S)


def _use(client: "RESTClient", session: requests.Session) -> None:
    """Give the client our session. It offers no other way; without it, requests could wait forever and be doubled."""
    if not isinstance(vars(client).get("_session"), requests.Session):
        raise ConfigError(
            "This version of alpaca-py keeps its HTTP session elsewhere, so deadlines cannot be set.",
            remedy="Install the version in requirements.lock.",
        )
    client._session = session  # noqa: SLF001


def _refuse_other_hosts(url: str | None) -> None:
    """Only tests use another address, on this machine: keys never go elsewhere."""
    if url is not None and urlsplit(url).hostname not in LOOPBACK:
        raise ConfigError(
            f"{url} is not an address of this machine.",
            remedy="Do not set a broker address: only tests use one, on this machine.",
            url=url,
        )
