"""Know where everything of one book lives: the checkout, or the folder that --home names."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """The folders and single files of one book. Naming a path never creates it."""

    root: Path

    @property
    def lake(self) -> Path:
        return self.root / "data" / "lake"

    @property
    def work(self) -> Path:
        """What stages hand each other inside a run; safe to delete between runs."""
        return self.root / "data" / "work"

    @property
    def features(self) -> Path:
        """Computed features that several models learn from; safe to delete between runs."""
        return self.root / "data" / "features"

    @property
    def requests_file(self) -> Path:
        """Counts what providers were asked, so that their limits hold whichever process asks."""
        return self.root / "data" / "requests.sqlite"

    @property
    def answers(self) -> Path:
        """What providers said of things that change slowly; safe to delete between runs."""
        return self.root / "data" / "answers"

    @property
    def marker_file(self) -> Path:
        """Stands once the home has been set up."""
        return self.root / "data" / "home.json"

    @property
    def lock_file(self) -> Path:
        return self.root / "data" / "home.lock"

    @property
    def live(self) -> Path:
        return self.root / "live"

    @property
    def positions_file(self) -> Path:
        return self.live / "current_positions.csv"

    @property
    def performance_file(self) -> Path:
        return self.live / "performance_history.csv"

    @property
    def kill_switch_file(self) -> Path:
        return self.live / "kill_switch.json"

    @property
    def stop_file(self) -> Path:
        """A file that anyone can create to trip the kill switch by hand: `touch live/STOP`."""
        return self.live / "STOP"

    @property
    def kill_switch_lock(self) -> Path:
        """Held for the moment in which the switch is read and written; never for as long as a run."""
        return self.root / "data" / "kill_switch.lock"

    @property
    def audit_log(self) -> Path:
        return self.live / "audit_log.csv"

    @property
    def audit_anchor(self) -> Path:
        """What the audit log ended with, kept apart from it."""
        return self.root / "data" / "audit_anchor.json"

    @property
    def production(self) -> Path:
        return self.root / "production"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def backups(self) -> Path:
        return self.root / "backups"

    @property
    def config_file(self) -> Path:
        return self.root / "config.yaml"

    def day_folder(self, session: object) -> Path:
        """Return the folder of one session, `live/YYYY-MM-DD`."""
        return self.live / str(session)
