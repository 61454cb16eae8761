"""Each import contract is shown to fail on a violation planted in a copy of the tree."""

import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST_MODULES = 16

VIOLATIONS = {
    "tasks import flows": ("tasks/core/clock.py", "import flows.cli.app", "flows → tasks → config"),
    "config imports tasks": ("config/sections.py", "import tasks.core.clock", "flows → tasks → config"),
    "a lower slice imports a higher": (
        "tasks/data/schema/records.py",
        "import tasks.features.task",
        "slices import downward only",
    ),
    "models import the selection": (
        "tasks/models/schema.py",
        "import tasks.selection.schema",
        "slices import downward only",
    ),
    "the day imports the backtest": (
        "tasks/trades/schema.py",
        "import tasks.backtest.accounting.account",
        "slices import downward only",
    ),
    "siblings see each other": ("tasks/risk/schema.py", "import tasks.costs", "slices import downward only"),
    "the lake reads a panel": (
        "tasks/data/lake/store.py",
        "import tasks.data.panel.reader",
        "the packages of data import downward only",
    ),
    "a gate admits": (
        "tasks/data/gates/bars/values.py",
        "import tasks.data.intake.admit",
        "the packages of data",
    ),
    "one provider uses another": (
        "tasks/data/providers/tiingo.py",
        "import tasks.data.providers.yahoo",
        "providers share http and base",
    ),
    "the engine imports a family": (
        "tasks/features/engine/program.py",
        "import tasks.features.families.trend",
        "the engine of features knows no feature",
    ),
    "a kind of model trains": (
        "tasks/models/kinds/rules.py",
        "import tasks.models.training.dataset",
        "the packages of models",
    ),
    "a statistic reads the ledger": (
        "tasks/selection/statistics/sharpe.py",
        "import tasks.selection.trials.ledger",
        "the packages of selection",
    ),
    "an approval's bands read the disk": (
        "tasks/approval/lines.py",
        "import tasks.approval.store",
        "the packages of approval",
    ),
    "the comparison of plans reads the disk": (
        "tasks/approval/plans/recorded.py",
        "import tasks.approval.store",
        "recorded plans are compared with bytes",
    ),
    "another module signs": ("tasks/approval/envelope.py", "import cryptography", "stay at the edges"),
    "the selection imports an approval": (
        "tasks/selection/schema.py",
        "import tasks.approval.schema",
        "slices import downward only",
    ),
    "the wire guard uses a gate": (
        "tasks/execution/wire_guard.py",
        "import tasks.execution.gates.order_gates",
        "the wire guard shares nothing with the gates",
    ),
    "a gate uses the wire guard": (
        "tasks/execution/gates/order_gates.py",
        "import tasks.execution.wire_guard",
        "the gates share nothing with the wire guard",
    ),
    "a gate reads the clock": (
        "tasks/execution/gates/order_gates.py",
        "import tasks.core.clock",
        "the gates read values",
    ),
    "the day's files import the page": (
        "tasks/reporting/day/files.py",
        "import tasks.reporting.page.sections.summary",
        "the page is made from the day",
    ),
    "a flow imports a command": ("flows/daily.py", "import flows.commands", "flows are called by commands"),
    "two modules of a room import each other": (
        "tasks/data/lake/storage/bucket.py",
        "import tasks.data.lake.storage.location",
        "no cycle among the children of any package",
    ),
    "a task imports a task": (
        "tasks/features/task.py",
        "import tasks.data.task",
        "one task.py never imports another",
    ),
    "a notice delivers itself": (
        "tasks/reporting/notify/notices/day.py",
        "import tasks.reporting.notify.delivery",
        "the packages of notify",
    ),
    "a notice opens a connection": (
        "tasks/reporting/notify/delivery.py",
        "import smtplib",
        "stay at the edges",
    ),
    "a stage imports prefect": ("tasks/risk/schema.py", "import prefect", "know Prefect"),
    "another module uses the cluster": (
        "tasks/selection/schema.py",
        "import distributed",
        "only core/spread/cluster.py knows Dask",
    ),
    "pure code reads the lake library": ("tasks/regime/schema.py", "import deltalake", "stay at the edges"),
    "the core of a decision reads a frame": (
        "tasks/portfolio/target.py",
        "import pandas",
        "a decision is made on arrays",
    ),
    "the core of a decision reads the settings": (
        "tasks/trades/plan.py",
        "import config.settings",
        "a decision is made on arrays",
    ),
    "another slice caps weights": (
        "tasks/safety/facts.py",
        "import tasks.portfolio.caps",
        "by the portfolio and trades slices alone",
    ),
    "a stage reads the simulated truth": (
        "tasks/models/schema.py",
        "import tasks.simulation.truth",
        "the truth of the simulated market",
    ),
}


def lint_imports(tree):
    return subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"],
        cwd=tree,
        env={"PYTHONPATH": str(tree), "PATH": "/usr/bin:/bin", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    copy = tmp_path_factory.mktemp("tree")
    for package in ("flows", "tasks", "config"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


def test_the_house_keeps_its_import_rules(tree):
    result = lint_imports(tree)

    assert result.returncode == 0, result.stdout


# Among other violations they are reported within a longer chain or cycle.
ALONE = ("two modules of a room import each other", "a stage reads the simulated truth")
TOGETHER = [violation for violation in VIOLATIONS if violation not in ALONE]


@contextmanager
def planted(tree, *violations):
    """Plant the violations in the tree for the duration of the block."""
    files = {tree / VIOLATIONS[violation][0] for violation in violations}
    originals = {file: file.read_text() for file in files}
    for violation in violations:
        file, statement, _ = VIOLATIONS[violation]
        with (tree / file).open("a") as opened:
            opened.write(f"\n{statement}\n")
    try:
        yield
    finally:
        for file, original in originals.items():
            file.write_text(original)


@pytest.fixture(scope="module")
def all_broken(tree):
    """Return what is reported of each broken contract, by its name, when all violations are planted."""
    with planted(tree, *TOGETHER):
        result = lint_imports(tree)
    assert result.returncode == 1
    parts = re.split(r"\n(\S.*)\n-{4,}\n", result.stdout.partition("Broken contracts\n")[2])
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("violation", TOGETHER)
def test_a_planted_violation_breaks_its_contract(all_broken, violation):
    file, statement, contract = VIOLATIONS[violation]
    importer, imported = file.removesuffix(".py").replace("/", "."), statement.removeprefix("import ")
    (reported,) = [details for name, details in all_broken.items() if contract in name]

    # A link of its own; the links of a longer chain follow each other on lines that begin with spaces.
    link = rf"^- +{re.escape(importer)} -> {re.escape(imported)} \(l\.\d+\)\n(?! )"
    assert re.search(link, f"{reported}\n", re.MULTILINE), reported


@pytest.mark.parametrize("violation", ALONE)
def test_a_violation_that_is_planted_alone_breaks_its_contract(tree, violation):
    with planted(tree, violation):
        result = lint_imports(tree)

    broken = [line for line in result.stdout.splitlines() if " BROKEN" in line]
    assert result.returncode == 1
    assert any(VIOLATIONS[violation][2] in line for line in broken), result.stdout


def large_packages(root):
    """Return the packages with more than sixteen modules of their own, those of their sub-packages not counted."""
    own = {
        package: sum(module.name != "__init__.py" for module in package.glob("*.py"))
        for folder in ("flows", "tasks", "config")
        for package in [root / folder, *(root / folder).rglob("*/")]
    }
    return {str(package.relative_to(root)) for package, modules in own.items() if modules > MOST_MODULES}


def test_a_package_has_at_most_sixteen_modules_of_its_own():
    assert large_packages(ROOT) == set()


def test_a_package_with_seventeen_modules_is_too_large(tmp_path):
    package = tmp_path / "tasks" / "room"
    package.mkdir(parents=True)
    for module in ("__init__", *(f"module_{number}" for number in range(MOST_MODULES))):
        (package / f"{module}.py").touch()
    at_the_limit = large_packages(tmp_path)

    (package / "one_more.py").touch()

    assert (at_the_limit, large_packages(tmp_path)) == (set(), {"tasks/room"})
