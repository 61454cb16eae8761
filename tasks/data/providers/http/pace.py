"""Keep within a provider's limits, whichever processes ask, and ask again where that may help.

The limits hold because every request first takes a turn from one SQLite file that all processes of a home share.
"""

import sqlite3
import time
from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from config.data_section import Network, Pace
from tasks.core.clock import now
from tasks.core.errors import StorageError, TransientError

if TYPE_CHECKING:
    from pyrate_limiter import SQLiteBucket

T = TypeVar("T")

ATTEMPTS = 5
PATIENCE_S = 90.0  # who is asked to wait for longer gives up and says until when
LEAST_S = 0.01  # 0 means for ever to some libraries
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
SPANS_MS = {"second": 1_000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000}


class Turns:
    """Who asks a provider takes a turn before each request."""

    sleep = staticmethod(time.sleep)

    def __init__(
        self,
        file: Path,
        provider: str,
        pace: Pace,
        network: Network,
        *,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.provider = provider
        self.request_s = network.max_request_s
        self._refresh_s = network.max_refresh_s
        self._begun: datetime | None = None
        self._file = file
        self._limits = {span: limit for span, limit in pace.model_dump().items() if limit is not None}
        self._clock = clock

    def begin_refresh(self) -> None:
        """Begin to count the seconds that all requests of a refresh may take."""
        self._begun = self._clock()

    def seconds_left(self) -> float:
        """Return how much of the refresh's time is left."""
        spent = (self._clock() - self._begun).total_seconds() if self._begun else 0.0
        return self._refresh_s - spent

    def seconds_for_a_request(self) -> float:
        """Return how long a request that begins now may take."""
        return max(min(self.request_s, self.seconds_left()), LEAST_S)

    def take(self) -> None:
        """Return as soon as one more request is within all limits; raise when that is far off or too late."""
        if self.seconds_left() <= 0:
            raise TransientError(
                f"{self.provider} did not deliver everything within the {self._refresh_s:g} seconds of "
                "data.network.max_refresh_s.",
                remedy="Nothing was stored; run again later, raise the limit, or name a second provider in "
                "data.provider.",
                provider=self.provider,
            )
        while (wait_s := self._seconds_to_wait()) > 0:
            if wait_s > PATIENCE_S:
                limits = ", ".join(f"{limit} a {span}" for span, limit in self._limits.items())
                raise TransientError(
                    f"The requests that {self.provider} allows ({limits}) are used up for {wait_s / 60:.0f} minutes.",
                    remedy="Run again after that, or raise the limits of its section if your plan allows more.",
                    provider=self.provider,
                    retry_after_s=wait_s,
                )
            self.sleep(wait_s)

    def _seconds_to_wait(self) -> float:
        """Take a turn and return 0, or return how long there is none."""
        from pyrate_limiter import RateItem

        if not self._limits:
            return 0.0
        turn = RateItem("request", round(self._clock().timestamp() * 1000))
        try:
            self._bucket.leak(turn.timestamp)
            if self._bucket.put(turn):
                return 0.0
            wait_ms = cast("int", self._bucket.waiting(turn))  # a promise from asynchronous buckets only
            return max(wait_ms, 1) / 1000
        except (OSError, sqlite3.Error) as error:
            raise StorageError(
                f"{self._file} could not be used: {type(error).__name__}.",
                remedy="Make the home writable; a damaged file may be removed, it only counts requests.",
                path=str(self._file),
            ) from error

    @cached_property
    def _bucket(self) -> "SQLiteBucket":
        from pyrate_limiter import Rate, SQLiteBucket

        self._file.parent.mkdir(parents=True, exist_ok=True)
        rates = [Rate(limit, SPANS_MS[span]) for span, limit in self._limits.items()]
        return SQLiteBucket.init_from_file(rates, self.provider, str(self._file), use_file_lock=True)


def patiently(turns: Turns, ask: Callable[[], T]) -> T:
    """Ask in turn; after a TransientError again, each time after a longer pause, or as long a one as was asked for."""
    from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
    from tenacity.wait import wait_exponential_jitter

    backoff = wait_exponential_jitter(FIRST_PAUSE_S, LONGEST_PAUSE_S, jitter=FIRST_PAUSE_S)

    def asked_for(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        seconds = error.fields.get("retry_after_s") if isinstance(error, TransientError) else None
        return float(seconds) if isinstance(seconds, int | float) else 0.0

    def in_turn() -> T:
        turns.take()
        return ask()

    return Retrying(
        retry=retry_if_exception_type(TransientError),
        stop=lambda state: (
            stop_after_attempt(ATTEMPTS)(state)
            or asked_for(state) > PATIENCE_S
            or state.upcoming_sleep >= turns.seconds_left()
        ),
        wait=lambda state: max(asked_for(state), backoff(state)),
        sleep=turns.sleep,
        reraise=True,
    )(in_turn)
