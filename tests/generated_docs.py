"""Rewrite the pages in docs/ that are made from the code (`make docs`). A test fails when one is stale."""

from pathlib import Path

from config import reference

DOCS = Path(__file__).parents[1] / "docs"


def main() -> None:
    """Write every generated page."""
    (DOCS / "configuration.md").write_text(reference.page())


if __name__ == "__main__":
    main()
