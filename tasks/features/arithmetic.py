"""What can be done with histories row by row, beside operators."""

from tasks.features import operations as op
from tasks.features.series import Number, Series, recorded, series


def where(condition: Series, one: Number, other: Number) -> Series:
    """Choose row by row: the one where the condition holds, else the other."""
    return recorded(op.SELECT, condition, series(one), series(other))


def is_missing(values: Series) -> Series:
    """Tell where there is no value."""
    return recorded(op.IS_MISSING, values)


def maximum(one: Number, other: Number) -> Series:
    """Return the larger of two row by row; missing where either is."""
    return recorded(op.MAXIMUM, series(one), series(other))


def minimum(one: Number, other: Number) -> Series:
    """Return the smaller of two row by row; missing where either is."""
    return recorded(op.MINIMUM, series(one), series(other))


def sign(values: Series) -> Series:
    """Return −1, 0 or 1."""
    return recorded(op.SIGN, values)


def sqrt(values: Series) -> Series:
    """Return the square root; missing below 0."""
    return recorded(op.SQRT, values)


def log(values: Series) -> Series:
    """Return the natural logarithm; missing below 0."""
    return recorded(op.LOG, values)


def log1p(values: Series) -> Series:
    """Return the natural logarithm of what is 1 more."""
    return recorded(op.LOG1P, values)


def tanh(values: Series) -> Series:
    """Return the hyperbolic tangent."""
    return recorded(op.TANH, values)


def ratio(numerator: Series, denominator: Series, *, flat: float) -> Series:
    """Divide; where the denominator is 0, because nothing moved or traded, the answer is `flat`."""
    return where(denominator == 0, flat, numerator / denominator)
