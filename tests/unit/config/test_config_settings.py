from config.settings import deciding_settings, with_places
from tests.builders import make_settings


def test_what_decides_does_not_depend_on_places_and_is_restored_with_those_of_here():
    there = make_settings(
        **{"data.lake": "s3://there/lake", "portfolio.max_positions": 7, "approval.persons": 2}
    )
    here = make_settings(**{"data.lake": "home", "notifications.retry_days": 9})

    kept = deciding_settings(there)
    restored = with_places(kept, here)

    assert "lake" not in kept["data"]
    assert "notifications" not in kept
    assert (restored.data.lake, restored.notifications.retry_days) == ("home", 9)
    assert (restored.portfolio.max_positions, restored.approval.persons) == (7, 2)
