import pytest

from tasks.core.errors import ConfigError
from tasks.data.providers.http.keys import read_keys


@pytest.mark.parametrize("value", ["two words", "line\n", "tab\t", "schlüssel", "\x00"])
def test_what_cannot_be_a_key_is_refused_without_being_shown(value):
    with pytest.raises(ConfigError, match="TIINGO_API_KEY cannot be used") as caught:
        read_keys("tiingo", {"TIINGO_API_KEY": value})

    assert value not in str(caught.value)


def test_missing_keys_are_all_named():
    with pytest.raises(ConfigError, match="alpaca needs APCA_API_KEY_ID and APCA_API_SECRET_KEY"):
        read_keys("alpaca", {"APCA_API_KEY_ID": ""})


def test_a_provider_without_keys_needs_none():
    assert read_keys("files", {}) == {}
