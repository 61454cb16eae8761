"""Read a report as a browser does: text by element, tags, attributes. Only for tests."""

from html.parser import HTMLParser
from typing import NamedTuple


class Figure(NamedTuple):
    """A figure of the page: its name, its exact value, and the text that a person reads."""

    name: str
    value: float
    shown: str


class Report(HTMLParser):
    """Every tag with its attributes, and the cells of every table row as text."""

    def __init__(self, html: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: dict[str, list[list[str]]] = {}
        self.figures: list[Figure] = []  # what the page marks as a figure, in order
        self._figure: tuple[str, str] | None = None
        self._shown: list[str] = []
        self._table = ""
        self._cell: list[str] | None = None
        self._skip = 0
        self.words: list[str] = []
        self.feed(html.decode())

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "data":
            given = dict(attrs)
            self._figure, self._shown = (given["data-figure"] or "", given["value"] or ""), []
        if tag == "table":
            self._table = (dict(attrs).get("class") or "dropped").split()[0]
            self.rows[self._table] = []
        elif tag == "tr" and self._table:
            self.rows[self._table].append([])
        elif tag in {"td", "th"} and self._table:
            self._cell = []
        elif tag in {"style", "svg"}:
            self._skip += 1

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"} and self._cell is not None:
            self.rows[self._table][-1].append(" ".join(" ".join(self._cell).split()))
            self._cell = None
        elif tag == "table":
            self._table = ""
        elif tag == "data" and self._figure is not None:
            name, value = self._figure
            self.figures.append(Figure(name, float(value or "nan"), "".join(self._shown).strip()))
            self._figure = None
        elif tag in {"style", "svg"}:
            self._skip -= 1

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)
        if self._figure is not None:
            self._shown.append(data)
        if not self._skip:
            self.words.append(data)


def figure(text: str) -> float:
    """Read a figure of the report back: $1,234.50, −3.2%, 12."""
    plain = text.replace("\N{MINUS SIGN}", "-").replace("$", "").replace(",", "")
    return float(plain[:-1]) / 100 if plain.endswith("%") else float(plain)
