"""Write the tables of docs/metrics-and-alerts.md from the catalog of metrics and the alert rules."""

from collections.abc import Iterator
from pathlib import Path

import yaml

from tasks.reporting.telemetry.catalogue import CATALOGUE

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "metrics-and-alerts.md"
RULES = ROOT / "config" / "prometheus" / "alerts.yaml"


def with_tables(page: str) -> str:
    """Return the page with both tables between their marks."""
    for name, lines in (("metrics", _metrics()), ("alerts", _alerts())):
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        before, _, rest = page.partition(begin)
        page = before + begin + "\n".join(lines) + "\n" + rest[rest.index(end) :]
    return page


def write() -> None:
    """Rewrite the page."""
    PAGE.write_text(with_tables(PAGE.read_text()))


def _metrics() -> Iterator[str]:
    yield "| metric | label | meaning |"
    yield "|---|---|---|"
    for metric in CATALOGUE.values():
        label = f"`{metric.label}`" if metric.label else ""
        yield f"| `{metric.name}` | {label} | {metric.meaning} |"


def _alerts() -> Iterator[str]:
    yield "| alert | severity | fires if | after |"
    yield "|---|---|---|---|"
    for rule in yaml.safe_load(RULES.read_text())["groups"][0]["rules"]:
        lasts = rule.get("for", "at once")
        yield f"| `{rule['alert']}` | {rule['labels']['severity']} | `{rule['expr']}` | {lasts} |"
