"""The common part of the local providers: an address, a log of requests, and faults on demand."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Any, TypeVar

from werkzeug import Request, Response
from werkzeug.serving import WSGIRequestHandler, make_server

Trouble = Callable[[Request, Response], Response]  # gets the regular response


DRIP_S = 0.02


class Server:
    """A provider in this process. The n-th of `troubles` applies to the n-th request from now on."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[str] = []
        self.troubles: list[Trouble | None] = []
        self.always: Trouble | None = None
        self.closing = Event()
        self.stop: Callable[[], None] = self.closing.set

    def answer(self, request: Request) -> Response:
        """Respond like the provider, or with the next fault."""
        self.asked.append(request.full_path)
        wanted = self.respond(request)
        trouble = self.troubles.pop(0) if self.troubles else self.always
        return trouble(request, wanted) if trouble else wanted

    def respond(self, request: Request) -> Response:
        """Respond like the provider."""
        raise NotImplementedError

    def die(self, request: Request, wanted: Response) -> Response:
        """Go down in the middle of a response and stay down."""
        self.stop()
        return reset(request, wanted)

    def hang(self, _request: Request, wanted: Response) -> Response:
        """Do not respond until the test ends."""
        self.closing.wait(30)
        return wanted

    def drip_body(self, _request: Request, wanted: Response) -> Response:
        """Send the response byte by byte, each within any read time-out."""
        whole = wanted.get_data()
        return Response(self._dripping(whole), 200, {"Content-Length": str(len(whole))}, "application/json")

    def drip_head(self, request: Request, wanted: Response) -> Response:
        """Send a header that never ends, one byte at a time."""
        line: socket.socket = request.environ["werkzeug.socket"]
        with suppress(OSError):  # the client has closed the connection
            line.sendall(b"HTTP/1.0 200 OK\r\nX-Slow: ")
            for byte in self._dripping(b"x" * 10_000):
                line.sendall(byte)
        return reset(request, wanted)

    def _dripping(self, whole: bytes) -> Iterator[bytes]:
        for position in range(len(whole)):
            if self.closing.wait(DRIP_S):
                return
            yield whole[position : position + 1]


S = TypeVar("S", bound=Server)


class _Quiet(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        """Log nothing: tests read the log of requests."""


@contextmanager
def serving(server: S) -> Iterator[S]:
    """Run the server while the block runs."""
    http = make_server(
        "127.0.0.1", 0, Request.application(server.answer), threaded=True, request_handler=_Quiet
    )
    server.url = f"http://127.0.0.1:{http.server_port}"
    thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()

    def stop() -> None:
        server.closing.set()
        http.shutdown()
        http.server_close()

    server.stop = stop
    try:
        yield server
    finally:
        stop()


def as_json(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON response."""
    return Response(json.dumps(body), status, headers, mimetype="application/json")


def instead(body: object, status: int, headers: dict[str, str] | None = None) -> Trouble:
    """Respond with this instead: a string as HTML, anything else as JSON."""
    if isinstance(body, str):
        return lambda _request, _wanted: Response(body, status, headers, mimetype="text/html")
    return lambda _request, _wanted: as_json(body, status, headers)


def half_a_page(_request: Request, wanted: Response) -> Response:
    """Announce the full length and close the connection after half of it."""
    whole = wanted.get_data()
    return Response(whole[: len(whole) // 2], 200, {"Content-Length": str(len(whole))}, "application/json")


def cut_json(_request: Request, wanted: Response) -> Response:
    """Send half of the text as if it were complete."""
    whole = wanted.get_data()
    return Response(whole[: len(whole) // 2], 200, mimetype="application/json")


def page_again(_request: Request, wanted: Response) -> Response:
    """Name the same next page forever."""
    body = wanted.get_json()
    return as_json(body | {"next_page_token": "AGAIN"}) if "next_page_token" in body else wanted


def reset(request: Request, wanted: Response) -> Response:
    """Close the connection without a response."""
    line: socket.socket = request.environ["werkzeug.socket"]
    line.shutdown(socket.SHUT_RDWR)
    return wanted
