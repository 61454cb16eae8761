"""Keep the measured table in docs/performance.md between its two markers."""

from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


@dataclass(frozen=True)
class Row:
    """One piece of work: ours, what it is compared with, and the goal."""

    work: str
    ours: str
    baseline: str
    ratio: str
    goal: str

    def markdown(self) -> str:
        return f"| {self.work} | {self.ours} | {self.baseline} | {self.ratio} | {self.goal} |"


def table(rows: list[Row]) -> str:
    """Write the rows as a Markdown table."""
    head = ["| work | ours | baseline in the same run | ratio | goal |", "|---|---|---|---|---|"]
    return "\n".join([*head, *(row.markdown() for row in rows)])


def write(sections: dict[str, str], machine: str) -> None:
    """Replace what stands between the markers."""
    page = PAGE.read_text()
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    body = "\n\n".join([machine, *(f"### {title}\n\n{text}" for title, text in sections.items())])
    PAGE.write_text(f"{before}{BEGIN}\n\n{body}\n\n{END}{after}")
