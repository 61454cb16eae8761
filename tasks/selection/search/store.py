"""Finished trials of searches in Optuna studies in SQLite, data/searches/studies.db, one study for each search.

The trial ledger has every trial, too: losing the file costs only time. A damaged file is refused.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.core.errors import StorageError
from tasks.selection.search.run import BEGIN_ANEW

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


@dataclass(frozen=True)
class HomeStudies:
    """The studies of one home; `prefix` begins their names: the session and data of the weekly run."""

    path: Path
    prefix: str

    def finished(self, name: str) -> "list[FrozenTrial]":
        """Return the finished trials of the study in order; none if it is new."""
        with _readable(self.path):
            return list(self._study(name).get_trials(deepcopy=False))

    def add(self, name: str, trials: "Sequence[FrozenTrial]") -> None:
        """Append finished trials to the study."""
        with _readable(self.path):
            self._study(name).add_trials(trials)

    def _study(self, name: str) -> Any:
        from optuna import create_study, logging

        logging.set_verbosity(logging.WARNING)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return create_study(
            storage=f"sqlite:///{self.path}",
            study_name=f"{self.prefix} {name}",
            direction="maximize",
            load_if_exists=True,
        )


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what SQLite reports of a damaged, locked or read-only file into a StorageError."""
    from optuna.exceptions import OptunaError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, OptunaError, OSError) as error:
        raise StorageError(
            f"{path} cannot be used: {str(error).splitlines()[0]}.", remedy=BEGIN_ANEW, path=str(path)
        ) from error
