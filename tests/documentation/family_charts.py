"""Draw one chart per family for one stock: its price above, two of the features below.

The page may be white or dark: no background, and colors that can be read on both. Equal
panels give equal bytes. No pyplot: nothing global is touched.
"""

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tasks.data.schema.records import Days, Panel
from tasks.features.compute import compute_raw
from tasks.features.registry import selected, warm_up

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, LEFT, RIGHT, FOOT = 760, 8, 48, 24  # in CSS pixels
HEAD = 20  # space above each drawing for its title
PRICE_HEIGHT, FEATURE_HEIGHT = 130, 72
INK, LINES = "#7a828c", ("#3b8eea", "#d97706")
FONT = 11.0

Floats = NDArray[np.floating]

_UNSEEN = re.compile(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<metadata>.*?</metadata>|<!--.*?-->", re.DOTALL)
_FONTS = re.compile(r"font: ([\d.]+)px [^;\"]*")
_TAG = re.compile(r"<[^>]+>")  # numbers in text between tags are never rounded
_LONG_NUMBER = re.compile(r"\d+\.\d{2,}")


@dataclass(frozen=True)
class Picture:
    """The features drawn of a family, and the caption."""

    features: tuple[str, str]
    caption: str


PICTURES = {
    "returns": Picture(
        ("return_1", "return_20"),
        "A one-day return is mostly noise; a four-week return follows the price's swings.",
    ),
    "momentum": Picture(
        ("momentum_12m", "momentum_acceleration"),
        "The 12-month return turns long after the price; the difference between the last two half-years turns earlier.",
    ),
    "reversal": Picture(
        ("reversal_5", "reversal_on_volume_5"),
        "High after a fall. The volume-weighted version gives more weight to a fall with heavy selling.",
    ),
    "52-week high": Picture(
        ("distance_52w_high", "recency_52w_high"),
        "0 and 1 at a new high; afterwards one measures the distance below the high, the other the time since.",
    ),
    "trend": Picture(
        ("sma_ratio_50", "line_fit_63"),
        "The ratio to the mean shows the direction of the trend; the fit of the line shows its straightness.",
    ),
    "oscillators": Picture(
        ("rsi_14", "adx_14"),
        "RSI is high in a rise and low in a fall; ADX rises in both and falls without a trend.",
    ),
    "volatility": Picture(
        ("volatility_21", "deepest_drawdown_126"),
        "Volatility comes in clusters; the drawdown is the worst fall of the last half-year.",
    ),
    "ranges": Picture(
        ("atr_fraction_14", "choppiness_14"),
        "Bars are wide in volatile periods; choppiness is low when price moves add up, high when they cancel out.",
    ),
    "gaps": Picture(
        ("overnight_gap", "overnight_less_intraday_63"),
        "Single gaps are small without news; over a quarter they show whether returns arise overnight or intraday.",
    ),
    "market": Picture(
        ("beta_252", "residual_momentum_12m"),
        "Beta moves slowly; the return beyond beta × the market is idiosyncratic.",
    ),
    "volume": Picture(
        ("volume_ratio_5_63", "obv_slope_21"),
        "Volume relative to its usual level, and whether it was traded on rises or on falls.",
    ),
    "liquidity": Picture(
        ("amihud_21", "corwin_schultz_21"),
        "The price impact of 1 million USD, and the spread estimated from highs and lows.",
    ),
    "stationary": Picture(
        ("bollinger_20", "fractional_price_63"),
        "Both fluctuate around a constant level, whatever the level of the price.",
    ),
    "fundamentals": Picture(
        ("earnings_yield", "sales_growth"),
        "A step is a filing on the day it became public; between filings only the price changes a yield.",
    ),
    "calendar": Picture(
        ("days_to_month_end", "turn_of_month"),
        "The same for every stock: a model can only learn from them in combination with other features.",
    ),
    "alpha158": Picture(
        ("a158_rsv_20", "a158_corr_60"),
        "Position of the close in the range of 20 sessions, and the correlation of price and volume over 60.",
    ),
}


def file_name(family: str) -> str:
    """Return the file name of the family's chart."""
    return f"{family.replace(' ', '-')}.svg"


def family_charts(panel: Panel, symbol: str) -> dict[str, str]:
    """Return each family's chart as SVG by file name, over the sessions in which all features have values."""
    names = [name for picture in PICTURES.values() for name in picture.features]
    column = list(panel.symbols).index(symbol)
    first = warm_up(names) - 1
    values = compute_raw(panel, selected(names))[:, first:, column]
    by_name = dict(zip(names, values, strict=True))
    sessions, close = panel.sessions[first:], panel.raw_close[first:, column]
    return {
        file_name(family): _svg(family, sessions, close, {name: by_name[name] for name in picture.features})
        for family, picture in PICTURES.items()
    }


def _svg(family: str, sessions: Days, close: Floats, features: dict[str, Floats]) -> str:
    import matplotlib as mpl
    from matplotlib import style
    from matplotlib.figure import Figure

    rows = [
        ("price in USD", close, INK, PRICE_HEIGHT),
        *((*named, colour, FEATURE_HEIGHT) for named, colour in zip(features.items(), LINES, strict=True)),
    ]
    height = sum(HEAD + tall for *_, tall in rows) + FOOT
    buffer = io.BytesIO()
    with (
        style.context("default"),  # independent of a local matplotlibrc
        mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": family, "path.simplify_threshold": 0.3}),
    ):
        figure = Figure(figsize=(WIDTH / 72, height / 72), dpi=72)
        bottom = height
        for name, values, colour, tall in rows:
            bottom -= HEAD + tall
            _draw(_axes(figure, bottom=bottom / height, tall=tall / height), name, values, colour)
        _quarters(figure, sessions)
        figure.savefig(buffer, format="svg", metadata={"Date": None}, transparent=True)
    return without_invisible_parts(buffer.getvalue().decode())


def _axes(figure: "Figure", *, bottom: float, tall: float) -> "Axes":
    axes = figure.add_axes((LEFT / WIDTH, bottom, 1 - (LEFT + RIGHT) / WIDTH, tall))
    axes.set_frame_on(False)
    axes.grid(color=INK, alpha=0.25, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.yaxis.tick_right()
    axes.tick_params(length=0, labelsize=FONT, labelcolor=INK, labelbottom=False)
    return axes


def _draw(axes: "Axes", name: str, values: Floats, colour: str) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.plot(values, color=colour, linewidth=1.3)
    axes.set_xlim(0, len(values) - 1)
    if values.min() < 0 < values.max():
        axes.axhline(0, color=INK, linewidth=0.8)
    axes.yaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 2.5, 5, 10]))
    axes.text(0, 1, name, transform=axes.transAxes, color=colour, fontsize=FONT, va="bottom", weight="bold")


def _quarters(figure: "Figure", sessions: Days) -> None:
    """Mark the first session of each quarter in all drawings, and name it under the lowest."""
    quarter = sessions.astype("datetime64[M]").astype(np.int64) // 3
    places = np.flatnonzero(quarter[1:] != quarter[:-1]) + 1
    labels = [f"{sessions[place].item():%b %Y}" for place in places]
    for axes in figure.axes:
        axes.set_xticks(places.tolist(), labels)
    figure.axes[-1].tick_params(labelbottom=True)


def without_invisible_parts(document: str) -> str:
    """Remove what browsers do not need and invisible digits; convert points to pixels."""
    document = _FONTS.sub(r"font: \1px system-ui, sans-serif", _UNSEEN.sub("", document))
    document = _TAG.sub(_with_short_numbers, document)
    document = re.sub(r'="(\d+)pt"', r'="\1"', document)
    document = document.replace("\nL ", " ")  # a line is the default after a point
    return re.sub(r"\s*\n\s*", "\n", document).strip() + "\n"


def _with_short_numbers(tag: re.Match[str]) -> str:
    return _LONG_NUMBER.sub(lambda number: f"{float(number[0]):.1f}", tag[0])
