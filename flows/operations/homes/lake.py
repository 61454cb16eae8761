"""Show or verify the lake, or import a directory of files into it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from config.new_home import new_config
from flows.commands import run_of
from flows.operations.homes.inspection import aligned
from flows.operations.homes.quarantine_words import quarantine_lines
from flows.terminal import Options, Result, progress, with_home
from tasks.core.atomic import write_text
from tasks.core.homes.home import Home
from tasks.core.homes.lock import exclusive
from tasks.core.homes.opening import checkout, find_home, named_home, settings_of
from tasks.core.homes.setup import is_set_up, make_home
from tasks.core.reading import read_text
from tasks.core.text import counted

if TYPE_CHECKING:
    from tasks.data.panel.coverage import Coverage
    from tasks.data.schema.records import Finding

MOST_NAMED, FINDINGS_NAMED = 5, 40


def show_lake(options: Options) -> Result:
    """Return the contents of the lake: sessions, universe, tables, gaps, findings. An empty lake is not an error."""
    from tasks.data.intake.simulated_version import OLDER_REMEDY
    from tasks.data.upkeep.status import describe_lake

    home = find_home(options.home)
    status = describe_lake(home, settings_of(home, options.profile).settings)
    if status is None:
        return Result(
            {"lake": None}, f"The lake is empty. Fill it: {with_home('afterclose refresh', options)}"
        )
    days = [str(day) for day in status.missing_sessions]
    at = status.refreshed_at
    rows = [
        ("lake", status.location),
        ("provider", status.provider),
        *([("note", f"{status.older_market}. {OLDER_REMEDY}")] if status.older_market else []),
        ("sessions", f"{status.first_session} to {status.last_session}"),
        ("snapshot", status.snapshot),
        ("last refresh", f"{at:%Y-%m-%d %H:%M} UTC" if at else "not known"),
        ("refreshes", f"{status.revision:,}"),
        ("symbols", f"{status.symbols:,}"),
        ("universe", f"{status.universe:,} on the last session"),
        ("in quarantine", f"{len(status.quarantined):,}{_named(status.quarantined)}"),
        ("size", f"{status.size_bytes / 1e6:,.1f} MB"),
        ("missing sessions", f"{len(days):,}{_named(days)}"),
        *(
            (f"table {table.name}", f"{counted(table.rows, 'row')}, version {table.version}")
            for table in status.tables
        ),
        *_counted(status.findings),
    ]
    return Result({"lake": asdict(status)}, aligned(rows))


def verify(options: Options) -> Result:
    """Verify the stored files and run the gates over all data; unsound data raises."""
    with progress(options), run_of(options, None, "data verify", step_back=True) as run:
        from tasks.data.upkeep.verify import verify_lake

        verified = verify_lake(run)
    sound = (
        f"Verified: {counted(verified.bars, 'bar')} of {counted(verified.symbols, 'symbol')} in "
        f"{counted(verified.sessions, 'session')} match what was committed; "
        f"{counted(len(verified.findings), 'finding')}."
    )
    parts = [sound, *_covered(verified.coverage)]
    if verified.findings:
        parts += [_by_rule(verified.findings), *_latest(verified.findings), "--json prints every finding."]
    document = {**asdict(verified), "by_rule": verified.by_rule}
    return Result(document, "\n\n".join(parts))


def _covered(coverage: Sequence["Coverage"]) -> list[str]:
    """Count the index members with and without prices by year: missing ones bias the history towards survivors."""
    if not coverage:
        return []
    rows = [
        (str(one.session), f"{one.priced:,} of {one.members:,}", f"{one.members - one.priced:,} without")
        for one in coverage
    ]
    return ["Index members with a price:\n" + aligned(rows)]


def _by_rule(findings: Sequence["Finding"]) -> str:
    """Count findings by rule: errors and warnings before notes, then the most frequent."""
    rules: dict[tuple[str, str], list[Finding]] = {}
    for found in findings:
        rules.setdefault((found.severity, found.rule), []).append(found)
    ordered = sorted(rules.items(), key=lambda item: (item[0][0] == "note", -len(item[1]), item[0][1]))
    head = ("rule", "severity", "findings", "symbols", "first", "last")
    rows = [
        (
            rule,
            severity,
            f"{len(same):,}",
            f"{len({found.symbol for found in same}):,}",
            str(min(found.session for found in same)),
            str(max(found.session for found in same)),
        )
        for (severity, rule), same in ordered
    ]
    return aligned([head, *rows])


def _latest(findings: Sequence["Finding"]) -> list[str]:
    """List the last findings that are not notes, with evidence and action."""
    serious = sorted(
        (found for found in findings if found.severity != "note"), key=lambda found: found.session
    )
    rows = [
        (str(found.session), found.symbol, found.rule, f"{found.evidence}. {found.action.capitalize()}.")
        for found in serious[-FINDINGS_NAMED:]
    ]
    return [aligned(rows)] if rows else []


def import_files(options: Options, folder: Path) -> Result:
    """Check a directory of files and add it to the lake, up to the last closed session."""
    folder = folder.expanduser().absolute()
    with progress(options):
        made = _make_home_for(options, folder)
        with run_of(options, None, "data import") as run:
            from tasks.data.intake.imports import import_folder
            from tasks.data.intake.update import name_refused

            imported = import_folder(run, folder)
    data = run.settings.data
    new, restated, aside = imported.bars, imported.restated, imported.set_aside
    span = f"{imported.first_session} to {imported.last_session}"
    counts = [counted(new, "new bar"), f"{restated:,} restated", f"{aside:,} set aside"]
    if imported.refused:
        counts.append(f"{sum(imported.refused.values()):,} refused")
    lines = [f"Created the home {run.home.root}."] if made else []
    lines.append(f"{', '.join(counts)}; the lake holds {span}.")
    lines += [f"Rewritten: {change}." for change in imported.rewritten]
    if imported.refused:
        lines.append(f"Refused because of an invalid symbol (bars): {name_refused(imported.refused)}.")
    if imported.respelled:
        lines.append(f"Symbols respelled: {_respelled(imported.respelled)}.")
    if imported.without_sector:
        from tasks.portfolio.explanation import unknown_sector_words

        lines.append(
            f"Names that have no sector: {imported.without_sector:,} of {imported.symbols:,} "
            f"({unknown_sector_words(run.settings.portfolio)}). "
            "Add them to the sectors file (docs/data.md), or set portfolio.unknown_sector."
        )
    undated = imported.symbols - imported.without_sector - imported.with_dated_sector
    if undated > 0:
        lines.append(
            f"Names whose sector has no date: {undated:,}"
            f" of {imported.symbols:,}. The sector is used for limits, but not for features, where"
            " these names are compared only with each other: an undated sector may have been assigned after"
            " the session. Add a sector_changes file to give the dates (docs/data.md)."
        )
    lines += quarantine_lines(imported)
    lines += [aligned(_counted(imported.findings))] if imported.findings else []
    if "files" not in data.providers or data.files.path != imported.folder:
        lines.append(
            f"Set data.provider to files and data.files.path to {imported.folder} for later runs to read it."
        )
    return Result(asdict(imported), "\n".join(lines))


def _make_home_for(options: Options, folder: Path) -> bool:
    """Create a home that reads the directory; return False if it exists. A directory without prices raises first."""
    from tasks.data.providers.files.provider import FilesProvider

    home = named_home(options.home)
    FilesProvider(folder)
    if is_set_up(home):
        _correct_directory(home, folder, options)
        return False
    return make_home(home, new_config("files", folder), checkout=checkout())


def _correct_directory(home: Home, folder: Path, options: Options) -> None:
    """Make a home read this directory that was created for another one, from which nothing could be imported."""
    from tasks.data.lake.head import read_head
    from tasks.data.lake.storage.location import lake_of

    settings = settings_of(home, options.profile).settings
    before = settings.data.files.path
    if before is None or before == folder or read_head(lake_of(home, settings)) is not None:
        return
    with exclusive(home.lock_file, doing="data import"):
        if home.config_file.exists() and read_text(home.config_file) == new_config("files", before):
            write_text(home.config_file, new_config("files", folder))


def _respelled(became: Mapping[str, str]) -> str:
    pairs = sorted(became.items())
    more = f" and {len(pairs) - MOST_NAMED} more" if len(pairs) > MOST_NAMED else ""
    return ", ".join(f"{written[:40]!r} → {symbol}" for written, symbol in pairs[:MOST_NAMED]) + more


def _counted(findings: Mapping[str, int]) -> list[tuple[str, str]]:
    return [(f"found {rule}", f"{count:,}") for rule, count in findings.items()]


def _named(names: Sequence[str]) -> str:
    if not names:
        return ""
    return f" ({', '.join(names[:MOST_NAMED])}{', …' if len(names) > MOST_NAMED else ''})"
