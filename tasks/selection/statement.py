"""State a neutral IC with what is needed to read it: interval, sessions, and the smallest IC that can be confirmed."""

from collections.abc import Mapping, Sequence
from math import isnan

from tasks.models.training.inference import Estimate

NOTHING_FOUND = "No statistically significant signal was found"


def bounds(figures: Mapping[str, float], min_t: float) -> dict[str, float]:
    """Return the 95% confidence interval of the neutral IC and the smallest one that the test would have confirmed."""
    found = Estimate(figures["neutral_ic"], figures["neutral_ic_se"])
    return {
        "neutral_ic_low": found.low,
        "neutral_ic_high": found.high,
        "detectable_ic": max(min_t, 0.0) * found.error,
    }


def stated(figures: Mapping[str, float], min_t: float) -> str:
    """Return the neutral IC with its t, interval, sessions and detectable IC."""
    at = bounds(figures, min_t)
    return (
        f"{signed(figures['neutral_ic'])} with t = {signed_ratio(figures['neutral_ic_t'])} (95% CI"
        f" {signed(at['neutral_ic_low'])} to {signed(at['neutral_ic_high'])}, {figures['sessions']:.0f} sessions;"
        f" minimum detectable IC {at['detectable_ic']:.4f})"
    )


def signed(figure: float) -> str:
    """Return an IC to four places, with a real minus sign."""
    return f"{figure:.4f}".replace("-", "−")


def signed_ratio(figure: float) -> str:
    """Return a ratio to two places, with a real minus sign."""
    return f"{figure:.2f}".replace("-", "−")


def stated_p_value(p_value: float) -> str:
    """Return a p-value of 1,000 resamples to three places; one of none of them is not 0."""
    if isnan(p_value):
        return "withheld"
    return "below 0.001" if p_value < 0.001 else f"{p_value:.3f}"


def named(controls: Sequence[str]) -> str:
    """Return the controls in words."""
    words = [name.replace("_", " ") for name in controls]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words) or "nothing"
