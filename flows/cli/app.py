"""The command line: parse arguments, load settings, call a flow. No logic.

Heavy libraries are imported by the commands that need them, so that --help answers at once.
"""

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from flows.cli import audit, champion, data, kill_switch, positions, regime, runs, settings
from flows.terminal import Failure, Options, complain, failure_of, quieten_libraries

INTERRUPTED = 130
VALUES_FOR_ALL = frozenset({"--home", "--profile"})
FLAGS_FOR_ALL = frozenset({"--json", "--debug", "-v", "--verbose"})

app = typer.Typer(
    epilog="The options are taken before or after the command's name. Exit codes: 0 done, 1 unexpected, 2 usage or "
    "settings, 3 blocked by a check, 4 closed session, 5 data, 6 model, 7 broker, 75 try again later.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(runs.app)
for name, group in {
    "config": settings.app,
    "data": data.app,
    "regime": regime.app,
    "champion": champion.app,
    "kill-switch": kill_switch.app,
    "audit": audit.app,
    "positions": positions.app,
}.items():
    app.add_typer(group, name=name)


def answer(arguments: Sequence[str]) -> int:
    """Run one command line. Whatever goes wrong becomes one paragraph and an exit code."""
    options = Options(as_json="--json" in arguments, debug="--debug" in arguments)
    _set_up_process()
    try:
        code = app(args=hoisted(arguments), prog_name="afterclose", standalone_mode=False)
    except typer.TyperException as error:
        return complain(_usage(error), options)
    except Exception as error:  # noqa: BLE001 - the edge: whatever happens, one paragraph and an exit code
        return complain(failure_of(error), options)
    if code == INTERRUPTED:
        return complain(Failure("Interrupted. What was published before is intact.", INTERRUPTED), options)
    return int(code or 0)


def hoisted(arguments: Sequence[str]) -> list[str]:
    """Move what every command takes to the front, where typer expects it. Nothing after `--` is touched."""
    front: list[str] = []
    rest: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--":
            rest += [argument, *waiting]
        elif argument in VALUES_FOR_ALL:
            front += [argument, *_value_of(argument, waiting)]
        elif argument in FLAGS_FOR_ALL or argument.partition("=")[0] in VALUES_FOR_ALL:
            front.append(argument)
        else:
            rest.append(argument)
    return front + rest


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
            help="The home. Default: AFTERCLOSE_HOME, this folder if it is one, or the checkout.",
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="standard, prudent or institutional. Default: AFTERCLOSE_PROFILE."),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document to stdout.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and every log line.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show what each stage reports.")] = False,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the release and exit."),
    ] = False,
) -> None:
    """After the close: the day's data becomes a short list of trades that a person approves."""
    context.obj = Options(home, profile, as_json, debug, verbose)
    quieten_libraries(context.obj)


def _usage(error: typer.TyperException) -> Failure:
    """Point to the help page of the command that was meant; without any words the page itself was shown."""
    command = getattr(getattr(error, "ctx", None), "command_path", "afterclose")
    said = error.format_message().strip()
    stop = "" if not said else " " if said.endswith((".", "?")) else ". "
    return Failure(f"{said}{stop}See `{command} --help`.", error.exit_code)


def _set_up_process() -> None:
    """No telemetry, no more threads than cores, and memory given back, unless the person says otherwise."""
    cores = str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    defaults = {
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # Arrow's own pool keeps what tables took, a tenth of the day's peak; the system's hands it on to everybody
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        **dict.fromkeys(
            ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), cores
        ),
    }
    for variable, value in defaults.items():
        os.environ.setdefault(variable, value)
