"""The reference of docs/sql.md, generated from the catalog of views."""

from pathlib import Path

from tasks.monitoring.views.catalog import VIEWS
from tasks.monitoring.views.schema import View

PAGE = Path(__file__).parents[2] / "docs" / "sql.md"
START, END = "<!-- tables: make docs -->\n", "<!-- end -->"


def with_reference(page: str) -> str:
    """Return the page with a table for each view."""
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}{''.join(_table(view) for view in VIEWS.values())}\n{END}{after}"


def _table(view: View) -> str:
    rows = "".join(f"| `{column.name}` | {column.kind} | {column.about} |\n" for column in view.columns)
    return f"\n### {view.name}\n\n{view.about}\n\n| column | kind | |\n|---|---|---|\n{rows}"


def write() -> None:
    """Rewrite the page."""
    PAGE.write_text(with_reference(PAGE.read_text()))
