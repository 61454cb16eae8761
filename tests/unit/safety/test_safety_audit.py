"""Where the key of the audit log may come from."""

from datetime import UTC, datetime

import pytest

from tasks.core.errors import ConfigError
from tasks.core.homes.home import Home
from tasks.safety.audit import KEY, accept, has_key

SECRET = "0123456789abcdef" * 4


def test_a_log_is_keyed_only_where_a_key_is_set(tmp_path):
    assert has_key(Home(tmp_path), {KEY: SECRET})
    assert not has_key(Home(tmp_path), {})


@pytest.mark.parametrize("is_inside", [True, False])
def test_a_key_beside_the_log_that_it_protects_is_refused(tmp_path, is_inside):
    home = Home(tmp_path / "home")
    file = (home.root if is_inside else tmp_path) / "audit.key"
    file.parent.mkdir(exist_ok=True)
    file.write_text(SECRET)
    file.chmod(0o600)
    environ = {f"{KEY}_FILE": str(file)}

    if is_inside:
        with pytest.raises(ConfigError, match="inside the home"):
            has_key(home, environ)
    else:
        assert has_key(home, environ)


def test_what_is_accepted_with_a_key_is_verified_with_it(tmp_path):
    noon = datetime(2024, 6, 14, 16, 0, tzinfo=UTC)

    verdict = accept(Home(tmp_path), by="Ann", reason="a new key", at=noon, environ={KEY: SECRET})

    assert (verdict.rows, verdict.keyed, verdict.breaks) == (1, 1, ())
