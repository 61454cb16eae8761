"""Stand before every request: exact host, a session, and for each form its origin and token. Adds the headers.

A page of another site must neither read the day nor act on it, even if its name resolves to this machine.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tasks.core.errors import AftercloseError, ConfigError
from tasks.reporting.review.access.admission import Admission
from tasks.reporting.review.forms import read_form

log = logging.getLogger(__name__)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    # "no-referrer" would make browsers send `Origin: null` with our own forms
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex",
}
OPEN_PATHS = ("/start/", "/static/")
LOGIN = "/login"
METHODS = frozenset({"GET", "HEAD", "POST"})
TOKEN_FIELD = "form_token"  # noqa: S105 - the name of the field
Refuse = Callable[[Request, int, AftercloseError], Response]


@dataclass(frozen=True)
class Endpoint:
    """The one address under which the page may be opened."""

    origin: str  # scheme and authority, as a browser states it: http://127.0.0.1:8765
    is_local: bool  # bound to this machine, without a reverse proxy

    @property
    def host(self) -> str:
        return urlsplit(self.origin).netloc

    @property
    def is_encrypted(self) -> bool:
        return self.origin.startswith("https://")

    @property
    def takes_passphrases(self) -> bool:
        """Whether a passphrase may be sent: not in clear text over a network."""
        return self.is_local or self.is_encrypted

    @property
    def cookie(self) -> str:
        """The name of the session's cookie: cookies of one host are shared by its ports."""
        port = urlsplit(self.origin).port or 443
        return f"{'__Host-' if self.is_encrypted else ''}afterclose-review-{port}"


def endpoint(address: str, port: int, *, origin: str | None = None) -> Endpoint:
    """Return the endpoint of an address to bind. Raises ConfigError for what a browser could not name exactly."""
    try:
        bound = ip_address(address)
    except ValueError:
        raise ConfigError(
            f"{address!r} is not an IP address.", remedy="Give one with --bind, for example 127.0.0.1."
        ) from None
    if origin is not None:
        return Endpoint(_checked_origin(origin), is_local=False)
    if bound.is_unspecified:
        raise ConfigError(
            f"{address} means every address of this machine, so the address that browsers will use is unknown.",
            remedy="Bind one address, or state the page's address with --origin https://NAME.",
        )
    host = f"[{bound}]" if bound.version == 6 else str(bound)
    return Endpoint(f"http://{host}" if port == 80 else f"http://{host}:{port}", is_local=bound.is_loopback)


def _checked_origin(origin: str) -> str:
    try:
        parts = urlsplit(origin)
        is_plain = parts.scheme == "https" and bool(parts.hostname) and f"https://{parts.netloc}" == origin
        named = is_plain and parts.username is None and origin.isascii() and origin == origin.lower()
        standard = named and parts.port != 443
    except ValueError:
        standard = False
    if not standard:
        raise ConfigError(
            f"{origin!r} is not the address of a page served with TLS.",
            remedy="Give scheme and name as a browser shows them, in lower case: --origin https://review.example.com",
        )
    return origin


class Guard:
    """The middleware around the application. Forms that pass are in `request.state.form`."""

    def __init__(self, app: ASGIApp, *, served: Endpoint, admission: Admission, refuse: Refuse) -> None:
        self._app, self._served, self._admission, self._refuse = app, served, admission, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise RuntimeError(
                f"{scope['type']} is not served"
            )  # no web sockets; the server runs no lifespan
        request = Request(scope, receive)
        answer = self._turned_away(request) or await self._without_form(request)
        try:
            await (answer or self._app)(scope, receive, _with_headers(send))
        except Exception as error:  # noqa: BLE001 - the edge: its page was sent, and its text may quote what was entered
            log.error("%s %s failed: %s", request.method, request.url.path, type(error).__name__)  # noqa: TRY400

    def _turned_away(self, request: Request) -> Response | None:
        """Return the response to a request that may not come in, None for one that may."""
        if request.headers.getlist("host") != [self._served.host]:
            error = ConfigError(
                "This page is served at one address only.", remedy=f"Open {self._served.origin}."
            )
            return self._refuse(request, 421, error)
        if request.method not in METHODS:
            return self._refuse(request, 405, ConfigError("This method is not supported.", remedy="Use GET."))
        session = request.cookies.get(self._served.cookie, "")
        request.state.session = session if self._admission.holds(session) else ""
        request.state.form_token = self._admission.form_token(session) if request.state.session else ""
        path = request.url.path
        if request.state.session or path == LOGIN or path.startswith(OPEN_PATHS):
            return None
        how = (
            "Sign in with the password."
            if self._admission.has_password
            else "Open the address that `afterclose review` printed; it works once. Start the command again if it "
            "was used."
        )
        return self._refuse(request, 401, ConfigError("This browser is not signed in.", remedy=how))

    async def _without_form(self, request: Request) -> Response | None:
        """Read the form of a POST request; return the response to one that another page could have sent."""
        if request.method != "POST":
            return None
        if request.headers.getlist("origin") != [self._served.origin]:
            foreign = ConfigError(
                "The form was not sent by this page.", remedy=f"Use the page at {self._served.origin}."
            )
            return self._refuse(request, 403, foreign)
        try:
            request.state.form = await read_form(request)
        except ConfigError as error:
            return self._refuse(request, 400, error)
        session, token = request.state.session, request.state.form.text(TOKEN_FIELD)
        if request.url.path != LOGIN and not self._admission.is_form_token(session, token):
            other = ConfigError("The form is not from this session.", remedy="Reload the page and try again.")
            return self._refuse(request, 403, other)
        return None


def _with_headers(send: Send) -> Callable[[Message], Awaitable[None]]:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending
