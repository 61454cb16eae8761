"""Draw a traded name's last year as a small SVG: its closes, when it was held, and the rank of its score below.

Written by hand, not by matplotlib: fifty of them take a few milliseconds.
"""

import numpy as np
from markupsafe import Markup

from tasks.core.text import counted, replace_unprintable
from tasks.reporting.day.name_histories import NameHistory
from tasks.reporting.page.numerals import short_date, usd

WIDTH = 320.0
LEFT, RIGHT, TOP, BOTTOM = 4.0, 66.0, 10.0, 92.0  # of the closes
RANK_TOP, RANK_BOTTOM = 110.0, 140.0
POINTS = 130  # of the line: about every second session

SVG = Markup(
    '<svg class="name-chart" viewBox="0 0 320 150" role="img" aria-labelledby="{key}">'
    '<title id="{key}">{title}</title>{held}<path class="close" d="{close}"/>{labels}{ranks}</svg>'
)


def name_chart(symbol: str, history: NameHistory, *, key: str) -> Markup | None:
    """Return the chart with its description, whose id is `key`; None where fewer than two closes are known."""
    known = np.flatnonzero(np.isfinite(history.close))
    if len(known) < 2:
        return None
    low, high = float(history.close[known].min()), float(history.close[known].max())
    x = LEFT + np.arange(len(history.close)) / (len(history.close) - 1) * (WIDTH - LEFT - RIGHT)
    y = BOTTOM - (history.close - low) / max(high - low, 1e-9) * (BOTTOM - TOP)
    shown = known[np.unique(np.linspace(0, len(known) - 1, min(POINTS, len(known))).astype(np.intp))]
    return SVG.format(
        key=key,
        title=_described(replace_unprintable(symbol), history, known),
        held=_held(history, x),
        close=_path(x[shown], y[shown]),
        labels=Markup("").join(
            [
                _label(TOP + 4, usd(high, 2)),
                _label(BOTTOM + 4, usd(low, 2)) if high > low else Markup(""),
            ]
        ),
        ranks=_ranks(history, x),
    )


def _path(x: np.ndarray, y: np.ndarray) -> str:
    return "M" + "L".join(f"{one:.1f} {other:.1f}" for one, other in zip(x, y, strict=True))


def _label(y: float, text: str) -> Markup:
    return Markup('<text x="{x:.0f}" y="{y:.0f}">{text}</text>').format(x=WIDTH - RIGHT + 6, y=y, text=text)


def _held(history: NameHistory, x: np.ndarray) -> Markup:
    """Shade the sessions on which the name was held."""
    rows = np.flatnonzero(np.isin(history.sessions, np.array(history.held, dtype="datetime64[D]")))
    width = max(x[1] - x[0], 1.0)
    return Markup("").join(
        Markup(
            '<rect class="held" x="{x:.1f}" y="{y:.0f}" width="{width:.1f}" height="{height:.0f}"/>'
        ).format(
            x=x[run[0]] - width / 2,
            y=TOP,
            width=x[run[-1]] - x[run[0]] + width,
            height=BOTTOM - TOP,
        )
        for run in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
        if len(run)
    )


def _ranks(history: NameHistory, x: np.ndarray) -> Markup:
    """Draw the percentile of the score: the best name at the top."""
    days = np.array(sorted(history.percentiles), dtype="datetime64[D]")
    rows = np.flatnonzero(np.isin(history.sessions, days))
    if not len(rows):
        return Markup("")
    values = np.array([history.percentiles[day] for day in history.sessions[rows].tolist()])
    y = RANK_BOTTOM - values * (RANK_BOTTOM - RANK_TOP)
    return Markup(
        '<path class="frame" d="M{left:.0f} {top:.0f}H{end:.0f}M{left:.0f} {bottom:.0f}H{end:.0f}"/>'
        '<path class="score" d="{path}"/><circle class="score-end" cx="{cx:.1f}" cy="{cy:.1f}" r="2.5"/>{label}'
    ).format(
        left=LEFT,
        end=WIDTH - RIGHT,
        top=RANK_TOP,
        bottom=RANK_BOTTOM,
        path=_path(x[rows], y),
        cx=x[rows[-1]],
        cy=y[-1],
        label=_label(float(y[-1]) + 4, f"score {100 * values[-1]:.0f}%"),
    )


def _described(symbol: str, history: NameHistory, known: np.ndarray) -> str:
    """Return the chart in words, for readers that cannot see it."""
    first, last = known[0], known[-1]
    change = history.close[last] / history.close[first] - 1
    since = short_date(history.sessions[first].astype("datetime64[D]").item())
    said = f"{symbol}: {usd(float(history.close[last]), 2)}, {100 * change:+.1f}% since {since}."
    if history.held:
        said += f" Held on {counted(len(history.held), 'published session')}, first on {short_date(history.held[0])}."
    if history.percentiles:
        latest = max(history.percentiles)
        said += (
            f" Score better than {100 * history.percentiles[latest]:.0f}% of names on {short_date(latest)}."
        )
    return said
