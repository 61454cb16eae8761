"""Declare features: the family is named once per file, and the function's parameters name the inputs."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from tasks.features.engine.feature import Feature, Transform
from tasks.features.engine.series import Series


@dataclass(frozen=True)
class Family:
    """Features of one kind: `feature = Family("momentum")`, then `feature("roc_63", …)` for each."""

    name: str

    def __call__(
        self,
        name: str,
        function: Callable[..., Series],
        window: int,
        description: str,
        transform: Transform = "rank",
        *,
        inputs: tuple[str, ...] | None = None,
        version: int = 1,
    ) -> Feature:
        """Declare one feature; `inputs` only if the parameters have other names."""
        taken = inputs or _parameters(function)
        return Feature(name, self.name, function, taken, window, description, transform, version)


def _parameters(function: Callable[..., Series]) -> tuple[str, ...]:
    """Return the names of the positional parameters; `open_` is the panel's open."""
    parameters = inspect.signature(function).parameters.values()
    return tuple(p.name.rstrip("_") for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)
