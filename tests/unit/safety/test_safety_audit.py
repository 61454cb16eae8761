"""Where the key of the audit log may come from."""

from datetime import UTC, datetime

import pytest

from tasks.core.errors import ConfigError
from tasks.core.homes.home import Home
from tasks.safety.audit import HEADS, KEY, accept, has_key, read_intact, record, verify

SECRET = "0123456789abcdef" * 4


def test_a_log_is_keyed_only_where_a_key_is_set(tmp_path):
    assert has_key(Home(tmp_path), {KEY: SECRET})
    assert not has_key(Home(tmp_path), {})


@pytest.mark.parametrize("is_inside", [True, False])
def test_a_key_next_to_the_log_that_it_protects_is_refused(tmp_path, is_inside):
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

    home = Home(tmp_path)

    verdict = accept(home, by="Ann", reason="a new key", at=noon, environ={KEY: SECRET})

    assert (verdict.rows, verdict.keyed, verdict.breaks) == (1, 1, ())
    assert not home.plan_log.exists()  # it was not damaged


def test_the_log_of_plans_is_a_chain_of_its_own_with_its_own_copied_heads(tmp_path):
    home, noon = Home(tmp_path / "home"), datetime(2024, 6, 14, 16, 0, tzinfo=UTC)
    environ = {KEY: SECRET, HEADS: str(tmp_path / "heads")}
    assert verify(home, environ, log="plans").breaks == ()  # none yet, although there is a key

    record(home, event="a", by="b", detail="c", at=noon, environ=environ, log="plans")
    record(home, event="d", by="e", detail="f", at=noon, environ=environ)

    assert [row.event for row in read_intact(home, environ, log="plans")] == ["a"]
    assert [row.event for row in read_intact(home, environ)] == ["d"]
    home.plan_log.unlink()
    home.plan_anchor.unlink()
    assert [found.why for found in verify(home, environ, log="plans").breaks] == [
        f"rows are missing: {tmp_path / 'heads.plans'} has the head of row 1"
    ]
    accept(home, by="Ann", reason="restored", at=noon, environ=environ)
    assert verify(home, environ, log="plans").breaks == ()


@pytest.mark.parametrize("named", ["heads", "home/heads"])
def test_copied_heads_inside_the_home_or_at_a_relative_path_are_refused(tmp_path, named):
    path = named if named == "heads" else str(tmp_path / named)

    with pytest.raises(ConfigError, match="outside the home"):
        verify(Home(tmp_path / "home"), {HEADS: path})
