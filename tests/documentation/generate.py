"""Rewrite the pages generated from code (`make docs`). A test fails for each stale page."""

from pathlib import Path

from config.reference import reference
from tasks.features.registry import warm_up
from tests.documentation import (
    costs_page,
    dashboards,
    metrics_page,
    optimizers_page,
    reliability_page,
    sql_page,
)
from tests.documentation.family_charts import family_charts
from tests.documentation.features_page import features_page
from tests.simulated import known_market

DOCS = Path(__file__).parents[2] / "docs"
FEATURE_CHARTS = DOCS / "images" / "features"

SHARE = "TOXW"  # it rises, falls by half and recovers within the two years
SHOWN_SESSIONS = 504


def feature_charts() -> dict[str, str]:
    """Return the charts of docs/features.md by file name, for one share of a small simulated market."""
    sessions = SHOWN_SESSIONS + warm_up() - 1
    # version 1: the charts show how a feature reads a path of prices, and this share has one that shows it
    market = known_market(seed=5, symbols=20, sessions=sessions, information_coefficient=0.05, version=1)
    return family_charts(market.panel, SHARE)


def main() -> None:
    """Write every generated page."""
    (DOCS / "configuration.md").write_text(reference())
    costs_page.PAGE.write_text(costs_page.with_tables(costs_page.PAGE.read_text(), costs_page.tables()))
    (DOCS / "features.md").write_text(features_page())
    dashboards.write()
    metrics_page.write()
    optimizers_page.write()
    sql_page.write()
    reliability_page.PAGE.write_text(reliability_page.with_tests(reliability_page.PAGE.read_text()))
    FEATURE_CHARTS.mkdir(parents=True, exist_ok=True)
    for name, svg in feature_charts().items():
        (FEATURE_CHARTS / name).write_text(svg)


if __name__ == "__main__":
    main()
