"""Hand one mail to the SMTP server. Certificates are verified; a server without the configured TLS gets nothing."""

import smtplib
import ssl
from contextlib import suppress

from config.notifications_section import Email
from tasks.reporting.notify.channels.outcome import SENT, Outcome

PERMANENT = range(500, 600)


def send_mail(mail: bytes, recipient: str, settings: Email, *, password: str, timeout_s: float) -> Outcome:
    """Try once. `timeout_s` bounds each operation on the connection."""
    try:
        with _connected(settings, timeout_s) as server:
            if settings.login:
                server.login(settings.login, password)
            server.sendmail(settings.sender, [recipient], mail)
    except smtplib.SMTPRecipientsRefused as error:
        code, answer = next(iter(error.recipients.values()))
        return _answered(code, answer)
    except smtplib.SMTPDataError as error:
        return _answered(error.smtp_code, error.smtp_error)
    except (
        smtplib.SMTPResponseException
    ) as error:  # about login, sender or server: a setting, or a passing state
        return Outcome("failed", f"the server answered {error.smtp_code} {_text(error.smtp_error)}")
    except smtplib.SMTPServerDisconnected as error:
        return Outcome("failed", f"the connection was closed ({_text(error)})")
    except (smtplib.SMTPException, OSError) as error:
        return Outcome(
            "unreachable", f"{settings.host}:{settings.port}: {_text(error) or type(error).__name__}"
        )
    return SENT


class _Connection:
    """A connection that is closed without an error of its own: the answer to the mail has been received by then."""

    def __init__(self, server: smtplib.SMTP) -> None:
        self._server = server

    def __enter__(self) -> smtplib.SMTP:
        return self._server

    def __exit__(self, *_: object) -> None:
        with suppress(smtplib.SMTPException, OSError):
            self._server.quit()
        self._server.close()


def _connected(settings: Email, timeout_s: float) -> _Connection:
    context = ssl.create_default_context()
    if settings.tls == "implicit":
        secured = smtplib.SMTP_SSL(settings.host, settings.port, timeout=timeout_s, context=context)
        return _Connection(secured)
    server = smtplib.SMTP(settings.host, settings.port, timeout=timeout_s)
    if settings.tls == "starttls":
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
    return _Connection(server)


def _answered(code: int, answer: object) -> Outcome:
    said = f"the server answered {code} {_text(answer)}"
    return Outcome("refused", said) if code in PERMANENT else Outcome("failed", said)


def _text(answer: object) -> str:
    text = answer.decode("ascii", "replace") if isinstance(answer, bytes) else str(answer)
    return " ".join(text.split())[:200]
