"""Write the measured tables between the two markers in docs/performance.md."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


@dataclass(frozen=True)
class Row:
    """One measurement: ours, the baseline, and the goal."""

    work: str
    ours: str
    baseline: str
    ratio: str
    goal: str

    def markdown(self) -> str:
        return f"| {self.work} | {self.ours} | {self.baseline} | {self.ratio} | {self.goal} |"


def table(rows: list[Row], *, figures: tuple[str, str] = ("ours", "baseline in the same run")) -> str:
    """Write the rows as a Markdown table. `figures`: the headings of `ours` and `baseline`."""
    head = [f"| work | {' | '.join(figures)} | ratio | goal |", "|---|---|---|---|---|"]
    return "\n".join([*head, *(row.markdown() for row in rows)])


def sections_of(page: str) -> dict[str, str]:
    """Return the tables between the markers, by title."""
    measured = page.split(BEGIN)[1].split(END, maxsplit=1)[0]
    return {
        title: text.strip()
        for title, text in re.findall(r"^### (.+?)\n(.*?)(?=^### |\Z)", measured, re.MULTILINE | re.DOTALL)
    }


def with_sections(page: str, sections: Mapping[str, str], machine: str) -> str:
    """Return the page with these tables, and no others, between the markers."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    body = "\n\n".join([machine, *(f"### {title}\n\n{text}" for title, text in sections.items())])
    return f"{before}{BEGIN}\n\n{body}\n\n{END}{after}"
