"""Rewrite the pages that are generated from code: `make docs`. A test of each page fails while it is stale."""

from pathlib import Path

from config.reference import reference
from tasks.features.reference_page import features_page

DOCS = Path(__file__).parents[1] / "docs"


def main() -> None:
    """Write every generated page."""
    (DOCS / "configuration.md").write_text(reference())
    (DOCS / "features.md").write_text(features_page())


if __name__ == "__main__":
    main()
