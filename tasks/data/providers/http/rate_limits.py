"""Limit the rate of requests to a provider across processes, and retry transient failures.

All processes of a home share one SQLite file, in which every request is counted before it is sent.
"""

import sqlite3
import time
from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from config.data_section import Network, RateLimit
from tasks.core.clock import now
from tasks.core.errors import StorageError, TransientError
from tasks.core.text import counted

if TYPE_CHECKING:
    from pyrate_limiter import SQLiteBucket

T = TypeVar("T")

ATTEMPTS = 5
MAX_WAIT_S = 90.0  # longer waits are refused, with the time to retry
MIN_TIMEOUT_S = 0.01  # 0 means no timeout to some libraries
FIRST_PAUSE_S, MAX_PAUSE_S = 1.0, 30.0
SPANS_MS = {"second": 1_000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000}


class RateLimiter:
    """Rate limits and time budget of one provider; `acquire` before each request."""

    sleep = staticmethod(time.sleep)

    def __init__(
        self,
        file: Path,
        provider: str,
        rate_limit: RateLimit,
        network: Network,
        *,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.provider = provider
        self.request_s = network.max_request_s
        self._refresh_s = network.max_refresh_s
        self._begun: datetime | None = None
        self._file = file
        self._limits = {span: limit for span, limit in rate_limit.model_dump().items() if limit is not None}
        self._clock = clock

    def begin_refresh(self) -> None:
        """Start the time budget of a refresh."""
        self._begun = self._clock()

    def seconds_left(self) -> float:
        """Return the remaining time budget of the refresh."""
        spent = (self._clock() - self._begun).total_seconds() if self._begun else 0.0
        return self._refresh_s - spent

    def request_timeout_s(self) -> float:
        """Return the timeout of a request that begins now."""
        return max(min(self.request_s, self.seconds_left()), MIN_TIMEOUT_S)

    def acquire(self) -> None:
        """Block until one more request is within all limits; raise TransientError if the wait is too long."""
        if self.seconds_left() <= 0:
            raise TransientError(
                f"{self.provider} did not deliver everything within the {self._refresh_s:g} seconds of "
                "data.network.max_refresh_s.",
                remedy="Nothing was stored; run again later, raise the limit, or add a second provider to "
                "data.provider.",
                provider=self.provider,
            )
        while (wait_s := self._seconds_to_wait()) > 0:
            if wait_s > MAX_WAIT_S:
                minutes = counted(round(wait_s / 60), "minute")
                limits = ", ".join(f"{limit} per {span}" for span, limit in self._limits.items())
                raise TransientError(
                    f"The request limit of {self.provider} ({limits}) is exhausted; "
                    f"the next request is possible in {minutes}.",
                    remedy="Run again then, or raise the limits in its settings if your plan allows more.",
                    provider=self.provider,
                    retry_after_s=wait_s,
                )
            self.sleep(wait_s)

    def _seconds_to_wait(self) -> float:
        """Count a request and return 0, or return how long to wait."""
        from pyrate_limiter import RateItem

        if not self._limits:
            return 0.0
        item = RateItem("request", round(self._clock().timestamp() * 1000))
        try:
            self._bucket.leak(item.timestamp)
            if self._bucket.put(item):
                return 0.0
            wait_ms = cast("int", self._bucket.waiting(item))  # awaitable for asynchronous buckets only
            return max(wait_ms, 1) / 1000
        except (OSError, sqlite3.Error) as error:
            raise StorageError(
                f"{self._file} could not be used: {type(error).__name__}.",
                remedy="Make the home writable; a damaged file may be deleted: it only counts requests.",
                path=str(self._file),
            ) from error

    @cached_property
    def _bucket(self) -> "SQLiteBucket":
        from pyrate_limiter import Rate, SQLiteBucket

        self._file.parent.mkdir(parents=True, exist_ok=True)
        rates = [Rate(limit, SPANS_MS[span]) for span, limit in self._limits.items()]
        return SQLiteBucket.init_from_file(rates, self.provider, str(self._file), use_file_lock=True)


def with_retries(limiter: RateLimiter, ask: Callable[[], T]) -> T:
    """Call `ask` within the limits; retry a TransientError after exponential pauses, or the pause that it demands."""
    from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
    from tenacity.wait import wait_exponential_jitter

    backoff = wait_exponential_jitter(FIRST_PAUSE_S, MAX_PAUSE_S, jitter=FIRST_PAUSE_S)

    def demanded_pause_s(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        seconds = error.fields.get("retry_after_s") if isinstance(error, TransientError) else None
        return float(seconds) if isinstance(seconds, int | float) else 0.0

    def limited() -> T:
        limiter.acquire()
        return ask()

    return Retrying(
        retry=retry_if_exception_type(TransientError),
        stop=lambda state: (
            stop_after_attempt(ATTEMPTS)(state)
            or demanded_pause_s(state) > MAX_WAIT_S
            or state.upcoming_sleep >= limiter.seconds_left()
        ),
        wait=lambda state: max(demanded_pause_s(state), backoff(state)),
        sleep=limiter.sleep,
        reraise=True,
    )(limited)
