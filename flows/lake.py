"""The lake by hand: what it holds, whether it is sound, and a folder of files brought into it."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from flows.here import run_of
from flows.inspection import aligned
from flows.terminal import Options, Result, progress
from tasks.core.open import find_home

DAYS_NAMED, FINDINGS_NAMED = 5, 40


def show_lake(options: Options) -> Result:
    """What the lake holds: span, tables, missing sessions, findings. An empty lake is no failure."""
    from tasks.data.audit import describe_lake

    status = describe_lake(find_home(options.home))
    if status is None:
        return Result({"lake": None}, "The lake is empty. Fill it: afterclose refresh")
    days = [str(day) for day in status.missing_sessions]
    rows = [
        ("provider", status.provider),
        ("sessions", f"{status.first_session} to {status.last_session}"),
        ("symbols", f"{status.symbols:,}"),
        ("refreshes", f"{status.revision:,}"),
        ("on disk", f"{status.size_bytes / 1e6:,.1f} MB"),
        ("missing sessions", f"{len(days):,}{_named(days)}"),
        *(
            (f"table {table.name}", f"{table.rows:,} rows, version {table.version}")
            for table in status.tables
        ),
        *_counted(status.findings),
    ]
    return Result({"lake": asdict(status)}, aligned(rows))


def verify(options: Options) -> Result:
    """Run the gates again over all that is stored; unsound data is the error of the data slice."""
    with progress(options), run_of(options, None, "data verify", step_back=True) as run:
        from tasks.data.audit import verify_lake

        verified = verify_lake(run)
    sound = (
        f"Sound: {verified.bars:,} bars of {verified.symbols:,} symbols in {verified.sessions:,} sessions are "
        f"those that were committed. {len(verified.findings):,} findings."
    )
    findings = [
        (str(found.session), found.symbol, found.rule, found.severity, found.evidence)
        for found in sorted(verified.findings, key=lambda found: found.session)[-FINDINGS_NAMED:]
    ]
    more = len(verified.findings) - len(findings)
    parts = [sound, *([aligned(_counted(verified.by_rule))] if verified.by_rule else [])]
    parts += [aligned(findings)] if findings else []
    parts += [f"… and {more:,} older ones; --json prints all"] if more else []
    document = {**asdict(verified), "by_rule": verified.by_rule}
    return Result(document, "\n\n".join(parts))


def import_files(options: Options, folder: Path) -> Result:
    """Check a folder of files and bring it into the lake, up to the last closed session."""
    with progress(options), run_of(options, None, "data import") as run:
        from tasks.data.task import import_folder

        imported = import_folder(run, folder.expanduser().absolute())
    data = run.settings.data
    new, restated, aside = imported.bars, imported.restated, imported.set_aside
    span = f"{imported.first_session} to {imported.last_session}"
    lines = [f"{new:,} new bars, {restated:,} restated, {aside:,} set aside; the lake holds {span}."]
    lines += [aligned(_counted(imported.findings))] if imported.findings else []
    if "files" not in data.providers or data.files.path != imported.folder:
        lines.append(
            f"Set data.provider to files and data.files.path to {imported.folder}: later days look there."
        )
    return Result(asdict(imported), "\n".join(lines))


def _counted(findings: Mapping[str, int]) -> list[tuple[str, str]]:
    return [(f"found {rule}", f"{count:,}") for rule, count in findings.items()]


def _named(days: list[str]) -> str:
    if not days:
        return ""
    return f" ({', '.join(days[:DAYS_NAMED])}{', …' if len(days) > DAYS_NAMED else ''})"
