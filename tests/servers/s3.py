"""An S3-compatible object store in a process of its own: `python -m tests.servers.s3` says its port and serves.

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
from werkzeug.serving import WSGIRequestHandler, make_server

BUCKET = "lakes"
KEYS = {"AWS_ACCESS_KEY_ID": "planted-key-id", "AWS_SECRET_ACCESS_KEY": "planted-secret-key"}


@dataclass(frozen=True)
class ObjectStore:
    """Where the store answers."""

    url: str

    @property
    def environ(self) -> dict[str, str]:
        """Return what a command needs in its environment to go there."""
        return {
            **KEYS,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "NO_PROXY": "127.0.0.1",
        }

    def new_lake(self) -> str:
        """Return a prefix that nobody has used."""
        return f"s3://{BUCKET}/tests/{uuid.uuid4().hex}"

    def refuse_all_keys(self, *, refuse: bool) -> None:
        """Look keys up from now on, and know none; or believe every key again."""
        requests.post(f"{self.url}/moto-api/reset-auth", data="0" if refuse else "inf", timeout=10)


@contextmanager
def serving() -> Iterator[ObjectStore]:
    """Start the store, with one bucket in it, and stop it at the end."""
    program = [sys.executable, "-m", __name__]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        store = ObjectStore(f"http://127.0.0.1:{int(process.stdout.readline())}")
        requests.put(f"{store.url}/{BUCKET}", timeout=10).raise_for_status()
        try:
            yield store
        finally:
            process.kill()


class _OneByOne:
    """Let one request through at a time."""

    def __init__(self, app: Any) -> None:
        self._app, self._lock = app, Lock()

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        with self._lock:
            return list(self._app(environ, start_response))


class _Quiet(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        """Say nothing."""


def main() -> None:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    app = _OneByOne(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    sys.stdin.read()  # until the test process closes it, or dies
    os._exit(0)


if __name__ == "__main__":
    main()
