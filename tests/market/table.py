"""Compare the figures of two markets, or those of many simulated ones with the real market."""

from collections.abc import Mapping, Sequence

import numpy as np

Figures = Mapping[str, float]
TITLES = {
    "kurtosis_name": "excess kurtosis of daily returns, median name",
    "kurtosis_market": "… of the benchmark",
    "clustering_1": "autocorrelation of absolute returns at 1 session",
    "clustering_5": "… at 5",
    "clustering_21": "… at 21",
    "correlation_calm": "pairwise correlation of half a year, 10% quantile",
    "correlation_median": "… median",
    "correlation_wild": "… 90% quantile",
    "share_market": "variance explained by the mean of all names",
    "share_sector": "… by the sector in addition",
    "share_own": "… by neither",
    "component_1": "share of principal component 1",
    "component_2": "… 2",
    "components_2_to_6": "… 2 to 6",
    "dispersion_pct": "dispersion of a session, median, percent",
    "dispersion_p95_to_p50": "… 95% quantile / median",
    "ic_deviation_momentum": "standard deviation of a session's rank IC: momentum",
    "ic_deviation_high_52w": "… 52-week high",
    "ic_deviation_low_volatility": "… low volatility",
    "ic_deviation_reversal": "… reversal",
    "t_momentum": "t-statistic of the rank IC: momentum",
    "t_high_52w": "… 52-week high",
    "t_low_volatility": "… low volatility",
    "t_reversal": "… reversal",
    "overnight_share": "overnight share of variance",
    "volume_size_correlation": "correlation of volume and absolute return",
    "spread_bps": "spread estimate, basis points",
    "joined_a_year": "names joining an index of 500 per year",
    "left_a_year": "… leaving",
    "ic_1": "IC of the planted alpha with the idiosyncratic return of 1 session",
    "ic_5": "… 5 sessions",
    "ic_21": "… 21 sessions",
    "ic_63": "… 63 sessions",
    "persistence_5": "correlation of expectations 5 sessions apart",
    "persistence_10": "… 10",
    "persistence_21": "… 21",
    "persistence_63": "… 63",
}
# two kinds of closeness: what hardly changes between periods, and what does (reality itself is not constant)
WITHIN_A_QUARTER = (
    *(
        name
        for name in TITLES
        if name.startswith(("correlation_", "share_", "component", "dispersion_", "ic_deviation_"))
    ),
)
IN_THE_BAND = (*(name for name in TITLES if name.startswith(("kurtosis_", "clustering_"))), "t_high_52w")
TOLERANCE, BAND = 0.25, (0.1, 0.9)


def misses(markets: Sequence[Figures], real: Figures) -> list[str]:
    """Return the figures in which the simulated markets are not as close to the real one as promised."""
    far = [
        f"{name}: median {_median(markets, name):.3f}, real {real[name]:.3f}"
        for name in WITHIN_A_QUARTER
        if abs(_median(markets, name) / real[name] - 1) > TOLERANCE
    ]
    for name in IN_THE_BAND:
        low, high = _band(markets, name)
        if not low <= real[name] <= high:
            far.append(f"{name}: band {low:.3f} to {high:.3f}, real {real[name]:.3f}")
    return far


def many_table(markets: Sequence[Figures], real: Figures) -> str:
    """Write the medians and bands of many simulated markets next to the real figures, in Markdown."""
    lines = ["| figure | real | simulated, median | 10% to 90% |", "|---|---|---|---|"]
    for name, title in TITLES.items():
        if name in markets[0]:
            low, high = _band(markets, name)
            known = _written(real[name]) if name in real else ""
            lines.append(
                f"| {title} | {known} | {_written(_median(markets, name))} | {_written(low)} to {_written(high)} |"
            )
    return "\n".join(lines)


def pair_table(first: Figures, second: Figures, names: tuple[str, str]) -> str:
    """Write the figures of two markets side by side, in Markdown."""
    lines = [f"| figure | {names[0]} | {names[1]} |", "|---|---|---|"]
    for name, title in TITLES.items():
        if name in first or name in second:
            both = (_written(figures[name]) if name in figures else "" for figures in (first, second))
            lines.append(f"| {title} | {' | '.join(both)} |")
    return "\n".join(lines)


def _median(markets: Sequence[Figures], name: str) -> float:
    return float(np.nanmedian([market[name] for market in markets]))


def _band(markets: Sequence[Figures], name: str) -> tuple[float, float]:
    low, high = np.nanquantile([market[name] for market in markets], BAND)
    return float(low), float(high)


def _written(value: float) -> str:
    digits = 1 if abs(value) >= 5 else 2 if abs(value) >= 1 else 3
    return f"{value:.{digits}f}".replace("-", "−")
