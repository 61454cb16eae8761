"""Convert a matplotlib figure into an inline SVG that follows the page's colors, fonts, and light or dark mode.

Figures are drawn with placeholder colors, which become the page's CSS variables here. Parts that a browser does not
need (prolog, metadata, unused ids) are removed. Equal figures give equal text.
"""

import io
import re
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Placeholders: all different, and none that matplotlib uses by itself.
VARIABLES = (
    "ink",
    "muted",
    "grid",
    "card",
    "accent",
    "gold",
    "good",
    "bad",
    "crash",
    "bear",
    "neutral",
    "bull",
    "bars",
    "violet",  # only where a page defines it
)
COLOUR = {name: f"#0a00{index + 16:02x}" for index, name in enumerate(VARIABLES)}

_DROP = re.compile(r"<metadata>.*?</metadata>|<defs>\s*<style.*?</style>\s*</defs>|<!--.*?-->", re.DOTALL)
_FONT = re.compile(r"font-family: [^;\"]*;? ?")
_ID = re.compile(r' id="([^"]+)"')
_REFERENCE = re.compile(r'(?:url\(|href=")#([^)"]+)')
_TAG = re.compile(r"<[^>]+>")  # numbers between tags are words that people read: never rounded
_LONG_NUMBER = re.compile(r"\d+\.\d{3,}")


def to_svg(figure: "Figure", *, key: str, title: str, description: str, css_class: str) -> str:
    """Render the figure as one <svg> element; `key` makes its ids unique in the page."""
    import matplotlib as mpl

    buffer = io.BytesIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": key, "path.simplify": True}):
        figure.savefig(buffer, format="svg", metadata={"Date": None}, transparent=True)
    width, height = (f"{72 * side:g}" for side in figure.get_size_inches())
    body = _inner(buffer.getvalue().decode())
    body = _own_ids(_DROP.sub("", body), key)
    body = _FONT.sub("", body).replace("xlink:href", "href")
    body = _TAG.sub(lambda tag: _LONG_NUMBER.sub(lambda found: f"{float(found[0]):.2f}", tag[0]), body)
    for name, colour in COLOUR.items():
        body = body.replace(colour, f"var(--{name})")
    body = re.sub(r"\s*\n\s*", " ", body)
    return (
        f'<svg class="{css_class}" viewBox="0 0 {width} {height}" role="img"'
        f' aria-labelledby="{key}-title {key}-description">'
        f'<title id="{key}-title">{escape(title)}</title><desc id="{key}-description">{escape(description)}</desc>'
        f"{body}</svg>"
    )


def _inner(document: str) -> str:
    start = document.index(">", document.index("<svg")) + 1
    return document[start : document.rindex("</svg>")]


def _own_ids(body: str, key: str) -> str:
    """Remove unreferenced ids; prefix the others with the chart's key."""
    used = set(_REFERENCE.findall(body))
    body = _ID.sub(lambda match: f' id="{key}-{match[1]}"' if match[1] in used else "", body)
    return _REFERENCE.sub(lambda match: match[0].replace(f"#{match[1]}", f"#{key}-{match[1]}"), body)
