"""A session of `requests` with manners: turns, deadlines, retries, and errors that say what to do and hold no key.

Every answer that leaves it is whole and is JSON; anything else was asked for again or became a named error.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

from tasks.core.clock import now
from tasks.core.errors import AftercloseError, ConfigError, DataError, TransientError
from tasks.core.secrets import masked
from tasks.data.providers.http.deadline import Watch, WatchedAdapter
from tasks.data.providers.http.pace import Turns, patiently

TIMEOUT_S = (10.0, 30.0)  # to connect; without a byte
THIS_PAGE, NEXT_PAGE = "page_token", "next_page_token"
LONGEST_TOKEN = 40

# its debug lines quote whole addresses, and some providers want the key in there
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)


class PoliteSession(requests.Session):
    """Sends requests to one provider."""

    def __init__(self, turns: Turns, keys: Mapping[str, str]) -> None:
        super().__init__()
        self._turns = turns
        self._keys = keys
        self._pages: dict[str, set[str]] = {}  # tokens of the pages seen of each question that is under way
        for scheme in ("https://", "http://"):
            self.mount(scheme, WatchedAdapter())

    def begin_refresh(self) -> None:
        """Begin to count the seconds that all requests of a refresh may take."""
        self._turns.begin_refresh()

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        # a redirect would carry the key to wherever it points
        how = {**kwargs, "timeout": TIMEOUT_S, "allow_redirects": False}
        return patiently(self._turns, lambda: self._send_once(request, how))

    def _send_once(self, request: requests.PreparedRequest, how: dict[str, Any]) -> requests.Response:
        path = urlsplit(request.url or "").path
        with Watch(self._turns.seconds_for_a_request()) as watch:
            try:
                response = super().send(request, **how)
            except requests.RequestException as error:  # its text quotes the whole address
                why = self._too_long() if watch.is_cut else type(error).__name__
                raise self._unreached(path, why) from None
        if watch.is_cut:
            raise self._unreached(path, self._too_long())
        if not response.ok or response.is_redirect:
            raise self._refused(path, response)
        try:
            answer = response.json()
        except (requests.JSONDecodeError, RecursionError):
            kind = response.headers.get("Content-Type", "no type")
            raise self._unreached(path, f"an answer that is no JSON ({kind})") from None
        if isinstance(answer, dict):
            self._refuse_page_again(request.url or "", answer.get(NEXT_PAGE))
        return response

    def _too_long(self) -> str:
        return f"it was not over after the {self._turns.request_s:g} seconds of data.network.max_request_s"

    def _refuse_page_again(self, url: str, token: object) -> None:
        """Raise where the next page is one that was there already: the pages would never end."""
        parts = urlsplit(url)
        asked = parse_qsl(parts.query)
        question = f"{parts.path}?{urlencode([pair for pair in asked if pair[0] != THIS_PAGE])}"
        pages = self._pages.get(question, set()) if THIS_PAGE in dict(asked) else set()
        if token is not None and token in pages:
            raise DataError(
                f"{self._turns.provider} named page {self._masked(str(token))[:LONGEST_TOKEN]!r} of "
                f"{self._masked(parts.path)} as the next one again: its pages do not end.",
                remedy="Nothing was stored; run again later, or name a second provider in data.provider.",
                provider=self._turns.provider,
            )
        self._pages[question] = {*pages, str(token)} if token is not None else set()

    def _unreached(self, path: str, why: str) -> TransientError:
        provider = self._turns.provider
        return TransientError(
            f"{provider} gave no whole answer to {self._masked(path)}: {self._masked(why)}.",
            remedy="Nothing was stored; run again in a moment, or name a second provider in data.provider.",
            provider=provider,
        )

    def _refused(self, path: str, response: requests.Response) -> AftercloseError:
        provider, status = self._turns.provider, response.status_code
        what = f"{provider} answered {status} to {self._masked(path)}{self._told(response)}."
        if status in {401, 403}:
            names = " and ".join(self._keys) or "the identity"
            return ConfigError(
                what,
                remedy=f"Check {names} in the environment, and what your plan allows (docs/providers.md).",
                provider=provider,
                status=status,
            )
        if status == 429 or status >= 500:
            return TransientError(
                what,
                remedy="Nothing was stored; run again in a moment, or name a second provider in data.provider.",
                provider=provider,
                status=status,
                retry_after_s=_retry_after_s(response),
            )
        return DataError(
            what,
            remedy="Nothing was stored; see docs/providers.md for what may be asked.",
            provider=provider,
            status=status,
        )

    def _told(self, response: requests.Response) -> str:
        """Return the provider's own words, where it sends some that a person can read."""
        try:
            body = response.json()
        except requests.JSONDecodeError:
            return ""
        words = (
            [body[name] for name in ("message", "detail", "error_message") if name in body] if body else []
        )
        return f" ({' '.join(self._masked(str(words[0])).split())[:200]})" if words else ""

    def _masked(self, text: str) -> str:
        for value in self._keys.values():
            text = text.replace(value, "***")
        return text


@contextmanager
def understanding(provider: str) -> Iterator[None]:
    """Name the provider whose answer, whole and in JSON, is not shaped as agreed."""
    try:
        yield
    except (
        ArithmeticError,
        AttributeError,
        IndexError,
        KeyError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        said = masked(str(error))[:100]  # masked first: a key that is cut is no longer known as one
        raise DataError(
            f"{provider} answered in another shape than it used to ({type(error).__name__}: {said}).",
            remedy="Nothing was stored; look for a newer release, or name a second provider in data.provider.",
            provider=provider,
        ) from error


def _retry_after_s(response: requests.Response) -> float:
    """Return how long the provider wants to be left alone: Retry-After, or until its count begins anew; else 0."""
    try:
        if "Retry-After" in response.headers:
            return float(Retry().parse_retry_after(response.headers["Retry-After"]))
        if response.status_code == 429 and "X-RateLimit-Reset" in response.headers:
            return max(float(response.headers["X-RateLimit-Reset"]) - now().timestamp(), 0.0)
    except (InvalidHeader, ValueError):
        pass
    return 0.0
