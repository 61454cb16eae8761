"""Read a submitted form: one encoding, few fields, a limited size. Values are kept out of every error."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.requests import Request

from tasks.core.errors import ConfigError

FORM = "application/x-www-form-urlencoded"
LARGEST_BYTES = 1 << 17
MOST_FIELDS = 4_000
LONGEST_FIELD = 16_384  # a detached signature is the longest


@dataclass(frozen=True)
class Form:
    """The fields of a form. A field that is missing is empty."""

    fields: Mapping[str, list[str]]

    def text(self, name: str) -> str:
        """Return the field; the last, if it was given more than once."""
        return self.fields.get(name, [""])[-1]

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Yield every name with each of its values."""
        for name, values in self.fields.items():
            for value in values:
                yield name, value


async def read_form(request: Request) -> Form:
    """Return the form. Raises ConfigError for another content type, a body that is too large, or too many fields."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise _unusable("it is not a form")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BYTES:
            raise _unusable("it is too large")
    return parse_form(bytes(body))


def parse_form(body: bytes) -> Form:
    """Return the fields of an encoded form. Raises ConfigError."""
    try:
        fields = parse_qs(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            encoding="utf-8",
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError:
        raise _unusable("its fields cannot be read") from None
    if any(len(value) > LONGEST_FIELD for values in fields.values() for value in values):
        raise _unusable("a field is too long")
    return Form(fields)


def _unusable(why: str) -> ConfigError:
    return ConfigError(f"The submitted form cannot be used: {why}.", remedy="Reload the page and try again.")
