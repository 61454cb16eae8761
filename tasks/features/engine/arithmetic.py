"""Row-by-row functions on series, in addition to operators."""

from tasks.features.engine import machine
from tasks.features.engine.series import Number, Series, recorded, series


def where(condition: Series, one: Number, other: Number) -> Series:
    """Return `one` in rows where the condition holds, else `other`."""
    return recorded(machine.SELECT, condition, series(one), series(other))


def is_missing(values: Series) -> Series:
    """Return which rows are missing."""
    return recorded(machine.IS_MISSING, values)


def maximum(one: Number, other: Number) -> Series:
    """Return the row-wise maximum; missing where either is."""
    return recorded(machine.MAXIMUM, series(one), series(other))


def minimum(one: Number, other: Number) -> Series:
    """Return the row-wise minimum; missing where either is."""
    return recorded(machine.MINIMUM, series(one), series(other))


def sign(values: Series) -> Series:
    """Return −1, 0 or 1."""
    return recorded(machine.SIGN, values)


def sqrt(values: Series) -> Series:
    """Return the square root; missing below 0."""
    return recorded(machine.SQRT, values)


def log(values: Series) -> Series:
    """Return the natural logarithm; missing below 0."""
    return recorded(machine.LOG, values)


def log1p(values: Series) -> Series:
    """Return the natural logarithm of 1 + the value."""
    return recorded(machine.LOG1P, values)


def tanh(values: Series) -> Series:
    """Return the hyperbolic tangent."""
    return recorded(machine.TANH, values)


def ratio(numerator: Series, denominator: Series, *, flat: float) -> Series:
    """Divide; `flat` where the denominator is 0, as for a name that did not move or trade."""
    return where(denominator == 0, flat, numerator / denominator)
