"""Let a client of a broker die before and after each durable write and each request, without help from its code.

A point is the moment before and after each commit to a SQLite file below the home and each request to the broker, and
before each fsync, rename, removal, new folder and opening for writing below the home. At the chosen point the process
dies: by SIGKILL, or, faster, by an exception that no code may catch. From then on every further point raises as well
and every connection is closed without a commit, so that no cleanup code does what a killed process could not.
"""

import os
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
CHANGING = ("INSERT", "UPDATE", "DELETE", "REPLACE", "CREATE", "DROP", "ALTER")
# Neither holds state: a lock is free once its process is dead, and SQLite opens its own files unseen.
STATELESS = (".lock",)
REQUESTS = frozenset({"submit", "cancel"})  # a question changes nothing: the points around it are one

_connect = sqlite3.connect  # also within the life of another process
_listening: list["KillPoints"] = []  # an audit hook cannot be removed
_is_hooked = False


class KilledError(BaseException):
    """The process is dead. Not an Exception: no handler may treat it as a failure and go on."""


class KillPoints:
    """Count the points that a client passes, and let it die at the chosen one (from 1; 0: never).

    `act` is called at each point with its number and name, while the client waits.
    """

    def __init__(
        self,
        home: Path,
        die_at: int = 0,
        how: Literal["exception", "SIGKILL"] = "exception",
        act: Callable[[int, str], None] = lambda number, what: None,
    ) -> None:
        self.home, self.die_at, self.how, self.act = str(home), die_at, how, act
        self.passed: list[str] = []
        self.is_dead = False
        self.connections: list[sqlite3.Connection] = []

    def reach(self, what: str) -> None:
        self.stop_if_dead()
        self.passed.append(what)
        self.act(len(self.passed), what)
        if len(self.passed) == self.die_at:
            if self.how == "SIGKILL":
                os.kill(os.getpid(), signal.SIGKILL)
            self.is_dead = True
            self.stop_if_dead()

    def stop_if_dead(self) -> None:
        if self.is_dead:
            raise KilledError(self.passed[-1])

    def is_ours(self, path: object) -> bool:
        return (
            isinstance(path, str | bytes | os.PathLike)
            and os.fsdecode(path).startswith(self.home)
            and not os.fsdecode(path).endswith(STATELESS)
        )

    def heard(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and self.is_ours(args[0]) and isinstance(args[2], int) and args[2] & WRITING:
            self.reach(f"open {Path(os.fsdecode(args[0])).name}")
        elif event == "ctypes.dlsym" and args[1] == "renameat2":
            self.reach("rename of a folder")
        elif event in {"os.rename", "os.mkdir", "os.remove", "os.rmdir"} and self.is_ours(args[0]):
            self.reach(f"{event} {Path(os.fsdecode(args[0])).name}")


@contextmanager
def watching(points: KillPoints) -> Iterator[KillPoints]:
    """Count, and die, in the block; a death ends the block without an error."""
    global _is_hooked  # noqa: PLW0603
    if not _is_hooked:
        sys.addaudithook(_heard)
        _is_hooked = True
    sync = os.fsync

    def fsync(descriptor: int) -> None:
        points.reach("fsync")
        sync(descriptor)

    def connect_watched(database: Any, *args: Any, **kwargs: Any) -> sqlite3.Connection:
        name = str(database).removeprefix("file:")
        if not name.startswith(points.home):
            return _connect(database, *args, **kwargs)
        points.stop_if_dead()
        asked = kwargs.pop("factory", sqlite3.Connection)
        connection = _connect(database, *args, factory=_watched(asked), **kwargs)
        connection.points = points
        points.connections.append(connection)
        return connection

    _listening.append(points)
    try:
        with patch("os.fsync", fsync), patch("sqlite3.connect", connect_watched):
            yield points
    except KilledError:
        if not points.is_dead:
            raise
    finally:
        _listening.remove(points)
        for connection in points.connections:
            connection.close()  # without a commit, as the kernel does it
        points.connections.clear()


@cache
def _watched(connection: type[sqlite3.Connection]) -> type[sqlite3.Connection]:
    return type("Watched", (WatchedConnection, connection), {})


def _heard(event: str, args: tuple[Any, ...]) -> None:
    for points in _listening:
        points.heard(event, args)


class WatchedConnection(sqlite3.Connection):
    """A connection whose every way to commit is a point."""

    points: KillPoints

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.changed: list[str] = []

    def cursor(self, factory: Any = None) -> Any:
        return super().cursor(factory or WatchedCursor)

    def execute(self, sql: str, *args: Any) -> Any:
        return self.cursor().execute(sql, *args)

    def executemany(self, sql: str, *args: Any) -> Any:
        return self.cursor().executemany(sql, *args)

    def executescript(self, sql: str) -> Any:
        return self.cursor().executescript(sql)

    def commit(self) -> None:
        if self.in_transaction:
            self.around(super().commit)

    def __exit__(self, *raised: object) -> Any:
        self.points.stop_if_dead()
        if raised[0] is None and self.in_transaction:
            return self.around(lambda: super(WatchedConnection, self).__exit__(*raised))
        return super().__exit__(*raised)

    def watched(self, sql: str, act: Callable[[], Any]) -> Any:
        self.points.stop_if_dead()
        verb = sql.split(maxsplit=1)[0].upper()
        if verb in CHANGING:
            self.changed.append(" ".join(sql.split()[:3]))
        ends = verb in {"COMMIT", "END"} or (verb in CHANGING and not self.in_transaction)
        return self.around(act) if ends else act()

    def around(self, act: Callable[[], Any]) -> Any:
        what = ", ".join(dict.fromkeys(self.changed))
        self.changed.clear()
        if not what:
            return act()
        self.points.reach(f"before commit of {what}")
        result = act()
        self.points.reach(f"after commit of {what}")
        return result


class WatchedCursor(sqlite3.Cursor):
    """A cursor of such a connection."""

    def execute(self, sql: str, *args: Any) -> Any:
        return self.of().watched(sql, lambda: super(WatchedCursor, self).execute(sql, *args))

    def executemany(self, sql: str, *args: Any) -> Any:
        return self.of().watched(sql, lambda: super(WatchedCursor, self).executemany(sql, *args))

    def executescript(self, sql: str) -> Any:
        return self.of().watched("CREATE script", lambda: super(WatchedCursor, self).executescript(sql))

    def of(self) -> WatchedConnection:
        assert isinstance(self.connection, WatchedConnection)
        return self.connection


class WatchedBroker:
    """A broker whose every request is two points: before it leaves, and after it was carried out."""

    def __init__(self, broker: Any, points: KillPoints) -> None:
        self.broker, self.points = broker, points

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.broker, name)
        if name not in REQUESTS:
            return found

        def call(*args: Any) -> Any:
            self.points.reach(f"before {name}")
            try:
                return found(*args)
            finally:
                self.points.reach(f"after {name}")

        return call
