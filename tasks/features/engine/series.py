"""Symbolic series: the argument of a feature's function, which records the operations applied to it.

A function is called once, with symbolic series, and returns the expression of its feature. Equal operations on equal
inputs give the same object, so that subexpressions shared by several features are computed once.
"""

import struct
from numbers import Real
from typing import NoReturn

from tasks.features.engine import machine


class Series:
    """One node of an expression: an operation and its inputs. Used like an array of one symbol's history."""

    __slots__ = ("name", "number", "operation", "parts", "size", "weights")
    __hash__ = None  # type: ignore[assignment]  # `==` compares row by row
    __array_ufunc__ = None  # NumPy defers operators to this class, and rejects its own functions

    def __init__(
        self,
        operation: int,
        parts: tuple["Series", ...] = (),
        *,
        size: int = 0,
        number: float = 0.0,
        weights: tuple[float, ...] = (),
        name: str = "",
    ) -> None:
        self.operation, self.parts, self.size, self.number = operation, parts, size, number
        self.weights, self.name = weights, name

    def __add__(self, other: "Number") -> "Series":
        return recorded(machine.ADD, self, series(other))

    def __sub__(self, other: "Number") -> "Series":
        subtrahend = series(other)
        if _is_quotient(self) and subtrahend.operation == machine.CONSTANT:
            return recorded(machine.DIVIDE, *self.parts, number=subtrahend.number)
        return recorded(machine.SUBTRACT, self, subtrahend)

    def __mul__(self, other: "Number") -> "Series":
        return recorded(machine.MULTIPLY, self, series(other))

    def __truediv__(self, other: "Number") -> "Series":
        """Merge nested quotients into one division, which takes as long as six multiplications."""
        divisor = series(other)
        if _is_quotient(divisor):
            dividend, its_divisor = divisor.parts
            return self * its_divisor / dividend
        if _is_quotient(self):
            dividend, its_divisor = self.parts
            return dividend / (its_divisor * divisor)
        return recorded(machine.DIVIDE, self, divisor)

    def __pow__(self, exponent: float) -> "Series":
        return self * self if exponent == 2 else recorded(machine.POWER, self, series(exponent))

    def __radd__(self, other: float) -> "Series":
        return series(other) + self

    def __rsub__(self, other: float) -> "Series":
        return series(other) - self

    def __rmul__(self, other: float) -> "Series":
        return series(other) * self

    def __rtruediv__(self, other: float) -> "Series":
        return series(other) / self

    def __neg__(self) -> "Series":
        return recorded(machine.NEGATIVE, self)

    def __abs__(self) -> "Series":
        return recorded(machine.ABSOLUTE, self)

    def __lt__(self, other: "Number") -> "Series":
        return recorded(machine.LESS, self, series(other))

    def __le__(self, other: "Number") -> "Series":
        return recorded(machine.LESS_EQUAL, self, series(other))

    def __gt__(self, other: "Number") -> "Series":
        return series(other) < self

    def __ge__(self, other: "Number") -> "Series":
        return series(other) <= self

    def __eq__(self, other: object) -> "Series":  # type: ignore[override]  # row by row, as arrays do
        return recorded(machine.EQUAL, self, series(other))

    def __ne__(self, other: object) -> "Series":  # type: ignore[override]  # row by row, as arrays do
        return ~(self == other)

    def __and__(self, other: "Series") -> "Series":
        return recorded(machine.AND, _mask(self), _mask(other))

    def __or__(self, other: "Series") -> "Series":
        return recorded(machine.OR, _mask(self), _mask(other))

    def __invert__(self) -> "Series":
        return recorded(machine.NOT, _mask(self))

    def __bool__(self) -> NoReturn:
        raise TypeError("A feature cannot use `if`: the condition differs from row to row. Use where().")

    def __array__(self, *_: object, **__: object) -> NoReturn:
        raise TypeError(
            "numpy's functions may look at a whole history. Use tasks/features/engine/arithmetic.py and rolling.py."
        )


Number = Series | float

_recorded: dict[tuple[object, ...], Series] = {}


def recorded(
    operation: int,
    *parts: Series,
    size: int = 0,
    number: float = 0.0,
    weights: tuple[float, ...] = (),
    name: str = "",
) -> Series:
    """Return the node; equal arguments give the same object."""
    key = (operation, *map(id, parts), size, struct.pack("d", number), weights, name)
    made = Series(operation, parts, size=size, number=number, weights=weights, name=name)
    return _recorded.setdefault(key, made)


def series(value: object) -> Series:
    """Return a number as a constant series."""
    if isinstance(value, Series):
        return value
    if not isinstance(value, Real):
        raise TypeError(
            f"A feature combines its inputs with numbers and each other, not with {type(value).__name__}."
        )
    return recorded(machine.CONSTANT, number=float(value))


def named(name: str) -> Series:
    """Return the symbolic input of this name."""
    return recorded(machine.INPUT, name=name)


def _is_quotient(values: Series) -> bool:
    return values.operation == machine.DIVIDE and values.number == 0.0


def _mask(values: Series) -> Series:
    if values.operation not in machine.MASKS:
        raise TypeError("&, | and ~ apply to comparisons, not to numbers.")
    return values
