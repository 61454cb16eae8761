"""Check filings: a period that has not ended, two contradictory filings, an item in the wrong unit, column or sign.

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
)  # items that do not change this much between two filings
POSITIVE = ("shares", "market_cap")  # zero or negative for no company
MAX_RATIO = 500.0  # items in thousands are off by 1,000, times or divided by a quarter's growth


def check_filings(filings: pd.DataFrame, known: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the plausible new filings, and findings on the others. `known` are the stored ones."""
    key = list(SPECS["fundamentals"].key)
    single = filings.drop_duplicates(ignore_index=True)
    is_early = (single["available_date"] < single["end_date"]).to_numpy()
    is_contradicted = single.duplicated(key, keep=False).to_numpy() & ~is_early
    item = _implausible_item(single, known)
    is_implausible = (item != "").to_numpy() & ~is_early & ~is_contradicted
    ended = single["end_date"].dt.strftime("%Y-%m-%d")
    findings = [
        _find(single, is_early, "early_filing", "for the period to " + ended + ", which had not ended"),
        _find(
            single,
            is_contradicted,
            "conflicting_filing",
            "two filings on the same day for the period to " + ended,
        ),
        _find(single, is_implausible, "impossible_figure", item + ", in the period to " + ended),
    ]
    return single[~(is_early | is_contradicted | is_implausible)], pd.concat(findings, ignore_index=True)


def _implausible_item(filings: pd.DataFrame, known: pd.DataFrame) -> pd.Series:
    """Return an item that is not positive, or differs from both previous filings by more than the factor MAX_RATIO.

    "" if none.
    """
    evidence = pd.Series("", index=filings.index, dtype="str")
    for name in [item for item in POSITIVE if item in filings.columns]:
        impossible = filings.loc[filings[name] <= 0, name]
        text = [f"{name} {value:.6g}" for value in impossible]
        evidence.loc[impossible.index] = pd.Series(text, index=impossible.index, dtype="str")
    for name in [size for size in SIZES if size in filings.columns]:
        columns = ["symbol", "available_date", "end_date", name]
        both = pd.concat([known.reindex(columns=columns), filings[columns]], keys=["known", "new"])
        both = both[both[name].notna() & (both[name] != 0)]
        both = both.sort_values(["symbol", "available_date", "end_date"], kind="stable")
        size = both[name].abs()
        own = size.groupby(both["symbol"])
        last, second_last = own.shift(1), own.shift(2)
        far = _is_far(size, last) & (_is_far(size, second_last) | second_last.isna().to_numpy())
        text = [
            f"{name} {value:.6g}, previously {was:.6g}"
            for value, was in zip(both[name][far], last[far], strict=True)
        ]
        found = pd.Series(text, index=both.index[far], dtype="str")
        found = found[found.index.get_level_values(0) == "new"].droplevel(0)
        evidence.loc[found.index] = found
    return evidence


def _is_far(size: pd.Series, before: pd.Series) -> Mask:
    times = size.to_numpy(dtype=np.float64) / before.to_numpy(dtype=np.float64)
    far: Mask = np.abs(np.log(times)) > np.log(MAX_RATIO)
    return far


def _find(filings: pd.DataFrame, found: Mask, rule: str, evidence: pd.Series) -> pd.DataFrame:
    rows = filings[found].assign(session=filings.loc[found, "available_date"])
    unique = rows.assign(evidence=evidence[found]).drop_duplicates(["symbol", "session"])
    return make_findings(unique, rule, "note", unique["evidence"], "not stored")
