"""Make a day die, or its disk fail, at the n-th write boundary. Run as a program, it forks one child per point.

A boundary is the moment before a file is opened for writing, renamed, removed, synced, or a folder made, and the
moments before and after a commit to the lake. The parent imports everything once and starts no thread, so that forks
are cheap and safe. Each line on stdin is JSON, [mode, home, point], and is answered by one line of JSON. Modes: run
(undisturbed), kill (SIGKILL at the point), full (from the point on the disk is full), fsync (from it on fsync fails).
"""

import errno
import functools
import json
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import deltalake

from tasks.core.errors import AftercloseError
from tasks.core.sessions import FIRST_DAY, sessions_between
from tests.homes import LAST_SESSION, run_day

LAKE_COMMITS = ("write_deltalake",)
TABLE_COMMITS = ("restore", "delete", "update", "create")
DEADLINE_S = 240  # a child that hangs dies by SIGALRM, and its test fails instead of waiting
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


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

    return {"kill": kill, "full": full, "fsync": fsync, "run": run}[mode]


def live_through(home: Path, work: Callable[[], object], act: Callable[[int, str], None]) -> dict[str, Any]:
    """Do the work on the home in a forked child, `act` at each boundary, and return how it ended."""
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
    with os.fdopen(reader) as answer:
        text = answer.read()
    _, status = os.waitpid(child, 0)
    return json.loads(text) if text else {"ended": "killed", "signal": os.WTERMSIG(status)}


def warm_up() -> None:
    """Import and cache what every day needs, as far as no thread comes of it."""
    import cvxpy  # noqa: F401
    import exchange_calendars  # noqa: F401
    import lightgbm  # noqa: F401
    import matplotlib.figure  # noqa: F401
    import pypfopt  # noqa: F401

    import tasks.simulation.provider  # noqa: F401

    sessions_between(FIRST_DAY, LAST_SESSION)


def main() -> None:
    warm_up()
    for line in sys.stdin:
        mode, home, point = json.loads(line)
        outcome = live_through(Path(home), partial(run_day, Path(home)), actor(mode, point))
        sys.stdout.write(json.dumps(outcome) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
