"""The command line: parse arguments, load settings, call a flow. No logic.

Heavy libraries are imported by the commands that need them, so that --help answers at once.
"""

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from flows.terminal import Failure, Options, complain, failure_of, quieten_libraries, show

INTERRUPTED = 130
VALUES_FOR_ALL = frozenset({"--home", "--profile"})
FLAGS_FOR_ALL = frozenset({"--json", "--debug", "-v", "--verbose"})
FOR_ALL = "Every command also takes --home, --profile, --json, --debug and -v, before or after its name."

app = typer.Typer(
    epilog="The options are taken before or after the command's name. Exit codes: 0 done, 1 unexpected, 2 usage or "
    "settings, 3 blocked by a check, 4 closed session, 5 data, 6 model, 7 broker, 75 try again later.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
config_app = typer.Typer(no_args_is_help=True, help="The settings in force.")
data_app = typer.Typer(no_args_is_help=True, help="The lake of market data.")
regime_app = typer.Typer(no_args_is_help=True, help="The state of the market.")
champion_app = typer.Typer(no_args_is_help=True, help="The model in production.")
positions_app = typer.Typer(no_args_is_help=True, help="What is held.")
audit_app = typer.Typer(no_args_is_help=True, help="The log of who halted, resumed and declared what.")
switch_app = typer.Typer(no_args_is_help=True, help="The kill switch: while it is on, no day is published.")
for name, group in {
    "config": config_app,
    "data": data_app,
    "regime": regime_app,
    "champion": champion_app,
    "kill-switch": switch_app,
    "audit": audit_app,
    "positions": positions_app,
}.items():
    app.add_typer(group, name=name)

DayOption = Annotated[
    str | None,
    typer.Option("--date", metavar="D", help="YYYY-MM-DD, or today. Default: the last closed session."),
]
FromOption = Annotated[str | None, typer.Option("--from", metavar="D", help="First session, YYYY-MM-DD.")]
ToOption = Annotated[str | None, typer.Option("--to", metavar="D", help="Last session, YYYY-MM-DD.")]
DeploymentOption = Annotated[
    str | None,
    typer.Option("--name", metavar="NAME", help="For a second home: deployments daily-live-NAME and so on."),
]
NameOption = Annotated[str, typer.Option("--by", metavar="NAME", help="Who does it.")]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")]


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


@app.command(epilog=FOR_ALL)
def init(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="An empty or new folder, or the checkout.")],
    *,
    simulated: Annotated[bool, typer.Option("--simulated", help="Its market is simulated.")] = False,
) -> int:
    """Make a folder a home, with a commented config.yaml; a home is left as it is."""
    from flows.operations.new_home import init as make

    return show(make(folder, simulated=simulated), context.obj)


@app.command(epilog=FOR_ALL)
def demo(
    context: typer.Context,
    symbols: Annotated[int, typer.Option(min=20, help="Companies in the simulated market.")] = 120,
    years: Annotated[int, typer.Option(min=3, help="Years of history.")] = 6,
    days: Annotated[int, typer.Option(min=1, help="Last sessions to run.")] = 5,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal demos.")] = 7,
) -> int:
    """Walk the whole story in a simulated market, offline: data, champion, days, report."""
    from flows.commands import demo_here

    return show(demo_here(context.obj, symbols=symbols, years=years, days=days, seed=seed), context.obj)


@app.command(epilog=FOR_ALL)
def refresh(context: typer.Context, day: DayOption = None) -> int:
    """Bring the lake up to the session."""
    from flows.commands import refresh_here

    return show(refresh_here(context.obj, day), context.obj)


@app.command(epilog=FOR_ALL)
def daily(
    context: typer.Context,
    day: DayOption = None,
    *,
    dry_run: Annotated[
        bool, typer.Option(help="Propose only. `daily` itself never submits an order.")
    ] = True,
) -> int:
    """Run daily-live here and now: one session becomes live/YYYY-MM-DD/. Needs no server."""
    from flows.commands import daily_here

    return show(daily_here(context.obj, day, dry_run=dry_run), context.obj)


@app.command(epilog=FOR_ALL)
def weekly(
    context: typer.Context,
    day: DayOption = None,
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Train only models.quick_candidates.")] = False,
) -> int:
    """Run weekly-champion here and now: train the candidates, promote the best. Needs no server."""
    from flows.commands import weekly_here

    return show(weekly_here(context.obj, day, quick=quick), context.obj)


@app.command(epilog=FOR_ALL)
def doctor(context: typer.Context) -> int:
    """Say on one screen what is missing or stale, and how to mend it."""
    from flows.operations.doctor import examine

    return show(examine(context.obj), context.obj)


@app.command(epilog=FOR_ALL)
def serve(context: typer.Context, name: DeploymentOption = None) -> int:
    """Run both flows on their schedules in this process, until interrupted (needs a Prefect server)."""
    from flows.commands import serve_from_here

    return serve_from_here(context.obj, name)


@app.command(epilog=FOR_ALL)
def deploy(context: typer.Context, name: DeploymentOption = None) -> int:
    """Register both flows and their schedules with a Prefect server, for workers to run."""
    from flows.commands import deploy_from_here

    return show(deploy_from_here(context.obj, name), context.obj)


@config_app.command("show", epilog=FOR_ALL)
def config_show(context: typer.Context) -> int:
    """Print every setting in force and where it came from; secrets are masked."""
    from flows.operations.inspection import show_config

    return show(show_config(context.obj), context.obj)


@data_app.command("status", epilog=FOR_ALL)
def data_status(context: typer.Context) -> int:
    """Print what the lake holds: span, universe, quarantine, gaps, findings, tables, size."""
    from flows.operations.lake import show_lake

    return show(show_lake(context.obj), context.obj)


@data_app.command("verify", epilog=FOR_ALL)
def data_verify(context: typer.Context) -> int:
    """Check the lake's files and list what the quality gates found."""
    from flows.operations.lake import verify

    return show(verify(context.obj), context.obj)


@data_app.command("import", epilog=FOR_ALL)
def data_import(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of CSV or Parquet files.")],
) -> int:
    """Bring a folder of files into the lake (docs/configuration.md, data.files)."""
    from flows.operations.lake import import_files

    return show(import_files(context.obj, folder), context.obj)


@data_app.command("backup", epilog=FOR_ALL)
def data_backup(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Where to put it. Default: backups/ of the home.")
    ] = None,
) -> int:
    """Write the whole book, lake, days, champion, settings, into one archive with a digest of every file."""
    from flows.operations.upkeep import back_up

    return show(back_up(context.obj, folder), context.obj)


@data_app.command("restore", epilog=FOR_ALL)
def data_restore(
    context: typer.Context,
    archive: Annotated[Path, typer.Argument(metavar="FILE", help="An archive that `data backup` wrote.")],
    *,
    replace: Annotated[bool, typer.Option("--replace", help="Give up what the home holds now.")] = False,
    lake: Annotated[
        str | None,
        typer.Option(metavar="PLACE", help="Where the lake is to lie: home, or s3://BUCKET/PREFIX."),
    ] = None,
) -> int:
    """Check an archive to the last byte, then bring the book back from it into an empty home."""
    from flows.operations.upkeep import restore

    return show(restore(context.obj, archive, replace=replace, lake=lake), context.obj)


@data_app.command("vacuum", epilog=FOR_ALL)
def data_vacuum(context: typer.Context) -> int:
    """Free the space of files that neither the lake nor a published day needs any more."""
    from flows.operations.upkeep import vacuum

    return show(vacuum(context.obj), context.obj)


@regime_app.command("history", epilog=FOR_ALL)
def regime_history(
    context: typer.Context,
    first: FromOption = None,
    last: ToOption = None,
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write it there.")] = None,
) -> int:
    """Print the state of every session and what it was read from."""
    from flows.operations.inspection import show_regimes

    return show(show_regimes(context.obj, first=first, last=last, csv=csv), context.obj)


@champion_app.command("show", epilog=FOR_ALL)
def champion_show(context: typer.Context) -> int:
    """Print which model is in production, and why."""
    from flows.operations.inspection import show_champion

    return show(show_champion(context.obj), context.obj)


@positions_app.command("show", epilog=FOR_ALL)
def positions_show(context: typer.Context) -> int:
    """Print what is held: shares by symbol, and the cash."""
    from flows.operations.positions import show_positions

    return show(show_positions(context.obj), context.obj)


@positions_app.command("import", epilog=FOR_ALL)
def positions_import(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV: symbol, shares [, session]; a CASH row.")
    ],
    by: NameOption,
    reason: ReasonOption,
    *,
    accept_history: Annotated[
        bool,
        typer.Option("--accept-history", help="Let the performance history stand though rows are gone."),
    ] = False,
) -> int:
    """Declare what is held, in a person's name: it replaces live/current_positions.csv."""
    from flows.operations.positions import import_positions

    done = import_positions(context.obj, file, by=by, reason=reason, accept_history=accept_history)
    return show(done, context.obj)


@switch_app.command("status", epilog=FOR_ALL)
def switch_status(context: typer.Context) -> int:
    """Print whether the switch is on, who or what tripped it, and why."""
    from flows.operations.switch import show_switch

    return show(show_switch(context.obj), context.obj)


@switch_app.command("trip", epilog=FOR_ALL)
def switch_trip(context: typer.Context, by: NameOption, reason: ReasonOption) -> int:
    """Turn the switch on: nothing is published until a named person resets it."""
    from flows.operations.switch import trip

    return show(trip(context.obj, by=by, reason=reason), context.obj)


@switch_app.command("reset", epilog=FOR_ALL)
def switch_reset(
    context: typer.Context,
    by: NameOption,
    reason: ReasonOption,
    trips: Annotated[
        list[str] | None,
        typer.Option("--trip", metavar="N", help="End this trip, as status lists it. Default: the only one."),
    ] = None,
) -> int:
    """End the trips that were looked into; the switch is clear once none is left."""
    from flows.operations.switch import reset

    return show(reset(context.obj, by=by, reason=reason, trips=trips or ()), context.obj)


@audit_app.command("verify", epilog=FOR_ALL)
def audit_verify(context: typer.Context) -> int:
    """Follow the log's chain of digests; say where it breaks, and whether the rows are keyed."""
    from flows.operations.audit import verify_log

    return show(verify_log(context.obj), context.obj)


@audit_app.command("accept", epilog=FOR_ALL)
def audit_accept(context: typer.Context, by: NameOption, reason: ReasonOption) -> int:
    """Let the log stand as it is, damage included, in a person's name; with a key, from here on keyed."""
    from flows.operations.audit import accept_log

    return show(accept_log(context.obj, by=by, reason=reason), context.obj)


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
