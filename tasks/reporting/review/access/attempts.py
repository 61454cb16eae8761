"""Limit guesses of a password or passphrase: a few are free, then each failure doubles the wait."""

from collections.abc import Callable
from math import ceil
from threading import Lock

from tasks.core.errors import SafetyError

FREE = 5
FIRST_WAIT_S, LONGEST_WAIT_S = 30.0, 900.0


class Attempts:
    """Counts attempts since the last success. An attempt counts when it begins, so that parallel ones gain nothing."""

    def __init__(self, what: str, clock: Callable[[], float]) -> None:
        self._what, self._clock = what, clock
        self._lock = Lock()
        self._count = 0
        self._free_at = 0.0

    def begin(self) -> None:
        """Count an attempt. Raises SafetyError while the wait of earlier failures lasts."""
        with self._lock:
            left = self._free_at - self._clock()
            if left > 0:
                raise SafetyError(
                    f"Too many wrong {self._what}s.", remedy=f"Wait {ceil(left)} seconds, then try again."
                )
            self._count += 1
            if self._count >= FREE:
                wait = FIRST_WAIT_S * 2.0 ** min(self._count - FREE, 10)
                self._free_at = self._clock() + min(wait, LONGEST_WAIT_S)

    def succeeded(self) -> None:
        """Forget the failures."""
        with self._lock:
            self._count, self._free_at = 0, 0.0
