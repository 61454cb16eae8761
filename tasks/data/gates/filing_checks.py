"""Judge published figures: a filing of the future, two that contradict each other, a figure in the wrong column.

A filing that fails is not stored. Its company may still be bought: prices do not depend on it.
"""

import numpy as np
import pandas as pd

from tasks.data.schema.finding_rows import make_findings
from tasks.data.schema.records import Mask
from tasks.data.schema.tables import SPECS

SIZES = (
    "book",
    "shares",
    "assets",
    "market_cap",
)  # figures that never change a thousandfold between two filings
FAR_TIMES = 1000.0


def judge_figures(filings: pd.DataFrame, known: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the new filings that can be true, and findings on the others. `known` are those stored before."""
    key = list(SPECS["fundamentals"].key)
    single = filings.drop_duplicates(ignore_index=True)
    is_early = (single["available_date"] < single["end_date"]).to_numpy()
    is_double = single.duplicated(key, keep=False).to_numpy() & ~is_early
    figure = _far_off(single, known)
    is_odd = (figure != "").to_numpy() & ~is_early & ~is_double
    ended = single["end_date"].dt.strftime("%Y-%m-%d")
    findings = [
        _find(single, is_early, "early_filing", "of the period to " + ended + ", which had not ended"),
        _find(single, is_double, "conflicting_filing", "two filings of one day for the period to " + ended),
        _find(single, is_odd, "impossible_figure", figure + ", in the period to " + ended),
    ]
    return single[~(is_early | is_double | is_odd)], pd.concat(findings, ignore_index=True)


def _far_off(filings: pd.DataFrame, known: pd.DataFrame) -> pd.Series:
    """Name the size that is a thousand times, or a thousandth, of what the company filed the two times before."""
    told = pd.Series("", index=filings.index, dtype="str")
    for name in [size for size in SIZES if size in filings.columns]:
        columns = ["symbol", "available_date", "end_date", name]
        both = pd.concat([known.reindex(columns=columns), filings[columns]], keys=["known", "new"])
        both = both[both[name].notna() & (both[name] != 0)]
        both = both.sort_values(["symbol", "available_date", "end_date"], kind="stable")
        size = both[name].abs()
        own = size.groupby(both["symbol"])
        last, one_more = own.shift(1), own.shift(2)
        far = _is_far(size, last) & (_is_far(size, one_more) | one_more.isna().to_numpy())
        text = [
            f"{name} {value:.6g}, before {was:.6g}"
            for value, was in zip(both[name][far], last[far], strict=True)
        ]
        found = pd.Series(text, index=both.index[far], dtype="str")
        found = found[found.index.get_level_values(0) == "new"].droplevel(0)
        told.loc[found.index] = found
    return told


def _is_far(size: pd.Series, before: pd.Series) -> Mask:
    times = size.to_numpy(dtype=np.float64) / before.to_numpy(dtype=np.float64)
    far: Mask = np.abs(np.log(times)) > np.log(FAR_TIMES)
    return far


def _find(filings: pd.DataFrame, found: Mask, rule: str, evidence: pd.Series) -> pd.DataFrame:
    rows = filings[found].assign(session=filings.loc[found, "available_date"])
    unique = rows.assign(evidence=evidence[found]).drop_duplicates(["symbol", "session"])
    return make_findings(unique, rule, "note", unique["evidence"], "not stored")
