"""Turn columns of a file into days, numbers and text by stated rules (docs/data.md), or name the first bad cell.

Accepted besides YYYY-MM-DD and plain numbers: spaces around a cell, and midnight written behind a date. What can be
read in two ways (01/02/2024, 1,500) is never guessed.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tasks.data.providers.files.csv_faults import LONGEST_CELL
from tasks.data.schema.columns import Kind

if TYPE_CHECKING:
    import pyarrow as pa

MIDNIGHT = r"[ T]00:00(:00(\.0+)?)?(Z|[+-]\d\d:?\d\d)?$"

# what a refused cell most likely is, and what to write instead; the first that fits is told
REFUSED: Mapping[Kind, tuple[tuple[str, str, str], ...]] = {
    "day": (
        (r"\d{1,2}[/.-]\d{1,2}[/.-](\d{2}|\d{4})", "does not say which is the day and which the month", ""),
        (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d.*", "holds a time of day", "Leave the time out. "),
        (r"\d{8}", "is a date without hyphens", ""),
        (r"\d{9,}(\.\d+)?", "looks like seconds since 1970", "Write the date of the session. "),
        (r"\d{1,5}(\.\d+)?", "looks like a spreadsheet's number of a day", "Format the column as text. "),
    ),
    "number": (
        (r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?", "holds commas, of thousands or of decimals", ""),
        (r"[+-]?\d*,\d+", "has a decimal comma", ""),
        (r"[+-]?[\d ']+([.,]\d*)?", "holds separators of thousands", ""),
        (r"[$€£].*|.*[%$€£]", "holds a unit", "Leave units out. "),
    ),
}
FORM: Mapping[Kind, tuple[str, str]] = {
    "day": ("is not a valid date", "Write every date as YYYY-MM-DD"),
    "number": ("is not a number", "Write every number with a decimal point and no other separator"),
    "text": ("is not text in UTF-8", "Write text in UTF-8"),
}


class BadCellError(ValueError):
    """One cell that cannot be read: its row (0: the first), what it is, and what to write instead."""

    def __init__(self, row: int, value: object, what: str, remedy: str) -> None:
        super().__init__(what)
        self.row, self.value, self.what, self.remedy = row, value, what, remedy


def converted(values: "pa.ChunkedArray", kind: Kind) -> "pa.ChunkedArray":
    """Return the column as text, date32 or float64; a blank cell is null, or blank text. Raises BadCellError."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if _is_text(values) and kind != "text":
        values = pc.if_else(pc.equal(values, ""), pa.scalar(None, values.type), values)
    try:
        result = _cast(values, kind)
    except pa.ArrowException:
        result = _tidied(values, kind)
    if kind == "text":
        _refuse_long(result)
    return result


def is_numeric(values: "pa.ChunkedArray") -> bool:
    """Tell whether a column is one of numbers: its type says so, or most of its cells that are not blank do."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not _is_text(values):
        return bool(pa.types.is_integer(values.type) or pa.types.is_floating(values.type))
    written = pc.utf8_trim_whitespace(values).drop_null()
    written = written.filter(pc.not_equal(written, ""))
    number = pc.match_substring_regex(written, r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
    return 2 * (pc.sum(number).as_py() or 0) > len(written) or len(written) == 0


def _cast(values: "pa.ChunkedArray", kind: Kind) -> "pa.ChunkedArray":
    import pyarrow as pa
    import pyarrow.compute as pc

    is_wrong = {
        # as days since 1970, which nobody writes into a file by hand
        "day": pa.types.is_integer(values.type),
        "number": pa.types.is_boolean(values.type) or pa.types.is_temporal(values.type),
        "text": pa.types.is_boolean(values.type) or pa.types.is_floating(values.type),
    }[kind]
    if is_wrong and values.null_count < len(values):
        raise pa.ArrowInvalid("another type")
    if kind == "day" and pa.types.is_timestamp(values.type):
        local = pc.local_timestamp(values) if values.type.tz else values
        days = pc.cast(local, pa.date32())
        if not pc.all(pc.equal(pc.cast(days, local.type), local)).as_py() and len(values.drop_null()):
            raise pa.ArrowInvalid("a time of day")
        return days
    types: dict[Kind, pa.DataType] = {"text": pa.string(), "day": pa.date32(), "number": pa.float64()}
    if len(values) == 0:  # of whatever type: there is nothing to misread
        return pa.chunked_array([], types[kind])
    return pc.cast(values, types[kind])


def _tidied(values: "pa.ChunkedArray", kind: Kind) -> "pa.ChunkedArray":
    """Read the column once more without spaces around cells and midnight behind dates."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if _is_text(values) and kind != "text":
        tidy = pc.utf8_trim_whitespace(values)
        tidy = pc.replace_substring_regex(tidy, MIDNIGHT, "") if kind == "day" else tidy
        tidy = pc.if_else(pc.equal(tidy, ""), pa.scalar(None, tidy.type), tidy)
        try:
            return _cast(tidy, kind)
        except pa.ArrowException:
            raise _first_bad(tidy, kind) from None
    raise _first_bad(values, kind)


def _first_bad(values: "pa.ChunkedArray", kind: Kind) -> BadCellError:
    """Find the first cell that cannot be cast, by halves."""
    import pyarrow as pa

    low, high = 0, len(values)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            _cast(values.slice(low, middle - low), kind)
        except pa.ArrowException:
            high = middle
        else:
            low = middle
    return _bad_cell(values, low, kind)


def _bad_cell(values: "pa.ChunkedArray", row: int, kind: Kind) -> BadCellError:
    import pyarrow as pa

    try:
        value: object = values[row].as_py()
    except (ValueError, OverflowError):  # bytes that are no text; a day beyond the calendar
        return BadCellError(row, "", FORM[kind][0], FORM[kind][1])
    what, remedy = FORM[kind]
    if kind == "day" and pa.types.is_timestamp(values.type):
        return BadCellError(row, value, "holds a time of day", f"Leave the time out. {remedy}")
    for pattern, likely, first in REFUSED.get(kind, ()):
        if re.fullmatch(pattern, str(value)[: LONGEST_CELL + 1]):
            return BadCellError(row, value, likely, f"{first}{remedy}")
    return BadCellError(row, value, what, remedy)


def _refuse_long(values: "pa.ChunkedArray") -> None:
    import pyarrow.compute as pc

    length = pc.binary_length(values)
    if (pc.max(length).as_py() or 0) > LONGEST_CELL:
        row = pc.index(pc.greater(length, LONGEST_CELL), True).as_py()
        raise BadCellError(row, values[row].as_py(), f"is longer than {LONGEST_CELL:,} characters", "Cut it")


def _is_text(values: "pa.ChunkedArray") -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(values.type) or pa.types.is_large_string(values.type))
