"""Options shared by several commands."""

from typing import Annotated

import typer

GLOBAL_OPTIONS_NOTE = (
    "Every command also takes --home, --profile, --json, --debug and -v, before or after its name."
)

NO_VALUE = ""  # metavar of a flag: typer's help shows <bool>, as if a value had to follow

DayOption = Annotated[
    str | None,
    typer.Option("--date", metavar="D", help="YYYY-MM-DD, or today. Default: the last closed session."),
]
FromOption = Annotated[str | None, typer.Option("--from", metavar="D", help="First session, YYYY-MM-DD.")]
ToOption = Annotated[str | None, typer.Option("--to", metavar="D", help="Last session, YYYY-MM-DD.")]
DeploymentOption = Annotated[
    str | None,
    typer.Option(
        "--name",
        metavar="NAME",
        help="Suffix for a second home: its deployments become daily-live-NAME, weekly-champion-NAME and so on.",
    ),
]
NameOption = Annotated[str, typer.Option("--by", metavar="NAME", help="Your name, for the audit log.")]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="The reason, for the audit log.")]
