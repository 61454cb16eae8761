"""Deliver what waits in the outbox, within a bounded time. A failure is logged and tried again by a later process.

At most once where the protocol allows it: a receipt is written after the server has accepted a message. A process that
dies in between sends it again, with the same Message-ID (mail) or id (webhook), so that the receiver can drop it.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime, timedelta

from config.notifications_section import Notifications
from tasks.core.clock import stopwatch
from tasks.core.errors import AftercloseError
from tasks.core.homes.home import Home
from tasks.core.secret import read_secret
from tasks.reporting.notify.channels.outcome import Outcome
from tasks.reporting.notify.outbox.entry import Channel, Entry, after_failure
from tasks.reporting.notify.outbox.store import Outbox
from tasks.reporting.notify.rendering.webhook import signed_headers
from tasks.reporting.notify.schema import Kind

log = logging.getLogger(__name__)

LONGEST_OPERATION_S = 10.0
SMTP_PASSWORD = "AFTERCLOSE_SMTP_PASSWORD"  # noqa: S105 - the name of a variable
SLACK_URL = "AFTERCLOSE_SLACK_WEBHOOK_URL"
WEBHOOK_KEY = "AFTERCLOSE_WEBHOOK_SECRET"


@dataclass(frozen=True)
class Attempt:
    """One message, and how the attempt to deliver it ended."""

    entry: Entry
    outcome: Outcome


def deliver(
    home: Home,
    settings: Notifications,
    *,
    clock: Callable[[], datetime],
    unstored: Iterable[Entry] = (),
    everything: bool = False,
) -> tuple[Attempt, ...]:
    """Try every message that is due, and those that could not be stored; `everything`: also what is not due or dead.

    Returns after `max_delivery_s` at the latest, whatever the servers do. Never raises for a failed delivery.
    """

    def work(round_: "_Round") -> None:
        round_.run(tuple(unstored), everything=everything)

    return _bounded(home, settings, clock, work)


def try_once(
    home: Home, settings: Notifications, entries: Iterable[Entry], *, clock: Callable[[], datetime]
) -> tuple[Attempt, ...]:
    """Try messages that are not to be kept, such as those of `notify test`; also bounded by `max_delivery_s`."""

    def work(round_: "_Round") -> None:
        for entry in entries:
            round_.attempt(entry)

    return _bounded(home, settings, clock, work)


def _bounded(
    home: Home, settings: Notifications, clock: Callable[[], datetime], work: Callable[["_Round"], None]
) -> tuple[Attempt, ...]:
    """Work in a thread, and leave it behind when the time is over: resolving a name has no limit of its own."""
    started = stopwatch()
    round_ = _Round(home, settings, clock, lambda: settings.max_delivery_s - (stopwatch() - started))
    worker = threading.Thread(target=copy_context().run, args=(work, round_), daemon=True)
    worker.start()
    worker.join(settings.max_delivery_s)
    if worker.is_alive():
        log.warning(
            "notifications: not delivered within %g s; they will be tried again", settings.max_delivery_s
        )
    return tuple(round_.done)


class _Round:
    """One pass over the outbox."""

    def __init__(
        self,
        home: Home,
        settings: Notifications,
        clock: Callable[[], datetime],
        seconds_left: Callable[[], float],
    ) -> None:
        self._home, self._settings, self._clock = home, settings, clock
        self._seconds_left = seconds_left
        self.done: list[Attempt] = []
        self._box = Outbox(home)
        self._unreachable: set[Channel] = set()

    def run(self, unstored: tuple[Entry, ...], *, everything: bool) -> None:
        """Deliver under the outbox's lock. What could not be stored is tried without it."""
        try:
            for entry in unstored:
                self._try_alone(entry)
            with self._box.held():
                self._box.prune(self._clock())
                for entry in self._due(everything=everything):
                    self._try_alone(entry)
        except (AftercloseError, OSError) as error:
            log.warning("notifications: %s", error.what if isinstance(error, AftercloseError) else error)

    def _due(self, *, everything: bool) -> list[Entry]:
        at = self._clock()
        waiting = [entry for entry in self._box.entries() if everything or entry.next_at <= at]
        found = [*waiting, *(self._box.dead_entries() if everything else [])]
        return sorted(found, key=lambda entry: entry.kind != Kind.KILL_SWITCH)

    def _try_alone(self, entry: Entry) -> None:
        """Try one message; whatever goes wrong with it is a failed attempt, and the others are tried."""
        try:
            self._try(entry)
        except Exception as error:  # noqa: BLE001 - one bad message must not hold back a kill switch notice
            detail = _described(error)
            log.warning("notifications: %s to %s: %s", entry.channel, entry.recipient, detail)
            with suppress(Exception):  # it could not be stored either; it stays as it was
                self._keep(after_failure(entry, detail, self._clock()), Outcome("failed", detail))

    def _try(self, entry: Entry) -> None:
        if self._box.was_sent(entry.entry_id):
            self._box.remove(entry)  # a process died before it removed the message
            return
        outcome = self.attempt(entry)
        if outcome is None:
            return
        if outcome.state == "sent":
            self._box.note_sent(entry)
        else:
            self._keep(after_failure(entry, outcome.detail, self._clock()), outcome)

    def attempt(self, entry: Entry) -> Outcome | None:
        """Try once; None if the channel is known to be unreachable or no time is left."""
        if entry.channel in self._unreachable or self._seconds_left() <= 0:
            return None
        outcome = self._attempt(entry)
        self.done.append(Attempt(entry, outcome))
        if outcome.state == "unreachable":
            self._unreachable.add(entry.channel)
        if outcome.state != "sent":
            log.warning("notifications: %s to %s: %s", entry.channel, entry.recipient, outcome.detail)
        return outcome

    def _keep(self, entry: Entry, outcome: Outcome) -> None:
        """Store the failed attempt; give up after `retry_days`, or at once if the message is refused permanently."""
        is_old = self._clock() - entry.queued_at >= timedelta(days=self._settings.retry_days)
        with suppress(AftercloseError):  # on a full disk, the message stays as it was
            if is_old or outcome.state == "refused":
                self._box.bury(entry)
            else:
                self._box.put(entry)

    def _attempt(self, entry: Entry) -> Outcome:
        timeout_s = max(min(LONGEST_OPERATION_S, self._seconds_left()), 0.1)
        try:
            if entry.channel is Channel.EMAIL:
                return self._by_email(entry, timeout_s)
            if entry.channel is Channel.SLACK:
                return self._by_slack(entry, timeout_s)
            return self._by_webhook(entry, timeout_s)
        except Exception as error:  # noqa: BLE001 - a secret that cannot be read, or content that no library takes
            return Outcome("failed", _described(error))

    def _by_email(self, entry: Entry, timeout_s: float) -> Outcome:
        from tasks.reporting.notify.channels.smtp import send_mail

        email = self._settings.email
        if not email.host:
            return Outcome("failed", "notifications.email.host is not set")
        password = self._secret(SMTP_PASSWORD, least=1)
        if email.login and not password:
            return Outcome("failed", f"{SMTP_PASSWORD} is not set")
        content = entry.content.encode("ascii")
        return send_mail(content, entry.recipient, email, password=password.decode(), timeout_s=timeout_s)

    def _by_slack(self, entry: Entry, timeout_s: float) -> Outcome:
        from tasks.reporting.notify.channels.http_post import post

        url = self._secret(SLACK_URL, least=8).decode()
        if not url:
            return Outcome("failed", f"{SLACK_URL} is not set")
        return post(url, entry.content.encode(), {"Content-Type": "application/json"}, timeout_s=timeout_s)

    def _by_webhook(self, entry: Entry, timeout_s: float) -> Outcome:
        from tasks.reporting.notify.channels.http_post import post

        key = self._secret(WEBHOOK_KEY, least=32)
        if not self._settings.webhook.url or not key:
            missing = WEBHOOK_KEY if self._settings.webhook.url else "notifications.webhook.url"
            return Outcome("failed", f"{missing} is not set")
        body = entry.content.encode()
        headers = signed_headers(
            body, notice_id=entry.entry_id, key=key, timestamp=int(self._clock().timestamp())
        )
        return post(self._settings.webhook.url, body, headers, timeout_s=timeout_s)

    def _secret(self, name: str, *, least: int) -> bytes:
        return read_secret(name, outside=self._home.root, least_length=least) or b""


def _described(error: Exception) -> str:
    """Return what went wrong. The text of an unexpected error is left out: it may quote a secret URL."""
    return error.what if isinstance(error, AftercloseError) else f"unexpected {type(error).__name__}"
