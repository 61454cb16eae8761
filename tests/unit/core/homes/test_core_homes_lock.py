import errno
import os
import signal
import subprocess
import sys

import pytest

from tasks.core.errors import TransientError
from tasks.core.homes.lock import exclusive

HOLD = """
import sys, time
from pathlib import Path
from tasks.core.homes.lock import exclusive
with exclusive(Path(sys.argv[1]), doing="daily-live 2024-06-14"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "home.lock")], stdout=subprocess.PIPE, text=True
    )
    process.stdout.readline()
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_fault_056_a_second_caller_gets_an_error_that_names_who_holds_the_home(tmp_path, holder):
    with pytest.raises(TransientError) as refused, exclusive(tmp_path / "home.lock", doing="daily-live"):
        pass

    assert f"process {holder.pid} (daily-live 2024-06-14)" in str(refused.value)
    assert refused.value.exit_code == 75


def test_fault_054_the_lock_of_a_killed_process_is_free(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()

    with exclusive(tmp_path / "home.lock", doing="daily-live"):
        pass


def test_on_a_full_disk_the_home_can_still_be_locked_to_free_space(tmp_path, monkeypatch):
    def full(_descriptor, *_content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    monkeypatch.setattr(os, "ftruncate", full)

    with (
        exclusive(tmp_path / "home.lock", doing="data vacuum"),
        pytest.raises(TransientError, match="in use by another process"),
        exclusive(tmp_path / "home.lock", doing="daily-live"),
    ):
        pass
