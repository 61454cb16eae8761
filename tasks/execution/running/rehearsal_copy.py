"""Copy of a home what a rehearsal reads and writes."""

import shutil
import sqlite3
from contextlib import closing

from tasks.core.homes.home import Home


def copied_home(home: Home, copy: Home) -> Home:
    """Copy what an execution reads and writes of a home, apart from the day, the switch and the audit log."""
    for path in (home.marker_file, home.positions_file, home.ledger_anchor):
        if path.exists():
            target = copy.root / path.relative_to(home.root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    for path in (home.ledger_file, home.paper_account):
        if path.exists():
            target = copy.root / path.relative_to(home.root)
            with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as made:
                source.backup(made)
    if home.lake.is_dir():
        copy.lake.symlink_to(home.lake)
    return copy
