"""Convert columns of a file to days, numbers and text by fixed rules (docs/data.md), or report the first bad cell.

Also accepted: spaces around a value, and midnight after a date. Ambiguous values
(01/02/2024, 1,500) are never guessed.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tasks.data.providers.files.csv_faults import LONGEST_CELL
from tasks.data.schema.columns import Kind

if TYPE_CHECKING:
    import pyarrow as pa

MIDNIGHT = r"[ T]00:00(:00(\.0+)?)?(Z|[+-]\d\d:?\d\d)?$"

# the likely problem of a bad cell, and the remedy; the first match applies
REFUSED: Mapping[Kind, tuple[tuple[str, str, str], ...]] = {
    "day": (
        (r"\d{1,2}[/.-]\d{1,2}[/.-](\d{2}|\d{4})", "is ambiguous: day and month cannot be distinguished", ""),
        (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d.*", "contains a time of day", "Remove the time. "),
        (r"\d{8}", "is a date without hyphens", ""),
        (r"\d{9,}(\.\d+)?", "looks like a Unix timestamp", "Write the date of the session. "),
        (r"\d{1,5}(\.\d+)?", "looks like a spreadsheet date serial number", "Format the column as text. "),
    ),
    "number": (
        (r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?", "contains commas, for thousands or decimals", ""),
        (r"[+-]?\d*,\d+", "has a decimal comma", ""),
        (r"[+-]?[\d ']+([.,]\d*)?", "contains thousands separators", ""),
        (r"[$€£].*|.*[%$€£]", "contains a unit", "Remove units. "),
    ),
}
FORM: Mapping[Kind, tuple[str, str]] = {
    "day": ("is not a valid date", "Write every date as YYYY-MM-DD"),
    "number": ("is not a number", "Write every number with a decimal point and no other separator"),
    "text": ("is not text in UTF-8", "Write text in UTF-8"),
}


class BadCellError(ValueError):
    """A cell that cannot be read: its row (0: the first), its value, the problem and the remedy."""

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
        result = _cast_trimmed(values, kind)
    if kind == "text":
        _refuse_long(result)
    return result


def is_numeric(values: "pa.ChunkedArray") -> bool:
    """Return whether a column is numeric, by its type or by most of its non-blank cells."""
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
        # would be read as days since 1970
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
    if len(values) == 0:  # any type: there is nothing to misread
        return pa.chunked_array([], types[kind])
    return pc.cast(values, types[kind])


def _cast_trimmed(values: "pa.ChunkedArray", kind: Kind) -> "pa.ChunkedArray":
    """Cast the column without surrounding spaces and midnight after dates; raise BadCellError if that fails."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if _is_text(values) and kind != "text":
        trimmed = pc.utf8_trim_whitespace(values)
        trimmed = pc.replace_substring_regex(trimmed, MIDNIGHT, "") if kind == "day" else trimmed
        trimmed = pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, trimmed.type), trimmed)
        try:
            return _cast(trimmed, kind)
        except pa.ArrowException:
            raise _first_bad(trimmed, kind) from None
    raise _first_bad(values, kind)


def _first_bad(values: "pa.ChunkedArray", kind: Kind) -> BadCellError:
    """Find the first cell that cannot be cast, by bisection."""
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
    except (ValueError, OverflowError):  # invalid UTF-8; a day outside the calendar
        return BadCellError(row, "", FORM[kind][0], FORM[kind][1])
    what, remedy = FORM[kind]
    if kind == "day" and pa.types.is_timestamp(values.type):
        return BadCellError(row, value, "contains a time of day", f"Remove the time. {remedy}")
    for pattern, likely, first in REFUSED.get(kind, ()):
        if re.fullmatch(pattern, str(value)[: LONGEST_CELL + 1]):
            return BadCellError(row, value, likely, f"{first}{remedy}")
    return BadCellError(row, value, what, remedy)


def _refuse_long(values: "pa.ChunkedArray") -> None:
    import pyarrow.compute as pc

    length = pc.binary_length(values)
    if (pc.max(length).as_py() or 0) > LONGEST_CELL:
        row = pc.index(pc.greater(length, LONGEST_CELL), True).as_py()
        raise BadCellError(
            row, values[row].as_py(), f"is longer than {LONGEST_CELL:,} characters", "Shorten it"
        )


def _is_text(values: "pa.ChunkedArray") -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(values.type) or pa.types.is_large_string(values.type))
