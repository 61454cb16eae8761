"""Enforce a deadline on a whole request, even if the response keeps arriving slowly.

The timeouts of `requests` apply to single reads: a byte every ten seconds would keep a request open forever. Here a
thread shuts down the socket at the deadline, which unblocks the reader.
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

RETRY_S = 1.0  # a socket that was not open yet, or was being wrapped in TLS, is shut down on the next try

_current = local()  # the deadline of the request that this thread is sending


class Deadline:
    """Shuts down the socket of the request in the block after `seconds`; `is_exceeded` tells whether it did."""

    def __init__(self, seconds: float) -> None:
        self.is_exceeded = False
        self.socket: socket.socket | None = None
        self._seconds = max(seconds, 0.0)
        self._is_done = Event()
        self._thread = Thread(target=self._wait, name="request-deadline", daemon=True)

    def __enter__(self) -> Self:
        _current.deadline = self
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_done.set()
        _current.deadline = None
        self._thread.join()

    def _wait(self) -> None:
        pause = self._seconds
        while not self._is_done.wait(pause):
            self.is_exceeded = True
            if self.socket is not None:
                with suppress(OSError):  # closed already
                    # not SSLSocket.shutdown, which removes the TLS layer while the reader uses it
                    socket.socket.shutdown(self.socket, socket.SHUT_RDWR)
            pause = RETRY_S


class DeadlineAdapter(HTTPAdapter):
    """Registers the socket of each request with the deadline of its thread."""

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named)
        _track_sockets(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **named: Any) -> PoolManager:
        manager: PoolManager = super().proxy_manager_for(proxy, **named)
        if not proxy.lower().startswith("socks"):  # has its own connection classes
            _track_sockets(manager)
        return manager


class _Connection(HTTPConnection):
    def request(self, *arguments: Any, **named: Any) -> None:
        super().request(*arguments, **named)
        _register_socket(self)


class _SecureConnection(HTTPSConnection):
    def request(self, *arguments: Any, **named: Any) -> None:
        super().request(*arguments, **named)
        _register_socket(self)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


def _track_sockets(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}


def _register_socket(connection: HTTPConnection) -> None:
    deadline: Deadline | None = getattr(_current, "deadline", None)
    if deadline is not None:
        deadline.socket = connection.sock
