"""Settings of monitoring: when a figure of the day becomes an alert. An alert never stops a day."""

from typing import Annotated

from pydantic import Field

from config.section import Count, Fraction, NotNegative, Positive, Section


class Monitoring(Section):
    """Thresholds of the alerts; where there is a relative and an absolute one, both must be exceeded."""

    drift_sessions: Count
    """Sessions whose feature values are pooled and compared with the champion's training rows."""
    max_psi: Positive
    """Population stability index above which a feature may count as drifted."""
    drift_factor: Annotated[float, Field(ge=1)]
    """A drifted feature also exceeds this multiple of its largest index in any training block of `drift_sessions`."""
    max_drifted_frac: Fraction
    """Largest fraction of the features that may have drifted."""
    max_psi_single: Positive
    """Index above which a single feature raises an alert, if `single_factor` is exceeded too."""
    single_factor: Annotated[float, Field(ge=1)]
    """Smallest ratio, for an alert, of one feature's index to its largest in training, or to `max_psi` if larger."""
    max_missing_frac: Fraction
    """Largest rise in a feature's fraction of missing values since training."""
    max_ic_drop: NotNegative
    """Drop in the mean neutral IC below the champion's that raises an alert, if `min_ic_drop_z` is exceeded too."""
    min_ic_drop_z: Positive
    """Smallest such drop, in standard errors of the difference, over 63, 126 or 252 sessions, for an alert."""
    min_accuracy: Fraction
    """An accuracy (fraction of the names on the side of the median that their score predicted) below this raises an
    alert if it is also below the champion's by a difference as unlikely as that of `min_ic_drop_z`."""
    min_sharpe: float
    """A Sharpe ratio of the account below this, over at least 60 sessions, raises an alert if it also falls short of
    the champion's by `max_sharpe_shortfall_z`."""
    max_sharpe_shortfall_z: Positive
    """Smallest shortfall of that Sharpe ratio below the champion's, in standard errors, for an alert."""
    min_scored_frac: Fraction
    """Smallest fraction of the universe that must be scored."""
    max_universe_change_frac: Fraction
    """Largest change in the number of names in the universe against its median over 20 sessions."""
    max_volume_ratio: Annotated[float, Field(gt=1)]
    """Largest ratio, up or down, of a session's typical volume to that of the preceding 63 sessions."""
    max_moves: NotNegative
    """Typical daily move of a name relative to the median return, over 10 sessions, in units of the daily move implied
    by the volatility index. A value above this may raise an alert."""
    max_moves_ratio: Annotated[float, Field(gt=1)]
    """A value above `max_moves` raises an alert if it also exceeds this multiple of the typical move
    of the preceding 63 sessions."""
    retrain_after_days: Count
    """Age of the champion, in days, at which `weekly --if-needed` trains a new one without an alert."""
    retrain_after_sessions: Count
    """Sessions since the champion's training at which `weekly --if-needed` trains a new one without an alert."""
    max_unchanged_frac: Fraction
    """Largest fraction of the names whose close equals that of the session before."""
