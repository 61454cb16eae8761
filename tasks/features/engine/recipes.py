"""Trace a feature's function into its expression, and check it against the declared window."""

from tasks.features.engine import machine
from tasks.features.engine.feature import Feature
from tasks.features.engine.inputs import series_of
from tasks.features.engine.program import rows_of_inputs
from tasks.features.engine.series import Series, series


def recipe(feature: Feature) -> Series:
    """Return the feature as an expression of its inputs."""
    inputs = [series_of(name) for name in feature.inputs]
    try:
        made = series(feature.function(*inputs))
    except TypeError as error:
        raise TypeError(f"{feature.name} cannot be traced: {error} See docs/adding-a-feature.md.") from error
    needed = rows_of_inputs(made)
    if needed > feature.window:
        raise ValueError(
            f"{feature.name} declares a window of {feature.window} rows but looks at {needed}: declare {needed}."
        )
    return made


def output_of(feature: Feature, place: int) -> Series:
    """Return the step that writes the feature to its position, where there is a bar and a whole window."""
    return Series(machine.KEEP, (recipe(feature), series_of("close")), size=feature.window - 1, number=place)
