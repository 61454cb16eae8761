"""The files of an approval."""

import stat

import pytest

from tasks.approval import store
from tasks.approval.store import hold_approvals, read_day, withdraw_approval, write_approval
from tasks.core.errors import SafetyError, StorageError, TransientError
from tests.approval_days import folder_of, make_home


@pytest.fixture
def run(tmp_path):
    return make_home(tmp_path / "home")


def test_a_day_is_read_with_or_without_an_approval(run):
    approval, manifest, files = read_day(run.home, run.session)
    assert (approval, manifest) == (None, (folder_of(run) / "manifest.json").read_bytes())
    assert files["trades.csv"] == (folder_of(run) / "trades.csv").read_bytes()

    write_approval(run.home, run.session, b"{}\n")

    assert read_day(run.home, run.session)[0] == b"{}\n"


def test_an_approval_is_not_readable_by_other_users(run):
    write_approval(run.home, run.session, b"{}\n")

    mode = stat.S_IMODE((folder_of(run) / "approval.json").stat().st_mode)
    assert mode & 0o600 == 0o600
    assert mode & 0o137 == 0


@pytest.mark.parametrize("name", ["approval.json", "manifest.json", "trades.csv"])
def test_a_small_file_is_read_up_to_a_megabyte(run, name):
    path = folder_of(run) / name
    path.write_bytes(b" " * (1 << 20))
    path.chmod(0o640)
    assert read_day(run.home, run.session)

    path.write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(SafetyError, match=f"{name} cannot be used: it is larger than 1,048,576 bytes"):
        read_day(run.home, run.session)


def test_an_approval_is_never_written_through_a_link(run, tmp_path):
    target = tmp_path / "target"
    target.write_text("mine")
    (folder_of(run) / "approval.json").symlink_to(target)

    with pytest.raises(StorageError, match="symbolic link"):
        write_approval(run.home, run.session, b"{}\n")

    assert target.read_text() == "mine"


def test_a_withdrawn_approval_is_kept_under_another_name(run):
    write_approval(run.home, run.session, b"{}\n")

    withdraw_approval(run.home, run.session)
    withdraw_approval(run.home, run.session)

    assert (folder_of(run) / "approval.withdrawn.json").read_bytes() == b"{}\n"
    assert read_day(run.home, run.session)[0] is None


def test_a_second_decision_waits_and_then_says_what_holds_the_lock(run, monkeypatch):
    monkeypatch.setattr(store, "LOCK_WAIT_S", 0.0)

    with (
        hold_approvals(run.home),
        pytest.raises(TransientError, match=r"approval\.lock"),
        hold_approvals(run.home),
    ):
        pass
