"""Kill a day's run, or make its disk fail, at the n-th write boundary. Run as a program, it forks one child per point.

A boundary is the moment before a file is opened for writing, renamed, removed, synced, or a folder made, and the
moments before and after a commit to the lake. The parent imports everything once and starts no thread, so that forks
are cheap and safe. Each line on stdin is JSON, [mode, home, point], and is answered by one line of JSON: how each child
ended. Modes: run (undisturbed), kill (SIGKILL at the point), full (from that point onward the disk is full), fsync
(from that point onward fsync fails), user (undisturbed, without root's right to write where the mode forbids it), twice
(two at once).
"""

import ctypes
import errno
import functools
import json
import os
import signal
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import deltalake

from tasks.core.errors import AftercloseError
from tasks.core.sessions import FIRST_DAY, sessions_between
from tests.builders import make_run
from tests.homes import LAST_SESSION, SESSION_BEFORE, SMALL_MARKET, run_day

LAKE_COMMITS = ("write_deltalake",)
TABLE_COMMITS = ("restore", "delete", "update", "create")
DEADLINE_S = 240  # a child that hangs dies by SIGALRM, and its test fails instead of waiting
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
CAP_DAC_OVERRIDE, CAPABILITY_VERSION_3 = 1, 0x20080522  # linux/capability.h


class Boundaries:
    """Count write boundaries below a home and act at the chosen one."""

    def __init__(self, home: Path, act: Callable[[int, str], None]) -> None:
        self.home = str(home)
        self.act = act
        self.count = 0

    def install(self) -> None:
        sys.addaudithook(self._audit)
        sync = os.fsync

        def fsync(descriptor: int) -> None:
            self.reach("fsync")
            sync(descriptor)

        os.fsync = fsync
        for name in LAKE_COMMITS:
            setattr(deltalake, name, self._around(getattr(deltalake, name)))
        for name in TABLE_COMMITS:
            setattr(deltalake.DeltaTable, name, self._around(getattr(deltalake.DeltaTable, name)))

    def reach(self, what: str) -> None:
        self.count += 1
        self.act(self.count, what)

    def _around(self, commit: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(commit)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            self.reach("lake")
            result = commit(*args, **kwargs)
            self.reach("lake")
            return result

        return wrapped

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        if (
            event == "open"
            and isinstance(args[0], (str, Path))
            and self._is_ours(args[0])
            and args[2] & WRITING
        ):
            self.reach("open")
        elif event == "ctypes.dlsym" and args[1] == "renameat2":
            self.reach("rename")
        elif event in {"os.rename", "os.mkdir"} and self._is_ours(args[0]):
            self.reach(event)
        elif event in {"os.remove", "os.rmdir"} and self._is_ours(args[0]):
            self.reach("remove")

    def _is_ours(self, path: str | Path) -> bool:
        return str(path).startswith(self.home)


def actor(mode: str, point: int) -> Callable[[int, str], None]:
    def kill(count: int, what: str) -> None:
        if count == point:
            os.kill(os.getpid(), signal.SIGKILL)

    def full(count: int, what: str) -> None:
        if count >= point and what != "remove":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fsync(count: int, what: str) -> None:
        if count >= point and what == "fsync":
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def run(count: int, what: str) -> None:
        """Disturb nothing."""

    return {"kill": kill, "full": full, "fsync": fsync, "run": run, "user": run, "twice": run}[mode]


def live_through(home: Path, work: Callable[[], object], act: Callable[[int, str], None]) -> dict[str, Any]:
    """Do the work on the home in a forked child, `act` at each boundary, and return how it ended."""
    return _ended(*_begun(home, work, act))


def _begun(home: Path, work: Callable[[], object], act: Callable[[int, str], None]) -> tuple[int, int]:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        signal.alarm(DEADLINE_S)
        boundaries = Boundaries(home, act)
        boundaries.install()
        try:
            result = work()
            outcome = {"ended": "done", "boundaries": boundaries.count, "result": result}
        except AftercloseError as error:
            outcome = {"ended": type(error).__name__, "message": str(error), "exit_code": error.exit_code}
        except BaseException as error:  # noqa: BLE001 - the answer must reach the parent whatever happened
            outcome = {"ended": "unexpected", "message": repr(error)}
        os.write(writer, json.dumps(outcome, default=str).encode())
        os._exit(0)
    os.close(writer)
    return child, reader


def _ended(child: int, reader: int) -> dict[str, Any]:
    with os.fdopen(reader) as answer:
        text = answer.read()
    _, status = os.waitpid(child, 0)
    return json.loads(text) if text else {"ended": "killed", "signal": os.WTERMSIG(status)}


def run_day_as_user(home: Path) -> None:
    """Run a day as a process of a user would who is not root; only for a process that ends with it."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)  # 0: this thread
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted and inheritable, twice 32 bits
    if libc.capget(header, sets):
        raise OSError(ctypes.get_errno(), "capget")
    sets[0] &= ~(1 << CAP_DAC_OVERRIDE)
    if libc.capset(header, sets):
        raise OSError(ctypes.get_errno(), "capset")
    run_day(home)


def warm_up() -> None:
    """Import and cache what every day needs, as far as no thread comes of it."""
    import cvxpy  # noqa: F401
    import exchange_calendars  # noqa: F401
    import lightgbm  # noqa: F401
    import matplotlib.figure  # noqa: F401
    import pyarrow.dataset
    import pyarrow.parquet  # noqa: F401
    import pypfopt  # noqa: F401

    from tasks.simulation import provider

    sessions_between(FIRST_DAY, LAST_SESSION)
    provider.simulate_history = cache(
        provider.simulate_history
    )  # pure, and every day asks for the same market
    market = {f"data.simulated.{name}": value for name, value in SMALL_MARKET["data"]["simulated"].items()}
    provider.make(make_run(Path(), LAST_SESSION, **market)).fetch(after=SESSION_BEFORE, through=LAST_SESSION)


def main() -> None:
    warm_up()
    for line in sys.stdin:
        mode, home, point = json.loads(line)
        work = partial(run_day_as_user if mode == "user" else run_day, Path(home))
        children = [_begun(Path(home), work, actor(mode, point)) for _ in range(2 if mode == "twice" else 1)]
        sys.stdout.write(json.dumps([_ended(*child) for child in children]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
