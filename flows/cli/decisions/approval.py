"""The commands `approve` and `reject`, and the command groups `approval` and `approvers`."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import GLOBAL_OPTIONS_NOTE, NO_VALUE, NameOption, ReasonOption
from flows.terminal import show

app = typer.Typer()
approval = typer.Typer(no_args_is_help=True, help="The approval of a day: whether it is valid, and why not.")
approvers = typer.Typer(no_args_is_help=True, help="Who may approve, and with which key.")

SessionArgument = Annotated[str, typer.Argument(metavar="D", help="The session, YYYY-MM-DD.")]
StrikeOption = Annotated[
    list[str] | None,
    typer.Option("--strike", metavar="SYMBOL", help="Do not trade this symbol. May be given several times."),
]
PersonArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the person.")]
KEY_DEFAULT = "Default: AFTERCLOSE_APPROVAL_KEY_FILE, else ~/.config/afterclose/approval_key.pem."
KeyOption = Annotated[
    Path | None, typer.Option("--key", metavar="FILE", help=f"Your private key file. {KEY_DEFAULT}")
]


@app.command("approve", epilog=GLOBAL_OPTIONS_NOTE)
def approve_day(  # noqa: PLR0913 - one parameter per option
    context: typer.Context,
    day: SessionArgument,
    by: NameOption,
    key: KeyOption = None,
    *,
    sign_only: Annotated[
        bool,
        typer.Option("--sign-only", metavar=NO_VALUE, help="Print the signature instead of storing it."),
    ] = False,
    signature: Annotated[
        str | None,
        typer.Option("--signature", metavar="TEXT", help="A signature printed by --sign-only; needs no key."),
    ] = None,
    overrule: Annotated[
        str, typer.Option("--overrule", metavar="TEXT", help="Why a rejection of the day is overruled.")
    ] = "",
    strike: StrikeOption = None,
    revision: Annotated[
        int | None,
        typer.Option(
            "--revision", metavar="N", min=0, help="Approve this revision; 0 is the day as published."
        ),
    ] = None,
) -> int:
    """Show the trades of a published day and what is signed, then sign. No order is sent.

    --strike creates a revision without the named trades and signs that revision.
    """
    from flows.operations.decisions.approval import approve

    return show(
        approve(
            context.obj,
            day,
            by=by,
            key=key,
            strike=tuple(strike or ()),
            revision=revision,
            sign_only=sign_only,
            signature=signature,
            overrule=overrule,
        ),
        context.obj,
    )


@app.command("revise", epilog=GLOBAL_OPTIONS_NOTE)
def revise_day(
    context: typer.Context,
    day: SessionArgument,
    by: NameOption,
    reason: ReasonOption,
    strike: StrikeOption = None,
    halve: Annotated[
        list[str] | None,
        typer.Option("--halve", metavar="SYMBOL", help="Trade half the shares. May be given several times."),
    ] = None,
    *,
    solve: Annotated[
        bool,
        typer.Option(
            "--solve",
            metavar=NO_VALUE,
            help="Re-optimize the other trades instead of leaving the cash uninvested.",
        ),
    ] = False,
) -> int:
    """Strike or halve trades of a published day; write live/D/revisions/N. Every check runs; nothing is approved."""
    from flows.operations.decisions.revision import revise_day as revise

    result = revise(
        context.obj,
        day,
        strike=tuple(strike or ()),
        halve=tuple(halve or ()),
        solve=solve,
        by=by,
        reason=reason,
    )
    return show(result, context.obj)


@app.command("reject", epilog=GLOBAL_OPTIONS_NOTE)
def reject_day(context: typer.Context, day: SessionArgument, by: NameOption, reason: ReasonOption) -> int:
    """Reject a published day and void any approval of it."""
    from flows.operations.decisions.approval import reject

    return show(reject(context.obj, day, by=by, reason=reason), context.obj)


@approval.command("show", epilog=GLOBAL_OPTIONS_NOTE)
def approval_show(context: typer.Context, day: SessionArgument) -> int:
    """Verify the approval of a day: who signed, for what, until when. Exits 3 if it is not valid."""
    from flows.operations.decisions.approval import show_approval

    return show(show_approval(context.obj, day), context.obj)


@approvers.command("key", epilog=GLOBAL_OPTIONS_NOTE)
def approvers_key(context: typer.Context, key: KeyOption = None) -> int:
    """Print your public key; create your key file first if there is none. The home need not exist."""
    from flows.operations.decisions.approvers import show_key

    return show(show_key(context.obj, key), context.obj)


@approvers.command("add", epilog=GLOBAL_OPTIONS_NOTE)
def approvers_add(
    context: typer.Context,
    name: PersonArgument,
    by: NameOption,
    reason: ReasonOption,
    key: Annotated[
        Path | None,
        typer.Option("--key", metavar="FILE", help=f"The person's private key file. {KEY_DEFAULT}"),
    ] = None,
    public_key: Annotated[
        str | None,
        typer.Option("--public-key", metavar="HEX", help="The person's public key, if the key is elsewhere."),
    ] = None,
) -> int:
    """Register a person who may approve; creates the person's key file if there is none."""
    from flows.operations.decisions.approvers import add

    return show(add(context.obj, name, by=by, reason=reason, key=key, public=public_key), context.obj)


@approvers.command("list", epilog=GLOBAL_OPTIONS_NOTE)
def approvers_list(context: typer.Context) -> int:
    """List who may approve, and whose key was revoked."""
    from flows.operations.decisions.approvers import list_all

    return show(list_all(context.obj), context.obj)


@approvers.command("revoke", epilog=GLOBAL_OPTIONS_NOTE)
def approvers_revoke(
    context: typer.Context, name: PersonArgument, by: NameOption, reason: ReasonOption
) -> int:
    """Revoke a person's key at once; approvals already signed with it become invalid."""
    from flows.operations.decisions.approvers import revoke

    return show(revoke(context.obj, name, by=by, reason=reason), context.obj)
