"""Settings of the market data: location, providers, quality limits."""

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from config.section import Count, Fraction, NotNegative, Positive, Section


class FilesProvider(Section):
    """A directory of the user's files."""

    path: Path | None
    """Directory of CSV or Parquet files; needed when data.provider is files."""


class SimulatedProvider(Section):
    """The simulated market."""

    version: Literal[1, 2] | None
    """Version of the market (docs/simulated-market.md). null: the lake's version; a new lake gets the newest."""
    seed: int
    """Equal seeds give equal markets."""
    symbols: Annotated[int, Field(ge=20, le=20_000)]
    """Number of companies listed on an average session."""
    first_session: date
    """First session of the simulated history."""
    information_coefficient: Annotated[float, Field(ge=0, le=0.3)]
    """Strength of the planted alpha: correlation of true expected and realized 5-day returns; 0 plants none."""
    fault_rate: Annotated[float, Field(ge=0, le=0.01)]
    """Fraction of bars delivered with errors, to test the gates: missing, off by a factor of ten, stale, duplicate …"""


class RateLimit(Section):
    """Maximum number of requests by all processes of this home in any such period; null: no limit."""

    second: Count | None
    """Rate limit: maximum number of requests per second; null: no limit."""
    minute: Count | None
    """Rate limit: maximum number of requests per minute; null: no limit."""
    hour: Count | None
    """Rate limit: maximum number of requests per hour; null: no limit."""
    day: Count | None
    """Rate limit: maximum number of requests per day; null: no limit."""


class Network(Section):
    """Time limits of network providers; see docs/providers.md."""

    max_request_s: Annotated[float, Field(gt=0, le=3600)]
    """A request that is not complete after this many seconds is cut off and counts as failed."""
    max_refresh_s: Annotated[float, Field(gt=0, le=86_400)]
    """Time limit for all of one provider's requests in a refresh; after it, the next provider is used."""


class AlpacaProvider(Section):
    """Alpaca's market data."""

    feed: Literal["sip", "iex"]
    """Source of the trades in a bar: all exchanges (sip), or IEX alone."""
    rate_limit: RateLimit


class TiingoProvider(Section):
    """Tiingo's end-of-day prices."""

    rate_limit: RateLimit


class SessionBounds(Section):
    """Absolute bounds on the prices of a whole session; a session beyond one stops the run."""

    max_moved_frac: Fraction
    """Largest fraction of names that may move farther than data.quality.max_move_frac net of the benchmark."""
    max_moved_frac_strict: Fraction
    """The same when there are fewer names than `full_names`, or no usable benchmark (then for absolute moves)."""
    max_median_gap_frac: Positive
    """Largest difference between the median move and the benchmark's."""
    max_median_move_frac: Positive
    """Largest median move without a usable benchmark."""
    min_rank_correlation: Fraction
    """Smallest rank correlation of the closes with those of the previous session."""
    max_volume_ratio: Annotated[float, Field(gt=1, allow_inf_nan=False)]
    """Largest factor, up or down, between the median name's volume and that of the previous session."""
    full_names: Count
    """With fewer names than this, max_moved_frac_strict applies and the rank correlation is not checked."""


class LevelBounds(Section):
    """Bounds on the benchmark, the volatility index and the risk-free rate; a row beyond a bound is not used."""

    max_benchmark_fall_frac: Fraction
    """Largest fall of the benchmark in one session; in 1987 it was 20.5%."""
    max_benchmark_rise_frac: Positive
    """Largest rise of the benchmark in one session; in 1933 it was 16.6%."""
    min_volatility_index: Positive
    """Lowest volatility index, in percent."""
    max_volatility_index: Positive
    """Highest volatility index, in percent."""
    max_volatility_index_ratio: Annotated[float, Field(gt=1, allow_inf_nan=False)]
    """Largest factor, up or down, by which the volatility index may change in one session."""
    min_yield_pct: float
    """Lowest risk-free yield, in percent per year."""
    max_yield_pct: float
    """Highest risk-free yield, in percent per year."""
    max_yield_move_pct: Positive
    """Largest change in the risk-free yield in one session, in percentage points."""
    max_equal_sessions: Count
    """A close that is unchanged over more consecutive sessions than this is stale."""


class Quality(Section):
    """When data is good enough to trade on."""

    min_present_frac: Fraction
    """Smallest fraction of the expected symbols that must have a bar for the session; below it the run stops."""
    max_quarantined_frac: Fraction
    """Fraction of symbols in quarantine above which the run stops."""
    max_repeated_frac: Fraction
    """Largest fraction of bars that may equal those of the previous session; above it the session counts as stale."""
    max_move_frac: Positive
    """A move beyond this without a corporate action, and out of line with the market, is quarantined."""
    quarantine_sessions: Count
    """Number of sessions for which a symbol is not bought after its last finding."""
    session: SessionBounds
    levels: LevelBounds


class Universe(Section):
    """Which names may be bought, determined from trailing data only."""

    min_price_usd: NotNegative
    """Names that closed below this are not bought."""
    min_dollar_volume_usd: NotNegative
    """Names whose median dollar volume over the last 21 sessions is below this are not bought."""
    min_history_sessions: Count
    """Names with fewer bars than this are not scored."""


class FredProvider(Section):
    """The Federal Reserve's series: Treasury bill and volatility index."""

    rate_limit: RateLimit


class YahooProvider(Section):
    """Yahoo Finance; one symbol counts as one request."""

    rate_limit: RateLimit


class EdgarProvider(Section):
    """The Securities and Exchange Commission's register of companies."""

    rate_limit: RateLimit


IN_A_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9_-][A-Za-z0-9._-]*)+")


def valid_lake(name: str) -> str:
    """Return a valid location of a lake. The error does not repeat the value, which may contain a key."""
    if name != "home" and not IN_A_BUCKET.fullmatch(name):
        raise ValueError(
            "must be home, or s3://BUCKET/PREFIX: letters, digits, dots, hyphens and underscores between the "
            "slashes, and no slash at the end; keys and the endpoint are read from the environment"
        )
    return name


LakeName = Annotated[str, AfterValidator(valid_lake)]
ProviderName = Literal["simulated", "files", "alpaca", "tiingo", "fred", "yahoo", "edgar"]


class Data(Section):
    """Market data."""

    lake: LakeName
    """Location of the lake: home, or s3://BUCKET/PREFIX in an S3-compatible store; see docs/data-operations.md."""
    provider: ProviderName | Annotated[tuple[ProviderName, ...], Field(min_length=1)]
    """Source of the data. In a list, each table comes from the first provider that offers and delivers it."""
    compare_with: tuple[ProviderName, ...]
    """Providers whose bars are compared with those of data.provider; differences over 1% are reported."""
    benchmark: str
    """Symbol of the market benchmark."""
    volatility_index: str
    """Symbol of the volatility index."""
    symbols_file: Path | None
    """Symbols to request from network providers, one per line; without it, Alpaca's full list is requested."""
    first_session: date
    """First session of the history requested from network providers."""
    network: Network
    files: FilesProvider
    simulated: SimulatedProvider
    alpaca: AlpacaProvider
    tiingo: TiingoProvider
    fred: FredProvider
    yahoo: YahooProvider
    edgar: EdgarProvider
    quality: Quality
    universe: Universe

    @property
    def providers(self) -> tuple[ProviderName, ...]:
        """The providers in order; a single name is a list of one."""
        return self.provider if isinstance(self.provider, tuple) else (self.provider,)

    @property
    def is_simulated(self) -> bool:
        """Whether the market is simulated: prices and companies are fictitious."""
        return "simulated" in self.providers
