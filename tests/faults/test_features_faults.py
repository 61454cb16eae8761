import pytest

from tasks.core.errors import ModelError
from tasks.features.registry import feature_names, feature_set, require_feature_set


def test_fault_021_the_set_a_model_learned_is_accepted():
    require_feature_set(feature_names(), trained_on=feature_set())


@pytest.mark.parametrize(
    "columns",
    [
        feature_names()[::-1],
        feature_names()[:-1],
        (*feature_names(), "crystal_ball"),
        (),
    ],
    ids=["another order", "one missing", "one too many", "none"],
)
def test_fault_021_another_order_or_set_of_features_is_refused(columns):
    with pytest.raises(ModelError, match="trained on a different feature set") as refused:
        require_feature_set(columns, trained_on=feature_set())

    assert refused.value.exit_code == 6
    assert "afterclose weekly" in refused.value.remedy
