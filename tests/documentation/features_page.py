"""Write docs/features.md from the registry. Never reads or writes the file itself."""

from tasks.features.engine.feature import Feature
from tasks.features.registry import FAMILIES, FEATURES, reach, warm_up
from tasks.features.sets import SETS
from tests.documentation.family_charts import PICTURES, file_name

FORMS = {
    "rank": "rank",
    "zscore": "z-score",
    "sector_rank": "rank in sector",
    "neutral_rank": "neutral rank",
    "none": "as it is",
}

HEAD = """# Features

Written by `make docs` from `tasks/features/registry.py`; a test fails when it is out of date.

{count} features in {families} families; none looks back further than {warm_up} sessions. Every value is computed
from its window alone: the day's row from the tail equals the full computation bit for bit, later rows change nothing,
and a symbol's place in the panel does not matter. Prices are total-return prices, so splits and dividends change no
value. A session without a bar has no value; a window of which less than four fifths are present has none either.

A model learns one set of them, which `models.features` in the [settings](configuration.md) names:
{sets}. How to add a feature: [adding a feature](adding-a-feature.md).

{contents}

## How to read the tables

- **formula**: the value before its form. *mean*, *Σ*, *largest* and so on run over what is present in the window;
  *deviation*, *variance* and *covariance* are a sample's (n − 1); a *line* is fitted by least squares. *EMA n* weighs
  the bar k sessions ago by (1 − 2 / (n + 1))ᵏ and is cut after 5 n sessions. *True range* is max(high, close before)
  − min(low, close before), *market value* shares × raw_close. After a semicolon: what stands for 0 / 0, when nothing
  moved or traded; for Alpha158 [its page](alpha158.md) says so.
- **inputs**: `returns` are close / close before − 1, `market_returns` the same of the benchmark's total-return level,
  `raw_close` and `dollar_volume` as on the tape of the day, fundamentals as public on it.
- **window**: how many sessions the formula looks at, the day itself included.
- **warm-up**: how many sessions of the panel come before the first value, in its form.
- **form**: what a model is handed, over the members of the session. *rank*: 0 the smallest, 1 the largest, equals
  share their mean. *z-score*: distance from the mean in deviations, the outermost 1% drawn in. *rank in sector*: rank
  of the distance to the sector's median. *neutral rank*: rank of what a least-squares fit of the rank on sector, size
  and beta leaves unexplained.
- **version**: goes up when the same bars give another value; a model trained on the old one is refused.

The pictures show formulas, before their form, over two years of one share of the
[simulated market](simulated-market.md).
"""


def features_page() -> str:
    """Return the page: for each family what it means, a picture and a table, in the registry's order."""
    families = [(family.FEATURES[0].family, family.FEATURES, family.__doc__ or "") for family in FAMILIES]
    contents = " · ".join(
        f"[{name}](#{name.replace(' ', '-')}) {len(features)}" for name, features, _ in families
    )
    head = HEAD.format(
        count=len(FEATURES),
        families=len(families),
        warm_up=warm_up(),
        sets=", ".join(f"`{name}` ({len(members)})" for name, members in SETS.items()),
        contents=contents,
    )
    return head + "".join(_section(*family) for family in families)


def _section(family: str, features: tuple[Feature, ...], docstring: str) -> str:
    meaning, picture = docstring.split("\n\n", maxsplit=1)[0].replace("\n", " "), PICTURES[family]
    lines = [
        f"\n## {family[0].upper()}{family[1:]}\n",
        f"{meaning}\n",
        f"![{' and '.join(picture.features)} under a share's price](images/features/{file_name(family)})\n",
        f"*{picture.caption}*\n",
        "| name | formula | inputs | window | warm-up | form | version |",
        "|---|---|---|---|---|---|---|",
        *(_row(feature) for feature in features),
    ]
    return "\n".join(lines) + "\n"


def _row(feature: Feature) -> str:
    cells = (
        f"`{feature.name}`",
        feature.description.replace("|", "\\|"),
        ", ".join(feature.inputs),
        feature.window,
        reach(feature) - 1,
        FORMS[feature.transform],
        feature.version,
    )
    return f"| {' | '.join(str(cell) for cell in cells)} |"
