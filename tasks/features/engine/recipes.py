"""Ask a feature's function, once, how the feature is made, and hold it to the window that it declares."""

from tasks.features.engine import machine
from tasks.features.engine.feature import Feature
from tasks.features.engine.inputs import series_of
from tasks.features.engine.program import rows_of_inputs
from tasks.features.engine.series import Series, series


def recipe(feature: Feature) -> Series:
    """Return how the feature is made of its inputs."""
    inputs = [series_of(name) for name in feature.inputs]
    try:
        made = series(feature.function(*inputs))
    except TypeError as error:
        raise TypeError(
            f"{feature.name} cannot be made: {error} docs/adding-a-feature.md says what a feature may use."
        ) from error
    needed = rows_of_inputs(made)
    if needed > feature.window:
        raise ValueError(
            f"{feature.name} declares a window of {feature.window} rows and looks at {needed}: declare {needed}."
        )
    return made


def kept(feature: Feature, place: int) -> Series:
    """Return the step that keeps the feature at its place: where there is a bar, and its window is whole."""
    return Series(machine.KEEP, (recipe(feature), series_of("close")), size=feature.window - 1, number=place)
