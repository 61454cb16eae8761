import pytest

from tasks.core.errors import ConfigError
from tasks.core.secret import read_secret

SECRET = "s3cr3t-" * 6


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def key_file(folder, mode=0o600, content=SECRET):
    path = folder / "audit.key"
    path.write_text(content)
    path.chmod(mode)
    return {"K_FILE": str(path)}


def test_a_secret_comes_from_the_variable_or_from_a_file(home):
    assert read_secret("K", {"K": SECRET}, outside=home) == SECRET.encode()
    assert read_secret("K", key_file(home.parent, content=f"{SECRET}\n"), outside=home) == SECRET.encode()
    assert read_secret("K", {}, outside=home) is None


# issue 10, line 3
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o601, 0o666])
def test_fault_115_a_key_file_that_others_may_touch_is_refused(home, mode):
    with pytest.raises(ConfigError, match="other users"):
        read_secret("K", key_file(home.parent, mode), outside=home)


def test_a_key_file_next_to_what_it_protects_is_refused(home):
    with pytest.raises(ConfigError, match="is inside the home"):
        read_secret("K", key_file(home), outside=home)


@pytest.mark.parametrize(
    "environ",
    [
        {"K": "short"},
        {"K": SECRET, "K_FILE": "/nowhere"},
        {"K_FILE": "/nowhere/at/all"},
    ],
)
def test_fault_109_a_key_that_cannot_be_used_is_refused_without_being_quoted(home, environ):
    with pytest.raises(ConfigError) as refused:
        read_secret("K", environ, outside=home)

    assert "short" not in str(refused.value).replace("shorter", "")
    assert SECRET not in str(refused.value)


def test_an_empty_key_file_is_refused(home):
    with pytest.raises(ConfigError, match="empty"):
        read_secret("K", key_file(home.parent, content=""), outside=home)
