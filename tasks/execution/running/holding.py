"""Hold the portfolio's lock, and give it back while an execution waits: a person may enter a fill meanwhile.

The next step reads again what other processes did in between; another execution of the session takes over, and
this one finds that out before it stores or sends anything (FencedError).
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tasks.core.clock import stopwatch
from tasks.core.errors import TransientError
from tasks.core.homes.lock import exclusive

LONGEST_S = 60.0  # for which another process may hold the lock when the wait is over
POLL_S = 0.1


class Holding:
    """The lock of the file, while the block runs and nothing waits."""

    def __init__(self, path: Path, *, doing: str, longest_s: float = LONGEST_S) -> None:
        self.path, self.doing, self.longest_s = path, doing, longest_s
        self._held = ExitStack()

    def __enter__(self) -> Self:
        """Take the lock at once, or raise TransientError."""
        self._held.enter_context(exclusive(self.path, doing=self.doing))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the lock back."""
        self._held.close()

    def given_back(self, sleep: Callable[[float], None]) -> Callable[[float], None]:
        """Return a sleep during which the lock is free. It raises TransientError if the lock does not come back."""

        def wait(seconds: float) -> None:
            self._held.close()
            sleep(seconds)
            self._take_again()

        return wait

    def _take_again(self) -> None:
        until = stopwatch() + self.longest_s
        while True:
            try:
                self.__enter__()
            except TransientError:
                if stopwatch() >= until:
                    raise
                time.sleep(POLL_S)
            else:
                return
