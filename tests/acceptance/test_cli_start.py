"""The command line answers at once: what --help imports, and how it leaves the process."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from flows.cli.app import answer
from tests.homes import blank, tree_bytes

AFTERCLOSE = str(Path(sys.executable).parent / "afterclose")
HEAVY = {
    "pandas",
    "numpy",
    "prefect",
    "pydantic_settings",
    "yaml",
    "exchange_calendars",
    "deltalake",
    "sklearn",
}


def modules_after(*arguments):
    code = (
        "import sys\nfrom flows.cli.app import answer\n"
        f"code = answer({list(arguments)!r})\n"
        "print('MODULES', *sys.modules)\nsys.exit(code)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return set(result.stdout.rpartition("MODULES ")[2].split())


@pytest.mark.parametrize("arguments", [["--help"], ["daily", "--help"], ["kill-switch", "--help"], ["dayly"]])
def test_help_imports_nothing_heavy(arguments):
    modules = modules_after(*arguments)

    assert "flows.cli.app" in modules
    assert modules & HEAVY == set()


def test_showing_the_settings_needs_neither_pandas_nor_prefect(tmp_path):
    modules = modules_after("config", "show", "--home", str(blank(tmp_path)))

    assert "config.settings" in modules
    assert modules & {"pandas", "prefect", "exchange_calendars"} == set()


def test_without_a_command_the_help_is_shown():
    result = subprocess.run([AFTERCLOSE], capture_output=True, text=True, check=False)

    assert "Usage: afterclose" in result.stdout
    assert "kill-switch" in result.stdout


def test_the_command_hands_its_exit_code_to_the_shell():
    result = subprocess.run([AFTERCLOSE, "dayly"], capture_output=True, text=True, check=False)

    assert result.returncode == 2
    assert result.stderr.count("\n") == 1


def test_a_reader_that_leaves_early_meets_no_traceback(tmp_path):
    command = f"'{AFTERCLOSE}' config show --home '{blank(tmp_path)}' | head -1"

    result = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)

    assert len(result.stdout.splitlines()) == 1
    assert "Traceback" not in result.stderr


# issue 10, line 12
def test_a_machine_that_cannot_tell_a_process_its_cores_runs_every_command():
    code = (
        "import os\ndel os.sched_getaffinity\n"  # as on macOS
        "from flows.cli.app import answer\nanswer(['dayly'])\n"
        "print(int(os.environ['OMP_NUM_THREADS']) == os.cpu_count())"
    )
    environ = {"PATH": "/usr/bin:/bin"}

    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ
    )

    assert result.stdout.split() == ["True"]


def test_telemetry_is_off_and_threads_are_bounded_unless_asked_otherwise():
    code = (
        "import os\nos.environ['OMP_NUM_THREADS'] = '7'\n"
        "from flows.cli.app import answer\nanswer(['dayly'])\n"
        "print(os.environ['DO_NOT_TRACK'], os.environ['PREFECT_SERVER_ANALYTICS_ENABLED'],"
        " os.environ['MLFLOW_DISABLE_TELEMETRY'], os.environ['OMP_NUM_THREADS'],"
        " int(os.environ['OPENBLAS_NUM_THREADS']) == len(os.sched_getaffinity(0)))"
    )
    environ = {"PATH": "/usr/bin:/bin"}

    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ
    )

    assert result.stdout.split() == ["1", "false", "true", "7", "True"]


def test_what_arrow_no_longer_needs_goes_back_to_the_system():
    """issue 10, done when 4: Arrow's own pool keeps 60 MB of a day's peak."""
    code = (
        "from flows.cli.app import answer\nanswer(['dayly'])\n"
        "import pyarrow\nprint(pyarrow.default_memory_pool().backend_name)"
    )

    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/bin:/bin"},
    )

    assert result.stdout.split() == ["system"]


def test_a_command_looks_for_cycles_neither_while_it_imports_nor_at_its_end():
    """issue 10, done when 4: these looks take a sixth of a day's processor time."""
    code = (
        "import gc, sys\nfrom flows.start import main\n"
        "sys.argv = ['', 'dayly']\nmain()\nprint(gc.get_freeze_count() > 10_000)\n"
        "collections = [each['collections'] for each in gc.get_stats()]\n"
        "import flows.daily, matplotlib.figure, scipy.optimize\n"
        "print(collections == [each['collections'] for each in gc.get_stats()])"
    )

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert result.stdout.split() == ["True", "True"]


def test_a_day_imports_no_library_that_only_a_training_needs():
    """issue 10, done when 4."""
    code = "import flows.daily, sys\nprint(*sys.modules)"

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert (
        set(result.stdout.split()) & {"scipy.sparse", "sklearn", "lightgbm", "xgboost", "matplotlib"} == set()
    )


def test_lightgbm_is_imported_without_scikit_learn_which_a_forest_can_import_afterwards():
    """issue 13, done when 8."""
    code = """
import sys
from tasks.models.kinds.lightgbm_trees import library
lightgbm = library()
print(lightgbm.__name__, "sklearn" in sys.modules)
from sklearn.ensemble import RandomForestRegressor
print(RandomForestRegressor().fit([[0], [1]], [0, 1]).n_features_in_, library() is lightgbm)
"""

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert result.stdout.split() == ["lightgbm", "False", "1", "True"]


INTERRUPTED_AT = """
import builtins, os, signal, sys
imported = builtins.__import__

def import_or_interrupt(name, *rest):
    if name == {module!r}:
        os.kill(os.getpid(), signal.SIGINT)
    return imported(name, *rest)

builtins.__import__ = import_or_interrupt
sys.argv = ["afterclose", "config", "show", "--home", {home!r}]
from importlib.metadata import entry_points
(command,) = [entry for entry in entry_points(group="console_scripts") if entry.name == "afterclose"]
sys.exit(command.load()())
"""


# issue 10, line 14
@pytest.mark.parametrize("module", ["flows.cli.app", "typer", "flows.terminal", "yaml"])
def test_an_interruption_while_the_command_starts_is_one_line_and_exit_130(tmp_path, module):
    program = INTERRUPTED_AT.format(module=module, home=str(blank(tmp_path)))

    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert result.returncode == 130
    assert (
        result.stderr
        == "afterclose: Interrupted. What was published before is intact; run the same command again.\n"
    )


# issue 11, part 3
def test_the_version_is_the_release_that_is_installed(capsys):
    released = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["version"]

    assert answer(["--version"]) == 0

    assert capsys.readouterr().out == f"afterclose {released}\n"


# issue 10, line 12
def test_code_installed_as_a_package_refuses_without_a_home_and_writes_nothing(tmp_path):
    packages = tmp_path / "site-packages"
    for package in ("flows", "tasks", "config"):
        shutil.copytree(Path(__file__).parents[2] / package, packages / package)
    before = tree_bytes(packages)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    commands = [
        ["daily"],
        ["data", "status"],
        ["data", "import", str(elsewhere)],
        ["kill-switch", "status"],
    ]
    program = (
        f"import sys; sys.path.insert(0, {str(packages)!r}); from flows.cli.app import answer\n"
        f"for words in {commands!r}: print(answer(words), flush=True); print('---', file=sys.stderr, flush=True)"
    )

    ended = subprocess.run(
        [sys.executable, "-B", "-c", program],
        cwd=elsewhere,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert ended.stdout.split() == ["2"] * len(commands)
    refusals = ended.stderr.split("---\n")[:-1]
    assert [("afterclose init DIR" in refusal) for refusal in refusals] == [True] * len(commands)
    assert tree_bytes(packages) == before
    assert list(elsewhere.iterdir()) == []
