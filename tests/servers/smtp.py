"""A local SMTP server: plain, STARTTLS or implicit TLS with a throw-away certificate, login, and faults on demand."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Thread
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOGIN, PASSWORD = "afterclose", "correct horse"
OK = "250 OK"


class Inbox:
    """What the server accepted, and what it answers next. `answers` are for RCPT and DATA, in the order asked."""

    def __init__(self) -> None:
        self.mails: list[Envelope] = []
        self.rcpt: list[str] = []
        self.data: list[str] = []
        self.delay_s = 0.0
        self.drops = 0  # connections to close in the middle of DATA
        self.port = 0

    async def handle_RCPT(  # noqa: N802 - a name of aiosmtpd
        self, _server: Any, _session: Session, envelope: Envelope, address: str, _: Any
    ) -> str:
        await asyncio.sleep(self.delay_s)
        answer = self.rcpt.pop(0) if self.rcpt else OK
        if answer == OK:
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802 - a name of aiosmtpd
        self, server: Any, _session: Session, envelope: Envelope
    ) -> str:
        if self.drops:
            self.drops -= 1
            self.mails.append(envelope)  # accepted, but the client never hears of it
            server.transport.abort()
            return OK
        answer = self.data.pop(0) if self.data else OK
        if answer == OK:
            self.mails.append(envelope)
        return answer


def _authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    is_right = (data.login, data.password) == (LOGIN.encode(), PASSWORD.encode())
    return AuthResult(success=is_right, handled=False)


@contextmanager
def smtp_server(
    *, tls: ssl.SSLContext | None = None, is_implicit: bool = False, needs_login: bool = False
) -> Iterator[Inbox]:
    """Yield the inbox of a server on this machine, which answers in a thread of its own."""
    inbox, loop = Inbox(), asyncio.new_event_loop()
    options: dict[str, Any] = {"hostname": "localhost", "loop": loop}
    if tls is not None and not is_implicit:
        options |= {"tls_context": tls, "require_starttls": True}
    if needs_login:
        options |= {"authenticator": _authenticate, "auth_required": True}

    def make() -> SMTP:
        protocol = SMTP(inbox, **options)
        protocol._auth_require_tls = not is_implicit  # it warns if so configured, and warnings are errors
        return protocol

    starting = loop.create_server(make, "127.0.0.1", 0, ssl=tls if is_implicit else None)
    server = loop.run_until_complete(starting)
    inbox.port = server.sockets[0].getsockname()[1]
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield inbox
    finally:
        loop.call_soon_threadsafe(server.close)
        asyncio.run_coroutine_threadsafe(_cancel_all(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _cancel_all() -> None:
    """End what still serves a client."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def throw_away_certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Return the server's TLS context for localhost, and the certificate that a client has to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "server.pem", folder / "server.key"
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return context, public
