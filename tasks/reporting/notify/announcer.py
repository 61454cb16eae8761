"""Queue notices and the changes of the kill switch, then deliver. A failure is logged: it never reaches the caller."""

import logging
from collections.abc import Callable
from datetime import datetime

from config.settings import Settings
from tasks.core.errors import AftercloseError
from tasks.core.homes.home import Home
from tasks.reporting.notify.delivery import Attempt, deliver
from tasks.reporting.notify.notices.switch import Announced, next_announced, switch_notice
from tasks.reporting.notify.outbox.announced import first_look, read_announced, write_announced
from tasks.reporting.notify.outbox.entry import Entry
from tasks.reporting.notify.outbox.store import Outbox
from tasks.reporting.notify.routing import Route, identity, message, routes
from tasks.reporting.notify.schema import Notice
from tasks.safety.kill_switch.switch import read_switch

log = logging.getLogger(__name__)


class Announcer:
    """Notifies everyone named in the settings."""

    def __init__(self, home: Home, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._home, self._settings, self._clock = home, settings, clock
        self._box = Outbox(home)
        self._unstored: list[Entry] = []

    def say(self, notice: Notice) -> None:
        """Queue the notice for everyone who subscribes to its kind, once only."""
        for route in routes(self._settings.notifications, notice.kind):
            if not self._box.knows(identity(notice, str(self._home.root), route)):
                self._queue(notice, route)

    def look_at_switch(self) -> None:
        """Queue every change of the kill switch since the last check, however it was made."""
        switch = read_switch(self._home)
        before = read_announced(self._home)
        if before is None:
            before = first_look(switch, self._clock())
            self._note(before)  # first, so that the id is the same should this process die
        notice = switch_notice(self._home, before, switch)
        if notice is not None:
            self.say(notice)
        if notice is not None or len(switch.events) != before.events:
            self._note(next_announced(before, switch))

    def deliver(self) -> tuple[Attempt, ...]:
        """Deliver what is due, for `max_delivery_s` at most."""
        unstored, self._unstored = self._unstored, []
        return deliver(self._home, self._settings.notifications, clock=self._clock, unstored=unstored)

    def _note(self, announced: Announced) -> None:
        try:
            write_announced(self._home, announced)
        except AftercloseError as error:
            log.warning("notifications: %s", error.what)

    def _queue(self, notice: Notice, route: Route) -> None:
        entry = message(
            notice,
            route,
            home=str(self._home.root),
            title=self._settings.reporting.title,
            settings=self._settings.notifications,
            at=self._clock(),
        )
        try:
            self._box.put(entry)
        except AftercloseError as error:
            log.warning("notifications: %s It is sent without being stored.", error.what)
            self._unstored.append(entry)
