"""Cut a request off that lasts too long, however busily its answer drips.

The time-outs of `requests` hold for one read from the line: a byte every ten seconds would keep it waiting for ever.
Here a watch shuts the line itself, so that the reader wakes up and finds it closed.
"""

import socket
from contextlib import suppress
from threading import Event, Thread, local
from types import TracebackType
from typing import Any, Self

from requests.adapters import HTTPAdapter
from urllib3 import PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

AGAIN_S = 1.0  # a line that was not open yet, or was taken over by encryption, is shut on the next try

_here = local()  # the watch of the request that this thread has under way


class Watch:
    """Shuts the line of the request in the block once its seconds are over; `is_cut` tells whether it did."""

    def __init__(self, seconds: float) -> None:
        self.is_cut = False
        self.line: socket.socket | None = None
        self._seconds = max(seconds, 0.0)
        self._is_done = Event()
        self._thread = Thread(target=self._wait, name="request-deadline", daemon=True)

    def __enter__(self) -> Self:
        _here.watch = self
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_done.set()
        _here.watch = None
        self._thread.join()

    def _wait(self) -> None:
        pause = self._seconds
        while not self._is_done.wait(pause):
            self.is_cut = True
            if self.line is not None:
                with suppress(OSError):  # closed already
                    # not SSLSocket's own, which takes the encryption from under the reader
                    socket.socket.shutdown(self.line, socket.SHUT_RDWR)
            pause = AGAIN_S


class WatchedAdapter(HTTPAdapter):
    """Lets the watch of the thread know on which line its request goes."""

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named)
        _watch_lines_of(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **named: Any) -> PoolManager:
        manager: PoolManager = super().proxy_manager_for(proxy, **named)
        if not proxy.lower().startswith("socks"):  # whose lines are of a kind of their own
            _watch_lines_of(manager)
        return manager


class _Line(HTTPConnection):
    def request(self, *arguments: Any, **named: Any) -> None:
        super().request(*arguments, **named)
        _tell(self)


class _SecureLine(HTTPSConnection):
    def request(self, *arguments: Any, **named: Any) -> None:
        super().request(*arguments, **named)
        _tell(self)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Line


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureLine


def _watch_lines_of(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}


def _tell(connection: HTTPConnection) -> None:
    watch: Watch | None = getattr(_here, "watch", None)
    if watch is not None:
        watch.line = connection.sock
