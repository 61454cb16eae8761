"""The passphrase is asked for at a real terminal, and does not appear there."""

import subprocess
import sys
from pathlib import Path

from tests.approval_days import PASSPHRASE
from tests.homes import blank, clean_environ

IN_A_TERMINAL = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"


def test_a_passphrase_that_is_typed_twice_is_not_shown(tmp_path):
    home, key = blank(tmp_path / "home"), tmp_path / "keys" / "key.pem"
    command = [str(Path(sys.executable).parent / "afterclose"), "--home", str(home)]
    shown = b""
    with subprocess.Popen(
        [sys.executable, "-c", IN_A_TERMINAL, *command, "approvers", "key", "--key", str(key)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=clean_environ(home, {}),
    ) as process:
        for prompt in (b"Passphrase of", b"Repeat for confirmation"):
            # what is typed before the prompt is discarded by the terminal
            while prompt not in shown:
                byte = process.stdout.read(1)
                assert byte, shown
                shown += byte
            while not shown.endswith(b": "):
                shown += process.stdout.read(1)
            process.stdin.write(f"{PASSPHRASE}\n".encode())
            process.stdin.flush()
        shown += process.stdout.read()

    assert process.returncode == 0, shown
    assert key.exists()
    assert b"Public key: " in shown
    assert PASSPHRASE.encode() not in shown
