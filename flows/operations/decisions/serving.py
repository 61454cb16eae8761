"""Serve the review page: the address, who may open it, and the server. What the page does is in `review`."""

import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING

from flows.operations.decisions.approval import run_of
from flows.operations.decisions.review import actions_of
from flows.terminal import Options, Result
from tasks.approval.store import read_manifest
from tasks.core.clock import stopwatch
from tasks.core.errors import ConfigError
from tasks.core.homes.home import Home
from tasks.core.homes.run import Run
from tasks.core.secret import read_secret
from tasks.reporting.review.access.admission import Admission
from tasks.reporting.review.access.guard import Endpoint, endpoint
from tasks.reporting.review.application import make_application

if TYPE_CHECKING:
    from starlette.types import ASGIApp
    from uvicorn import Server

PASSWORD = "AFTERCLOSE_REVIEW_PASSWORD"  # noqa: S105 - the name of the variable
LEAST_PASSWORD = 12
BACKLOG = 64
LARGEST_HEAD = 1 << 16
LAST_ANSWERS_S = 3


@dataclass(frozen=True)
class Page:
    """A page that listens and is not served yet: what to print, and `serve`, which returns when it is ended."""

    started: Result
    serve: Callable[[], None]


def open_review(options: Options, day: str, *, port: int, bind: str, origin: str | None) -> Page:
    """Listen on the address, and return the page of the day. Raises ConfigError where it could not be safe.

    Raises the SafetyError of `approve` for a session that was not published: its page would be empty.
    """
    run, _ = run_of(options, day)
    read_manifest(run.home, run.session)
    admission = Admission(stopwatch, password=_password(run.home))
    _refuse_unprotected(endpoint(bind, port, origin=origin), admission)
    listening = listening_on(bind, port)
    served = endpoint(bind, listening.getsockname()[1], origin=origin)
    application = make_application(
        actions_of(options, run.session.day),
        served=served,
        admission=admission,
        clock=stopwatch,
        title=run.settings.reporting.title,
        is_simulated=run.settings.data.is_simulated,
        first=run.session.day,
    )
    return Page(_started(run, served, admission), partial(_serve, application, listening))


def _password(home: Home) -> bytes | None:
    return read_secret(PASSWORD, outside=home.root, least_length=LEAST_PASSWORD)


def _refuse_unprotected(served: Endpoint, admission: Admission) -> None:
    if not served.is_local and not admission.has_password:
        raise ConfigError(
            "A page that other machines can open needs a password.",
            remedy=f"Set {PASSWORD} (at least {LEAST_PASSWORD} characters) or {PASSWORD}_FILE in the environment, or "
            "omit --bind and --origin.",
        )


def listening_on(bind: str, port: int) -> socket.socket:
    """Return a socket that listens on the address. Raises ConfigError where it cannot."""
    family = socket.AF_INET6 if ip_address(bind).version == 6 else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((bind, port))
        made.listen(BACKLOG)
    except OSError as error:
        made.close()
        raise ConfigError(
            f"The page cannot listen on {bind}, port {port}: {error.strerror}.",
            remedy="Choose another with --port, or --port 0 for any free one.",
        ) from None
    return made


def _started(run: Run, served: Endpoint, admission: Admission) -> Result:
    url = f"{served.origin}/" if admission.has_password else f"{served.origin}/start/{admission.start_token}"
    lines = [f"Review of {run.session}: {url}"]
    if not admission.has_password:
        lines.append("The address works once, in one browser.")
    if not served.takes_passphrases:
        lines.append(
            "WARNING: without TLS, everything that the page shows crosses the network in clear text; it accepts no "
            "passphrase. Put a reverse proxy with TLS in front of it, and name its address with --origin."
        )
    elif not served.is_local:
        lines.append("The reverse proxy must provide TLS and pass the Host header unchanged.")
    lines.append("Stop it with Ctrl-C.")
    document = {"home": str(run.home.root), "session": str(run.session), "state": "listening", "url": url}
    return Result(document, "\n".join(lines))


def _serve(application: "ASGIApp", listening: socket.socket) -> None:
    """Serve until the process is interrupted."""
    with listening, suppress(KeyboardInterrupt):
        server_of(application).run(sockets=[listening])


def server_of(application: "ASGIApp") -> "Server":
    """Return a server that reveals nothing about itself and drops connections that keep it waiting."""
    import uvicorn

    from flows.operations.decisions.connections import MOST_CONNECTIONS, BoundedConnection

    settings = uvicorn.Config(
        application,
        http=BoundedConnection,
        lifespan="off",
        log_config=None,
        access_log=False,  # the start token is part of an address
        server_header=False,
        proxy_headers=False,  # nobody is believed who says where a request came from
        ws="none",
        limit_concurrency=MOST_CONNECTIONS
        + 1,  # the last line: a connection waits, or 64 answers are computed
        h11_max_incomplete_event_size=LARGEST_HEAD,
        timeout_graceful_shutdown=LAST_ANSWERS_S,
    )
    return uvicorn.Server(settings)
