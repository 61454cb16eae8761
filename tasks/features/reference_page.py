"""Write docs/features.md from the registry. Never reads or writes the file itself."""

from tasks.features.registry import FEATURES, warm_up
from tasks.features.schema import Feature

FORMS = {
    "rank": "rank 0–1",
    "zscore": "z-score, winsorised",
    "sector_rank": "rank 0–1 of the distance to the sector's median",
    "none": "as it is",
}

HEAD = """# Features

Written by `make docs` from `tasks/features/registry.py`; a test fails when it is out of date.

{count} features, the longest of which looks back {warm_up} sessions. Every value is computed from its window alone:
the day's row from the tail equals the full computation bit for bit, later rows change nothing, and a symbol's place
in the panel does not matter. Prices are total-return prices, so splits and dividends change no value. A session
without a bar has no value; a window of which less than four fifths are present has none either. Models are handed
the *form*, taken over the members of the session.

How to add one: [adding a feature](adding-a-feature.md).
"""


def features_page() -> str:
    """Return the page: one table per family, in the registry's order of families."""
    families = dict.fromkeys(feature.family for feature in FEATURES)
    sections = [_section(family, [f for f in FEATURES if f.family == family]) for family in families]
    return HEAD.format(count=len(FEATURES), warm_up=warm_up()) + "".join(sections)


def _section(family: str, features: list[Feature]) -> str:
    lines = [
        f"\n## {family[0].upper()}{family[1:]}\n",
        "| name | value | from | sessions | form | version |",
        "|---|---|---|---|---|---|",
        *(_row(feature) for feature in features),
    ]
    return "\n".join(lines) + "\n"


def _row(feature: Feature) -> str:
    inputs = ", ".join(feature.inputs)
    value = feature.description.replace("|", "\\|")
    form = FORMS[feature.transform]
    return f"| `{feature.name}` | {value} | {inputs} | {feature.window} | {form} | {feature.version} |"
