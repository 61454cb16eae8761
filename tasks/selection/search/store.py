"""Finished trials of searches in Optuna studies in SQLite, data/searches/studies.db, one study for each search.

No decision depends on the file: every trial is also in the trial ledger, and a lost file costs only time.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optuna.trial import FrozenTrial


@dataclass(frozen=True)
class HomeStudies:
    """The studies of one home; `prefix` begins their names: the session and data of the weekly run."""

    path: Path
    prefix: str

    def finished(self, name: str) -> "list[FrozenTrial]":
        """Return the finished trials of the study in order; none if it is new."""
        return list(self._study(name).get_trials(deepcopy=False))

    def add(self, name: str, trials: "Sequence[FrozenTrial]") -> None:
        """Append finished trials to the study."""
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
