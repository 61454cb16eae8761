"""The paths of one home: the checkout, or the directory that --home names."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tasks.core.sessions import day_named


@dataclass(frozen=True)
class Home:
    """The directories and files of one portfolio. Reading a path never creates it."""

    root: Path

    @property
    def lake(self) -> Path:
        return self.root / "data" / "lake"

    @property
    def work(self) -> Path:
        """Frames that stages pass on within a run; safe to delete between runs."""
        return self.root / "data" / "work"

    @property
    def features(self) -> Path:
        """Cached features that several models train on; safe to delete between runs."""
        return self.root / "data" / "features"

    @property
    def scores(self) -> Path:
        """Out-of-sample scores that backtests use; safe to delete between runs."""
        return self.root / "data" / "scores"

    @property
    def backtests(self) -> Path:
        """Finished combinations of matrices, reused by later ones; safe to delete between runs."""
        return self.root / "data" / "backtests"

    @property
    def searches(self) -> Path:
        """Finished trials of searches, so that an interrupted search continues; safe to delete between runs."""
        return self.root / "data" / "searches"

    @property
    def studies(self) -> Path:
        """The studies of all searches, an SQLite file of Optuna."""
        return self.searches / "studies.db"

    @property
    def placebos(self) -> Path:
        """Results of the selection on permuted data, reused by later runs; safe to delete between runs."""
        return self.root / "data" / "placebos"

    @property
    def paths(self) -> Path:
        """Results of the finalists' cross-validation, reused by later runs; safe to delete between runs."""
        return self.root / "data" / "paths"

    @property
    def seeds(self) -> Path:
        """Results of the candidates under other seeds, reused by later runs; safe to delete between runs."""
        return self.root / "data" / "seeds"

    @property
    def mlflow(self) -> Path:
        """The training history for MLflow; no run reads it, so it is safe to delete."""
        return self.root / "data" / "mlflow"

    @property
    def requests_file(self) -> Path:
        """Counts of requests to providers, so that rate limits hold across processes."""
        return self.root / "data" / "requests.sqlite"

    @property
    def answers(self) -> Path:
        """Cached provider answers that change slowly; safe to delete between runs."""
        return self.root / "data" / "answers"

    @property
    def views(self) -> Path:
        """The published days as columns, for queries; safe to delete between runs."""
        return self.root / "data" / "views"

    @property
    def derived(self) -> tuple[Path, ...]:
        """The directories that are safe to delete between runs; no backup has them."""
        return (
            self.work,
            self.features,
            self.scores,
            self.backtests,
            self.searches,
            self.placebos,
            self.paths,
            self.seeds,
            self.mlflow,
            self.answers,
            self.views,
        )

    @property
    def shadow(self) -> Path:
        """What the challenger would have scored, one file per session."""
        return self.root / "data" / "shadow"

    @property
    def marker_file(self) -> Path:
        """Exists once the home has been set up."""
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
        """A file that trips the kill switch when anyone creates it: `touch live/STOP`."""
        return self.live / "STOP"

    @property
    def kill_switch_lock(self) -> Path:
        """Held only while the switch is read and written, never for a whole run."""
        return self.root / "data" / "kill_switch.lock"

    @property
    def audit_log(self) -> Path:
        return self.live / "audit_log.csv"

    @property
    def audit_anchor(self) -> Path:
        """The number of rows and last digest of the audit log, stored apart from it."""
        return self.root / "data" / "audit_anchor.json"

    @property
    def plan_log(self) -> Path:
        """The plans that were published: a hash-chained log like the audit log."""
        return self.live / "plan_log.csv"

    @property
    def plan_anchor(self) -> Path:
        return self.root / "data" / "plan_anchor.json"

    @property
    def approval_lock(self) -> Path:
        """Held only while an approval is read and written, never for a whole run."""
        return self.root / "data" / "approval.lock"

    @property
    def ledger_file(self) -> Path:
        """Every change in cash and positions, and every order: an SQLite database in WAL mode."""
        return self.root / "data" / "ledger.sqlite"

    @property
    def ledger_anchor(self) -> Path:
        """The number of entries and last digest of the ledger, stored apart from it."""
        return self.root / "data" / "ledger_anchor.json"

    @property
    def portfolio_lock(self) -> Path:
        """Held by whatever changes the ledger: an execution, a reconciliation, an entry by hand."""
        return self.root / "data" / "portfolio.lock"

    @property
    def paper_account(self) -> Path:
        """The account at the embedded paper broker, an SQLite database: the broker's truth, not ours."""
        return self.root / "data" / "paper_account.sqlite"

    @property
    def decisions(self) -> Path:
        """What published days were made from, apart from the lake and the models, named by content."""
        return self.root / "data" / "decisions"

    @property
    def trials(self) -> Path:
        """The ledger of all trials, and the returns of each."""
        return self.root / "data" / "trials"

    @property
    def trial_ledger(self) -> Path:
        return self.trials / "ledger.csv"

    @property
    def trial_anchor(self) -> Path:
        """The number of rows and last digest of the trial ledger, stored apart from it."""
        return self.root / "data" / "trial_anchor.json"

    @property
    def outbox(self) -> Path:
        """Notifications that wait to be delivered; of this machine, in no backup."""
        return self.root / "data" / "outbox"

    @property
    def metrics(self) -> Path:
        """Metrics for Prometheus, as of the last command; safe to delete."""
        return self.root / "data" / "metrics"

    @property
    def metrics_file(self) -> Path:
        """The file that node_exporter reads."""
        return self.metrics / "afterclose.prom"

    @property
    def outbox_lock(self) -> Path:
        """Held only while messages are delivered, never for a whole run."""
        return self.root / "data" / "outbox.lock"

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
        """Return the directory of one session, `live/YYYY-MM-DD`."""
        return self.live / str(session)

    def days(self) -> list[date]:
        """Return the days with a directory in live/, oldest first, published or not, without renamed copies."""
        names = self.live.iterdir() if self.live.is_dir() else ()
        return sorted(day for path in names if (day := day_named(path.name)) is not None)
