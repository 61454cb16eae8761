"""The figures of the real market, S&P 500 from 2005 to April 2021, as `python -m tests.market` measures them.

The prices are not part of the repository. 239 of 496 members have prices in 2005, 485 of 505 in 2020.
"""

REAL: dict[str, float] = {
    "kurtosis_name": 12.763,
    "kurtosis_market": 16.050,
    "clustering_1": 0.262,
    "clustering_5": 0.247,
    "clustering_21": 0.152,
    "correlation_calm": 0.219,
    "correlation_median": 0.355,
    "correlation_wild": 0.559,
    "share_market": 0.388,
    "share_sector": 0.102,
    "share_own": 0.511,
    "component_1": 0.390,
    "component_2": 0.054,
    "components_2_to_6": 0.138,
    "dispersion_pct": 1.318,
    "dispersion_p95_to_p50": 2.200,
    "ic_deviation_momentum": 0.227,
    "t_momentum": 0.999,
    "ic_deviation_high_52w": 0.229,
    "t_high_52w": -0.822,
    "ic_deviation_low_volatility": 0.263,
    "t_low_volatility": -0.163,
    "ic_deviation_reversal": 0.169,
    "t_reversal": 3.136,
    "overnight_share": 0.315,
    "volume_size_correlation": 0.373,
    "spread_bps": 60.813,
    "joined_a_year": 25.003,
    "left_a_year": 24.386,
}
