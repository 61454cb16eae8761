"""Who may open the page: a one-time token or a password starts a session, whose forms carry its own token.

Everything is in memory and ends with the process. Secrets are compared in constant time.
"""

import hmac
import secrets
from collections.abc import Callable
from hashlib import sha256
from threading import Lock

from tasks.reporting.review.access.attempts import Attempts

SESSION_S = 12 * 3600.0
MOST_SESSIONS = 32


class Admission:
    """The start token, the sessions and their form tokens."""

    def __init__(self, clock: Callable[[], float], *, password: bytes | None = None) -> None:
        self._clock = clock
        self._lock = Lock()
        self._form_key = secrets.token_bytes(32)
        self._sessions: dict[str, float] = {}  # digest of the session's name, and when it ends
        self._password = None if password is None else _digest(password)
        self._attempts = Attempts("password", clock)
        self.start_token = "" if password is not None else secrets.token_urlsafe(32)

    @property
    def has_password(self) -> bool:
        return self._password is not None

    def by_token(self, token: str) -> str | None:
        """Return a new session for the start token, which is valid once; None for any other."""
        with self._lock:
            if not self.start_token or not hmac.compare_digest(token.encode(), self.start_token.encode()):
                return None
            self.start_token = ""
        return self._opened()

    def by_password(self, given: str) -> str | None:
        """Return a new session for the password, None for a wrong one. Raises SafetyError after too many."""
        if self._password is None:
            return None
        self._attempts.begin()
        if not hmac.compare_digest(_digest(given.encode()), self._password):
            return None
        self._attempts.succeeded()
        return self._opened()

    def holds(self, session: str) -> bool:
        """Return whether the session was opened here and has not ended."""
        ends = self._sessions.get(_name(session))
        return ends is not None and self._clock() < ends

    def close(self, session: str) -> None:
        """End the session."""
        with self._lock:
            self._sessions.pop(_name(session), None)

    def form_token(self, session: str) -> str:
        """Return the token that every form of this session carries."""
        return hmac.new(self._form_key, session.encode(), sha256).hexdigest()

    def is_form_token(self, session: str, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self.form_token(session).encode())

    def _opened(self) -> str:
        session = secrets.token_urlsafe(32)
        with self._lock:
            now = self._clock()
            live = {name: ends for name, ends in self._sessions.items() if ends > now}
            kept = sorted(live.items(), key=lambda one: one[1])[-(MOST_SESSIONS - 1) :]
            self._sessions = {**dict(kept), _name(session): now + SESSION_S}
        return session


def _name(session: str) -> str:
    return sha256(session.encode()).hexdigest()


def _digest(secret: bytes) -> bytes:
    return sha256(secret).digest()
