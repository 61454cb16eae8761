"""Render the pages and parts of the review: templates without inline script or style, every value escaped."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from tasks.core.reading import read_bytes
from tasks.reporting.page.document import environment, style
from tasks.reporting.review.health import exchange_time, time_left

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"
STATIC_FILES = {
    "icon.svg": "image/svg+xml",
    "htmx.min.js": "text/javascript; charset=utf-8",
    "review.js": "text/javascript; charset=utf-8",
    "review.css": "text/css; charset=utf-8",
}
REPORT_STYLE = "report.css"


def rendered(template: str, **values: Any) -> str:
    """Return the template as HTML."""
    return (
        templates().get_template(template).render(exchange_time=exchange_time, time_left=time_left, **values)
    )


@cache
def static_file(name: str) -> tuple[bytes, str] | None:
    """Return a file of the page and its content type; None for any other name."""
    if name == REPORT_STYLE:
        return str(style()).encode(), "text/css; charset=utf-8"
    kind = STATIC_FILES.get(name)
    return None if kind is None else (read_bytes(STATIC / name), kind)


@cache
def templates() -> Environment:
    """Return the report's environment with the templates of the review."""
    return environment().overlay(loader=FileSystemLoader(FOLDER / "templates"))
