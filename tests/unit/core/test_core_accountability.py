import pytest

from tasks.core.accountability import require_name_and_reason
from tasks.core.errors import ConfigError


@pytest.mark.parametrize(
    ("by", "reason"), [("", "why"), (" \t", "why"), ("A. Person", ""), ("A. Person", "\n")]
)
def test_a_decision_without_a_name_or_a_reason_is_refused(by, reason):
    with pytest.raises(ConfigError, match="Rejecting a day requires a name and a reason"):
        require_name_and_reason("Rejecting a day", by=by, reason=reason)


def test_a_decision_with_both_passes():
    require_name_and_reason("Rejecting a day", by="A. Person", reason="why")
