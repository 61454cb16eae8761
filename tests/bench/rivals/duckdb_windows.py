"""The twenty features as window functions of SQL, in DuckDB."""

import math

import duckdb
import pyarrow as pa

WINDOWS = (5, 14, 20, 60, 120, 252)


def connected(bars: pa.Table) -> duckdb.DuckDBPyConnection:
    """Return a database in memory, on two threads, with the bars in its own format."""
    connection = duckdb.connect(config={"threads": 2})
    connection.register("given", bars)
    connection.execute("CREATE TABLE bars AS SELECT * FROM given")
    return connection


def twenty(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """Return symbol, session and the features as FLOAT columns, in any order of rows."""
    return connection.sql(QUERY).to_arrow_table()


def _rolled(figure: str, of: str, window: int) -> str:
    """Require four fifths of the window."""
    first = of.split(",", maxsplit=1)[0]
    least = math.ceil(0.8 * window)
    return f"CASE WHEN count({first}) OVER w{window} >= {least} THEN {figure}({of}) OVER w{window} END"


def _z_score(of: str, window: int) -> str:
    return f"({of} - {_rolled('avg', of, window)}) / {_rolled('stddev_samp', of, window)}"


COLUMNS = {
    **{f"close_to_mean_{n}": f"close / {_rolled('avg', 'close', n)} - 1" for n in (5, 20, 60)},
    **{f"deviation_{n}": _rolled("stddev_samp", "returns", n) for n in (20, 60, 120)},
    **{f"z_score_{n}": _z_score("close", n) for n in (20, 60)},
    "volume_z_score_20": _z_score("volume", 20),
    **{f"change_{n}": f"close / lag(close, {n}) OVER history - 1" for n in (5, 21, 63, 126)},
    "rsi_14": f"100 * {_rolled('sum', 'gain', 14)} / {_rolled('sum', 'abs(step)', 14)}",
    "atr_14": f"{_rolled('avg', 'true_range', 14)} / close",
    "below_high_252": f"close / {_rolled('max', 'high', 252)} - 1",
    "above_low_252": f"close / {_rolled('min', 'low', 252)} - 1",
    **{f"market_correlation_{n}": _rolled("corr", "returns, market_return", n) for n in (60, 120)},
    "volume_ratio_5_60": f"{_rolled('avg', 'volume', 5)} / {_rolled('avg', 'volume', 60)}",
}
QUERY = f"""
    WITH lagged AS (
        SELECT *, lag(close) OVER (PARTITION BY symbol ORDER BY session) AS before FROM bars
    ), moved AS (
        SELECT *,
            close / before - 1 AS returns,
            close - before AS step,
            CASE WHEN step IS NOT NULL THEN greatest(step, 0) END AS gain,
            CASE WHEN step IS NOT NULL THEN greatest(high, before) - least(low, before) END AS true_range
        FROM lagged
    )
    SELECT symbol, session, {", ".join(f"CAST({sql} AS FLOAT) AS {name}" for name, sql in COLUMNS.items())}
    FROM moved
    WINDOW history AS (PARTITION BY symbol ORDER BY session),
        {", ".join(f"w{n} AS (history ROWS {n - 1} PRECEDING)" for n in WINDOWS)}
"""  # noqa: S608 - made of the constants above
