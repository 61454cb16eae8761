"""The one template environment of everything that is sent or shown as HTML: the report, the review, the mails."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tasks.core.text import replace_unprintable


def html_environment(folder: Path) -> Environment:
    """Return an environment for the templates of a folder: escapes everything, and raises on undefined values."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def harmless(value: object) -> object:
    """Return a value with unprintable characters replaced, unless it is markup of our own."""
    return replace_unprintable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
