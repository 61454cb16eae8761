"""The errors of the program, each with its exit code and its section in docs/runbooks.md.

Expected outcomes (a failed check, a quarantined symbol, a fallback) are values, never exceptions.
"""

from functools import partial
from typing import Any

from tasks.core.masking import masked, masked_value


class AftercloseError(Exception):
    """What happened, where, and what to do. `remedy` is one imperative sentence. Secrets are masked."""

    exit_code = 1
    runbook = "unexpected"

    def __init__(self, what: str, *, remedy: str, **fields: object) -> None:
        self.what = masked(what)
        self.remedy = masked(remedy)
        self.fields = {name: masked_value(value) for name, value in fields.items()}
        super().__init__(self.what)

    def __reduce__(self) -> tuple[Any, ...]:
        """Keep all fields when the error is pickled between processes."""
        made = partial(type(self), self.what, remedy=self.remedy, **self.fields)
        return made, (), {"__notes__": getattr(self, "__notes__", [])}

    def __str__(self) -> str:
        return f"{self.what} {self.remedy} (docs/runbooks.md#{self.runbook})"


class ConfigError(AftercloseError):
    """An invalid setting, option or date."""

    exit_code = 2
    runbook = "configuration"


class SafetyError(AftercloseError):
    """A check failed, the kill switch is on, or an approval blocks the action."""

    exit_code = 3
    runbook = "safety"


class DataError(AftercloseError):
    """The market data is not good enough to trade on."""

    exit_code = 5
    runbook = "data"


class ModelError(AftercloseError):
    """The champion is damaged, outdated or incompatible."""

    exit_code = 6
    runbook = "model"


class InfeasibleError(AftercloseError):
    """One optimizer found no portfolio; the fallback ladder catches it."""

    exit_code = 1
    runbook = "portfolio"


class BrokerError(AftercloseError):
    """The broker rejected a request, or its response is invalid."""

    exit_code = 7
    runbook = "broker"


class StorageError(AftercloseError):
    """A file or directory cannot be read or written, or is damaged."""

    exit_code = 1
    runbook = "storage"


class TransientError(AftercloseError):
    """A temporary failure: the only error that is retried."""

    exit_code = 75
    runbook = "transient"


CLOSED_SESSION_EXIT_CODE = 4
