"""Problems with settings: the file, the key, and what is allowed. Never prints a secret."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

CLOSE_ENOUGH = 0.6
LONGEST_SHOWN = 60
REPLACED = {  # settings of an earlier release, and their replacements
    "portfolio.solver_time_limit_s": "Set portfolio.solver_max_iterations: the solver's limit is a number of "
    "iterations, because a limit in seconds would let a loaded machine change the portfolio.",
    "costs.sec_fee_rate": "Set costs.fees.sec: the fee has a rate for each trade date.",
    "costs.taf_per_share_usd": "Set costs.fees.taf: the fee has a rate for each trade date.",
    "costs.taf_max_usd": "Set costs.fees.taf: the fee has a maximum for each trade date.",
    "costs.half_spread_bps": "Set costs.spread: the spread is estimated for each name.",
    "costs.impact_coefficient": "Set costs.impact.square_root.",
    "safety.max_turnover_frac": "Set safety.max_buys_frac, which limits buys only; turnover was (buys + sells) / 2.",
    "safety.max_entry_turnover_frac": "Set safety.max_entry_buys_frac, which limits buys only; turnover was "
    "(buys + sells) / 2.",
    **{
        f"data.{name}.pace": f"Set data.{name}.rate_limit."
        for name in ("alpaca", "tiingo", "fred", "yahoo", "edgar")
    },
    "models.least_train_sessions": "Set models.min_train_sessions.",
    "data.quality.session.max_volume_times": "Set data.quality.session.max_volume_ratio.",
    "data.quality.levels.max_volatility_index_times": "Set data.quality.levels.max_volatility_index_ratio.",
}


@dataclass(frozen=True)
class Problem:
    """One problem that must be fixed before anything runs."""

    where: str  # a file, or the name of an environment variable
    key: str  # dotted; empty when the whole file is meant
    what: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.key, self.what) if part)


class InvalidSettings(Exception):  # noqa: N818 - names the state, like the project's other errors
    """Invalid settings, with every problem at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """Return ` Did you mean "…"?`, or nothing when no known name is close."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=CLOSE_ENOUGH)
    return f' Did you mean "{close[0]}"?' if close else ""


def replacement(dotted: str) -> str:
    """Return a hint at the replacement of a key of an earlier release; empty for any other key."""
    return f" {REPLACED[dotted]}" if dotted in REPLACED else ""


def shown(value: object) -> str:
    """Return the value on one line, shortened, with control characters escaped."""
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"
