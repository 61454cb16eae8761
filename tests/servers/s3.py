"""An S3-compatible object store in its own process: `python -m tests.servers.s3` prints its port and serves.

It cannot live in the process of a test: some calls of the tables' library wait for an answer without letting other
threads go on. Requests are answered one at a time, so that a write on condition is one step, as stores promise.
"""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock, Thread
from typing import Any

import requests
from werkzeug import Request, Response
from werkzeug.serving import WSGIRequestHandler, make_server

BUCKET = "lakes"
KEYS = {
    "AWS_ACCESS_KEY_ID": "planted-key-id",
    "AWS_SECRET_ACCESS_KEY": "planted-secret-key",
    "AWS_SESSION_TOKEN": "planted-session-token",
}
REFUSE, BELIEVE = "/-/refuse", "/-/believe"


@dataclass(frozen=True)
class ObjectStore:
    """The address of the store."""

    url: str

    @property
    def environ(self) -> dict[str, str]:
        """Return the environment variables that a command needs to use the store."""
        return {
            **KEYS,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "NO_PROXY": "127.0.0.1",
        }

    def new_lake(self) -> str:
        """Return an unused prefix."""
        return f"s3://{BUCKET}/tests/{uuid.uuid4().hex}"

    def refuse_all_keys(self, *, refuse: bool) -> None:
        """Refuse every key from now on, quoting the request in the response; or accept every key again."""
        requests.post(f"{self.url}{REFUSE if refuse else BELIEVE}", timeout=10).raise_for_status()


@contextmanager
def serving() -> Iterator[ObjectStore]:
    """Start the store with one bucket, and stop it at the end."""
    program = [sys.executable, "-m", __name__]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        store = ObjectStore(f"http://127.0.0.1:{int(process.stdout.readline())}")
        requests.put(f"{store.url}/{BUCKET}", timeout=10).raise_for_status()
        try:
            yield store
        finally:
            process.kill()


class _Door:
    """Let one request through at a time, or none."""

    def __init__(self, app: Any) -> None:
        self._app, self._lock, self._refuses = app, Lock(), False

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        with self._lock:
            if environ["PATH_INFO"] in {REFUSE, BELIEVE}:
                self._refuses = environ["PATH_INFO"] == REFUSE
                return Response(status=204)(environ, start_response)
            if self._refuses:
                return _refusal(environ)(environ, start_response)
            return list(self._app(environ, start_response))


def _refusal(environ: Any) -> Response:
    """Respond like Amazon to a wrong signature: with everything that was signed, tokens included."""
    quoted = "\n".join(f"{name}:{value}" for name, value in Request(environ).headers)
    code = f"<Code>SignatureDoesNotMatch</Code><StringToSign>{quoted}</StringToSign>"
    return Response(f"<?xml version='1.0'?><Error>{code}</Error>", status=403, mimetype="application/xml")


class _Quiet(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        """Log nothing."""


def main() -> None:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    app = _Door(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    sys.stdin.read()  # until the test process closes it or ends
    os._exit(0)


if __name__ == "__main__":
    main()
