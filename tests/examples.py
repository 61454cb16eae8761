"""Limit the number of examples of property tests."""

from collections.abc import Iterable

import pytest
from hypothesis import settings


def draw_at_most(most: int, items: Iterable[pytest.Item]) -> None:
    """Limit every property test to at most this many examples."""
    for item in items:
        test = getattr(item, "obj", None)
        drawn = getattr(test, "_hypothesis_internal_use_settings", None)
        if drawn is not None:
            few = settings(drawn, max_examples=min(drawn.max_examples, most))
            test._hypothesis_internal_use_settings = few  # type: ignore[union-attr]
