"""The home being checked, and what a check returns."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from config.settings import Settings
from flows.terminal import Options
from tasks.core.clock import now
from tasks.core.errors import ConfigError
from tasks.core.homes.home import Home
from tasks.core.homes.opening import named_home, settings_of
from tasks.core.sessions import Session, last_closed_session

if TYPE_CHECKING:
    from tasks.data.lake.head import Head


@dataclass(frozen=True)
class CheckResult:
    """The result of one check. `remedy` is empty when there is nothing to do."""

    check: str
    verdict: Literal["ok", "warn", "fail"]
    message: str
    remedy: str = ""
    exit_code: int = 0

    def document(self) -> dict[str, object]:
        """Return the result under the keys that scripts read."""
        return {
            "check": self.check,
            "verdict": self.verdict,
            "message": self.message,
            "remedy": self.remedy,
            "exit_code": self.exit_code,
        }


class CheckedHome:
    """The home being checked; what several checks need is read once."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self.home: Home = named_home(options.home)

    @cached_property
    def loaded(self) -> Settings | ConfigError:
        try:
            return settings_of(self.home, self._options.profile).settings
        except ConfigError as error:
            return error

    @property
    def settings(self) -> Settings:
        if isinstance(self.loaded, ConfigError):
            raise ConfigError("Not checked: the settings are not valid.", remedy="Fix the settings first.")
        return self.loaded

    @cached_property
    def last_session(self) -> Session:
        return last_closed_session(now())

    @cached_property
    def ended(self) -> date | None:
        """The last session of a lake whose files hold no later one; None elsewhere."""
        head = self._head()
        if self.settings.data.provider != "files" or head is None or head.last_session is None:
            return None
        return head.last_session if head.last_session < self.last_session.day else None

    def _head(self) -> "Head | None":
        from tasks.data.lake.head import read_head
        from tasks.data.lake.storage.location import lake_of

        return read_head(lake_of(self.home, self.settings))
