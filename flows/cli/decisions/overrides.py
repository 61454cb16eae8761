"""The command group `overrides`."""

from typing import Annotated, Literal

import typer

from flows.cli.options import GLOBAL_OPTIONS_NOTE, NO_VALUE, NameOption, ReasonOption
from flows.terminal import show

app = typer.Typer(
    no_args_is_help=True,
    help="Restrictions set by a person (do not buy, reduce only, do not trade, multiplier), and waivers of gates.",
)

UntilOption = Annotated[
    str, typer.Option("--until", metavar="D", help="Last session in which it applies, YYYY-MM-DD.")
]
SymbolOption = Annotated[str, typer.Option("--symbol", metavar="SYMBOL", help="Applies to this symbol.")]


@app.command("add", epilog=GLOBAL_OPTIONS_NOTE)
def overrides_add(  # noqa: PLR0913, PLR0917 - one parameter per option
    context: typer.Context,
    effect: Annotated[
        Literal["do_not_buy", "reduce_only", "do_not_trade", "multiplier"],
        typer.Argument(metavar="EFFECT", help="do_not_buy, reduce_only, do_not_trade or multiplier."),
    ],
    until: UntilOption,
    by: NameOption,
    reason: ReasonOption,
    symbol: SymbolOption = "",
    sector: Annotated[
        str, typer.Option("--sector", metavar="NAME", help="Applies to the names in this sector.")
    ] = "",
    strategy: Annotated[
        str, typer.Option("--strategy", metavar="NAME", help="Applies to the trades of this champion.")
    ] = "",
    multiplier: Annotated[
        str | None,
        typer.Option(
            "--multiplier",
            metavar="X",
            help="With multiplier: the fraction of each buy that remains, 0 to 1.",
        ),
    ] = None,
    *,
    everything: Annotated[
        bool, typer.Option("--all", metavar=NO_VALUE, help="Applies to every trade.")
    ] = False,
) -> int:
    """Restrict what is executed, from now until a session of your choice."""
    from flows.operations.decisions.overrides import Scoped, add

    scoped = Scoped(symbol, sector, strategy, everything=everything)
    done = add(context.obj, effect, scoped, multiplier=multiplier, until=until, by=by, reason=reason)
    return show(done, context.obj)


@app.command("waive", epilog=GLOBAL_OPTIONS_NOTE)
def overrides_waive(
    context: typer.Context,
    gate: Annotated[str, typer.Argument(metavar="GATE", help="Name of the gate, as in the log.")],
    until: UntilOption,
    by: NameOption,
    reason: ReasonOption,
    symbol: SymbolOption = "",
    *,
    everything: Annotated[
        bool, typer.Option("--all", metavar=NO_VALUE, help="Applies to every order.")
    ] = False,
) -> int:
    """Let orders pass a gate that fails. docs/safety.md lists the gates that can be waived."""
    from flows.operations.decisions.overrides import Scoped, waive

    scoped = Scoped(symbol, "", "", everything=everything)
    return show(waive(context.obj, gate, scoped, until=until, by=by, reason=reason), context.obj)


@app.command("list", epilog=GLOBAL_OPTIONS_NOTE)
def overrides_list(
    context: typer.Context,
    *,
    ended: Annotated[
        bool, typer.Option("--ended", metavar=NO_VALUE, help="Include those that ended or expired.")
    ] = False,
) -> int:
    """List the overrides in effect, each with its number, owner, reason and last session."""
    from flows.operations.decisions.overrides import list_all

    return show(list_all(context.obj, ended=ended), context.obj)


@app.command("end", epilog=GLOBAL_OPTIONS_NOTE)
def overrides_end(
    context: typer.Context,
    number: Annotated[
        int, typer.Argument(metavar="N", help="Number of the override, from `overrides list`.")
    ],
    by: NameOption,
    reason: ReasonOption,
) -> int:
    """End an override before its last session."""
    from flows.operations.decisions.overrides import end

    return show(end(context.obj, number, by=by, reason=reason), context.obj)
