"""The base class and field types of settings."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
OptimizerName = Literal[
    "max_sharpe",
    "min_volatility",
    "black_litterman",
    "risk_parity",
    "hrp",
    "tilted_hrp",
    "inverse_volatility",
    "equal_weight",
    "score_weighted",
]


class Section(BaseModel):
    """A section: frozen, no unknown keys, no conversion of text to numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)
