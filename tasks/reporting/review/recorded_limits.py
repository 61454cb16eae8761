"""The risk limits of a day or of a revision, as its monitoring_log.json records them. Pure."""

from collections.abc import Mapping
from typing import Any

from tasks.approval.day import PublishedDay
from tasks.core.json_text import parse_json
from tasks.reporting.page.sections.risk_view import LABELS, limit_figure


def recorded_limits(day: PublishedDay) -> tuple[Mapping[str, Any], ...]:
    """Return every risk limit that was assessed; () where the release that made the day assessed none."""
    monitoring = parse_json(day.files["monitoring_log.json"])
    return tuple(monitoring.get("risk_assessment", {}).get("limits", ()))


def exceeded_limits(day: PublishedDay) -> tuple[str, ...]:
    """Return each exceeded limit in words: its name, its value and the limit."""
    return tuple(_words(one) for one in recorded_limits(day) if one["state"] == "breached")


def _words(one: Mapping[str, Any]) -> str:
    value, limit = (limit_figure(one["name"], number) for number in (one["value"], one["limit"]))
    return f"{LABELS.get(one['name'], one['name'])}: {value} (limit {limit})"
