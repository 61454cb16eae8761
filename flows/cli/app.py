"""The command line: parse arguments, call a command, turn every error into one paragraph and an exit code.

Heavy libraries are imported by the commands that need them, to keep --help fast.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import islice, pairwise
from pathlib import Path
from typing import Annotated

import typer

from flows.cli import runs
from flows.cli.decisions import approval, audit, flow_permissions, kill_switch, ledger, overrides, review
from flows.cli.homes import data, metrics, notify, settings
from flows.cli.options import NO_VALUE
from flows.cli.research import champion, regime, replay, sql, trials
from flows.cli.trading import execution, fills, monitor, positions, reconcile
from flows.terminal import Failure, Options, failure_of, report_failure, silence_library_warnings
from tasks.core.errors import ConfigError

INTERRUPTED = 130
_command_of = cache(typer.main.get_command)  # the tests run hundreds of commands in one process
GLOBAL_OPTIONS = frozenset({"--home", "--profile"})
GLOBAL_FLAGS = frozenset({"--json", "--debug", "-v", "--verbose"})

app = typer.Typer(
    epilog="Options go before or after the command's name. Exit codes: 0 done, 1 unexpected error or "
    "storage error, 2 usage or settings, 3 blocked by a check, 4 nothing to do, 5 data, 6 model, 7 broker, "
    "75 try again later.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(runs.app)
app.add_typer(approval.app)
app.add_typer(review.app)
app.add_typer(reconcile.app)
app.add_typer(execution.app)
app.add_typer(monitor.app)
app.add_typer(replay.app)
app.add_typer(sql.app)
app.add_typer(ledger.app)
for name, group in {
    "config": settings.app,
    "data": data.app,
    "regime": regime.app,
    "champion": champion.app,
    "trials": trials.app,
    "kill-switch": kill_switch.app,
    "approval": approval.approval,
    "approvers": approval.approvers,
    "overrides": overrides.app,
    "flows": flow_permissions.app,
    "audit": audit.app,
    "positions": positions.app,
    "fills": fills.app,
    "metrics": metrics.app,
    "notify": notify.app,
}.items():
    app.add_typer(group, name=name)


def answer(arguments: Sequence[str]) -> int:
    """Run one command line, then post its news; return its exit code. Any error is printed as one paragraph."""
    code = _answer(arguments)
    announcing = sys.modules.get("flows.announcing")  # imported by the commands that have news
    if announcing is not None and code == ConfigError.exit_code:  # a usage error writes nothing
        announcing.forget_waiting_news()
    elif announcing is not None:
        announcing.post_waiting_news()
    return code


def _answer(arguments: Sequence[str]) -> int:
    options = Options(as_json="--json" in arguments, debug="--debug" in arguments)
    set_up_process()
    try:
        hoisted = hoist_global_options(arguments)
        options = replace(options, home=_home_given(hoisted))
        code = _command_of(app)(args=hoisted, prog_name="afterclose", standalone_mode=False)
    except typer.TyperException as error:
        if not error.format_message().strip() and not options.as_json:
            return error.exit_code  # no command was given, and the help page is printed already
        return report_failure(_usage_failure(error), options)
    except Exception as error:  # noqa: BLE001 - the edge: any error becomes one paragraph and an exit code
        return report_failure(failure_of(error, options), options)
    if code == INTERRUPTED:
        return report_failure(
            Failure(
                "Interrupted. What was published before is intact; run the same command again.", INTERRUPTED
            ),
            options,
        )
    return int(code or 0)


def hoist_global_options(arguments: Sequence[str]) -> list[str]:
    """Move the global options to the front, where typer expects them. Nothing after `--` is moved."""
    front: list[str] = []
    rest: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--":
            rest += [argument, *waiting]
        elif argument in GLOBAL_OPTIONS:
            front += [argument, *_value_of(argument, waiting)]
        elif argument in GLOBAL_FLAGS or argument.partition("=")[0] in GLOBAL_OPTIONS:
            front.append(argument)
        else:
            rest.append(argument)
    return front + rest


def _home_given(hoisted: Sequence[str]) -> Path | None:
    """Return the value of --home, None without one."""
    words = [word for argument in hoisted for word in _split_home(argument)]
    home = dict(pairwise(words)).get("--home")
    return None if home is None else Path(home)


def _split_home(argument: str) -> list[str]:
    return argument.split("=", 1) if argument.startswith("--home=") else [argument]


def _value_of(option: str, waiting: Iterator[str]) -> list[str]:
    value = list(islice(waiting, 1))
    if not value:
        raise typer.BadParameter(f"Option '{option}' requires an argument.")
    return value


def _print_version(*, is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version

        typer.echo(f"afterclose {version('afterclose')}")
        raise typer.Exit


@app.callback()
def take_options(
    context: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Home directory. Default: AFTERCLOSE_HOME, else the current directory if it is a home, "
            "else the checkout.",
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Settings profile: standard, prudent or institutional. Default: AFTERCLOSE_PROFILE.",
        ),
    ] = None,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", metavar=NO_VALUE, help="Print one JSON document to stdout.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", metavar=NO_VALUE, help="Show tracebacks and every log line.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", metavar=NO_VALUE, help="Show the log lines of each stage.")
    ] = False,
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            metavar=NO_VALUE,
            callback=_print_version,
            is_eager=True,
            help="Print the version and exit.",
        ),
    ] = False,
) -> None:
    """After the close, turn the day's data into a short list of trades for a person to approve."""
    context.obj = Options(home, profile, as_json, debug, verbose)
    silence_library_warnings(context.obj)


def _usage_failure(error: typer.TyperException) -> Failure:
    """Point to the help page of the command."""
    command = getattr(getattr(error, "ctx", None), "command_path", "afterclose")
    message = error.format_message().strip()
    if getattr(error, "option_name", "")[1:2].isdigit():  # -500 is read as an option
        message = (
            "Amounts and numbers of shares must be positive: a number with a minus sign is not accepted."
        )
    stop = "" if not message else " " if message.endswith((".", "?")) else ". "
    return Failure(f"{message}{stop}See `{command} --help`.", error.exit_code)


def set_up_process() -> None:
    """Disable telemetry, limit threads to the cores, and return freed memory, unless the environment says otherwise."""
    cores = str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    defaults = {
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # Arrow's own pool retains freed memory, a tenth of the day's peak; the system's allocator reuses it
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        **dict.fromkeys(
            ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), cores
        ),
    }
    for variable, value in defaults.items():
        os.environ.setdefault(variable, value)
