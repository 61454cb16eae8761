"""Let signals end a running execution after the step in progress, or halt it: nothing is cut off in the middle.

SIGINT and SIGTERM end it; a second one ends the process at once, which costs nothing either: what is open is stored.
SIGUSR1 creates live/STOP, which trips the kill switch before the next order.
"""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

from tasks.core.homes.home import Home

SLICE_S = 0.2  # of a wait: Python continues a sleep after a signal


@dataclass
class Interruption:
    """What was asked for by signal."""

    home: Home
    by: str = ""  # the signal that asked to stop
    is_halted: bool = False

    def is_asked(self) -> bool:
        """Return whether the execution has to stop."""
        return bool(self.by)

    def sleep(self, seconds: float) -> None:
        """Wait, but no longer than until a signal asks to stop or to halt."""
        until, was_halted = time.monotonic() + seconds, self.is_halted
        while not self.by and self.is_halted == was_halted and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, SLICE_S))

    def stop(self, number: int, frame: FrameType | None) -> None:
        """Handle SIGINT or SIGTERM; the next one is not handled any more."""
        del frame
        self.by = signal.Signals(number).name
        for again in (signal.SIGINT, signal.SIGTERM):
            signal.signal(again, signal.default_int_handler)

    def halt(self, number: int, frame: FrameType | None) -> None:
        """Handle SIGUSR1: create the file that trips the kill switch. It takes no lock, which the step may hold."""
        del number, frame
        self.is_halted = True
        with suppress(OSError):  # a directory that cannot be written
            self.home.stop_file.touch()


@contextmanager
def interruptible(home: Home) -> Iterator[Interruption]:
    """Yield what signals ask for while the block runs; only the main thread gets signals."""
    interruption = Interruption(home)
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    handlers = {
        signal.SIGINT: interruption.stop,
        signal.SIGTERM: interruption.stop,
        signal.SIGUSR1: interruption.halt,
    }
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
