"""A rate-limited, retrying HTTP session with deadlines; its errors name the remedy and contain no key.

Every response that it returns is complete and is JSON; anything else was retried or raised.
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
from tasks.core.masking import masked
from tasks.data.providers.http.deadline import Deadline, DeadlineAdapter
from tasks.data.providers.http.rate_limits import RateLimiter, with_retries

TIMEOUT_S = (10.0, 30.0)  # to connect; between bytes
THIS_PAGE, NEXT_PAGE = "page_token", "next_page_token"
MAX_TOKEN_LENGTH = 40

# its debug lines contain whole URLs, and some providers require the key there
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)


class ProviderSession(requests.Session):
    """Sends requests to one provider."""

    def __init__(self, limiter: RateLimiter, keys: Mapping[str, str]) -> None:
        super().__init__()
        self._limiter = limiter
        self._keys = keys
        self._pages: dict[str, set[str]] = {}  # page tokens seen, by query
        for scheme in ("https://", "http://"):
            self.mount(scheme, DeadlineAdapter())

    def begin_refresh(self) -> None:
        """Start the time budget of a refresh."""
        self._limiter.begin_refresh()

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        # a redirect would send the key to another address
        options = {**kwargs, "timeout": TIMEOUT_S, "allow_redirects": False}
        return with_retries(self._limiter, lambda: self._send_once(request, options))

    def _send_once(self, request: requests.PreparedRequest, options: dict[str, Any]) -> requests.Response:
        path = urlsplit(request.url or "").path
        with Deadline(self._limiter.request_timeout_s()) as deadline:
            try:
                response = super().send(request, **options)
            except requests.RequestException as error:  # its message contains the whole URL
                why = self._too_long() if deadline.is_exceeded else type(error).__name__
                raise self._incomplete(path, why) from None
        if deadline.is_exceeded:
            raise self._incomplete(path, self._too_long())
        if not response.ok or response.is_redirect:
            raise self._refused(path, response)
        try:
            answer = response.json()
        except (requests.JSONDecodeError, RecursionError):
            kind = response.headers.get("Content-Type", "no type")
            raise self._incomplete(path, f"a response that is not JSON ({kind})") from None
        if isinstance(answer, dict):
            self._refuse_repeated_page(request.url or "", answer.get(NEXT_PAGE))
        return response

    def _too_long(self) -> str:
        return f"it took longer than the {self._limiter.request_s:g} seconds of data.network.max_request_s"

    def _refuse_repeated_page(self, url: str, token: object) -> None:
        """Raise DataError where the next page was already returned: paging would never end."""
        parts = urlsplit(url)
        parameters = parse_qsl(parts.query)
        query = f"{parts.path}?{urlencode([pair for pair in parameters if pair[0] != THIS_PAGE])}"
        pages = self._pages.get(query, set()) if THIS_PAGE in dict(parameters) else set()
        if token is not None and token in pages:
            raise DataError(
                f"{self._limiter.provider} named page {self._masked(str(token))[:MAX_TOKEN_LENGTH]!r} of "
                f"{self._masked(parts.path)} as the next page twice, so paging would never end.",
                remedy="Nothing was stored; run again later, or add a second provider to data.provider.",
                provider=self._limiter.provider,
            )
        self._pages[query] = {*pages, str(token)} if token is not None else set()

    def _incomplete(self, path: str, why: str) -> TransientError:
        provider = self._limiter.provider
        return TransientError(
            f"{provider} did not return a complete response to {self._masked(path)}: {self._masked(why)}.",
            remedy="Nothing was stored; run again in a moment, or add a second provider to data.provider.",
            provider=provider,
        )

    def _refused(self, path: str, response: requests.Response) -> AftercloseError:
        provider, status = self._limiter.provider, response.status_code
        what = f"{provider} returned {status} for {self._masked(path)}{self._message(response)}."
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
                remedy="Nothing was stored; run again in a moment, or add a second provider to data.provider.",
                provider=provider,
                status=status,
                retry_after_s=_retry_after_s(response),
            )
        return DataError(
            what,
            remedy="Nothing was stored; see docs/providers.md for the supported requests.",
            provider=provider,
            status=status,
        )

    def _message(self, response: requests.Response) -> str:
        """Return the provider's error message in parentheses, if the response has one."""
        try:
            body = response.json()
        except requests.JSONDecodeError:
            return ""
        messages = (
            [body[name] for name in ("message", "detail", "error_message") if name in body] if body else []
        )
        return f" ({' '.join(self._masked(str(messages[0])).split())[:200]})" if messages else ""

    def _masked(self, text: str) -> str:
        for value in self._keys.values():
            text = text.replace(value, "***")
        return text


@contextmanager
def parsing(provider: str) -> Iterator[None]:
    """Raise DataError naming the provider where parsing its JSON fails."""
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
        said = masked(str(error))[:100]  # masked before it is cut: part of a key would not be recognized
        raise DataError(
            f"{provider} returned data of an unexpected shape ({type(error).__name__}: {said}).",
            remedy="Nothing was stored; check for a newer release, or add a second provider to data.provider.",
            provider=provider,
        ) from error


def _retry_after_s(response: requests.Response) -> float:
    """Return the pause that the provider demands: Retry-After, or until its rate limit resets; else 0."""
    try:
        if "Retry-After" in response.headers:
            return float(Retry().parse_retry_after(response.headers["Retry-After"]))
        if response.status_code == 429 and "X-RateLimit-Reset" in response.headers:
            return max(float(response.headers["X-RateLimit-Reset"]) - now().timestamp(), 0.0)
    except (InvalidHeader, ValueError):
        pass
    return 0.0
