"""What the review page reads and does in a home: the same functions that the commands call. Sends no order."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from threading import Lock

from flows.announcing import post_waiting_news_soon
from flows.operations.decisions.approval import Dialogue, approve, next_step, reject, run_of, shown_digest
from flows.operations.decisions.revision import (
    CheckLine,
    RevisionPreview,
    make_revision,
    preview_revision,
)
from flows.operations.decisions.switch import trip
from flows.terminal import Options, with_home
from tasks.approval.key_file import key_path
from tasks.approval.refusal import refusal
from tasks.approval.standing import read_standing
from tasks.approval.store import is_executed, revision_numbers
from tasks.core.errors import AftercloseError, ConfigError
from tasks.core.homes.home import Home
from tasks.core.homes.opening import find_home
from tasks.core.homes.run import Run
from tasks.core.reading import opened_file
from tasks.core.sessions import session_on
from tasks.data.panel.reader import read_prices
from tasks.data.task import market_of
from tasks.reporting.day.filled_book import BookFigures
from tasks.reporting.day.name_histories import NameHistory, name_histories, recorded_through
from tasks.reporting.day.store import BACKDROP_SESSIONS, read_execution
from tasks.reporting.page.numerals import words
from tasks.reporting.review.execution_words import execution_headline
from tasks.reporting.review.health import regime_of
from tasks.reporting.review.lines import lines_of
from tasks.reporting.review.schema import (
    Actions,
    Asked,
    DayLine,
    Effect,
    Figures,
    Reading,
    Resized,
    Signing,
)
from tasks.safety.kill_switch.switch import read_switch
from tasks.safety.kill_switch.switch_file import Switch

MOST_DAYS = 60
FIGURES = (
    "cash_usd",
    "invested_frac",
    "turnover_frac",
    "cost_usd",
    "volatility_frac",
    "var_frac",
    "sectors",
)
CHECKS_OF_TARGET = frozenset({"position_limit", "sector_limit", "cap_class_limit", "regime_cap"})
EXECUTION_PAGE = "execution.html"
LARGEST_PAGE = 16 << 20


def actions_of(options: Options, first: date) -> Actions:
    """Return what the page may do; each call reads settings and files as they are then. `first` is any past session."""
    one_at_a_time = Lock()  # what reads a whole market takes memory
    return Actions(
        read=partial(_read, options),
        days=partial(_days, options, first),
        approve=partial(_approve, options),
        reject=partial(_reject, options),
        history=partial(_history, options, one_at_a_time),
        preview=partial(_preview, options, one_at_a_time),
        revise=partial(_revise, options),
        switch=lambda: read_switch(find_home(options.home)),
        trip=partial(_trip, options),
        execution_page=partial(_execution_page, options),
        with_home=partial(with_home, options=options),
    )


def _read(options: Options, session: date, revision: int | None) -> Reading:
    run, at = run_of(options, str(session))
    standing = read_standing(run, at, revision=revision)
    return Reading(
        session=session,
        standing=standing,
        seen=shown_digest(run, standing.envelope) if standing.envelope else "",
        switch=read_switch(run.home),
        at=at,
        has_execution=_has_execution(run),
        executed=read_execution(run.home, session),
        revisions=tuple(revision_numbers(run.home, run.session)),
        key_file=_key_file(run.home),
        next_step=next_step(run),
    )


def _days(options: Options, first: date) -> list[DayLine]:
    """Return the last published days, newest first."""
    run, at = run_of(options, str(first))
    sessions = islice(_published(run.home), MOST_DAYS)
    return [_day_line(replace(run, session=session_on(day)), at) for day in sessions]


def _published(home: Home) -> Iterator[date]:
    for day in reversed(home.days()):
        with suppress(ConfigError):  # outside the exchange's calendar
            if session_on(day).is_open:
                yield day


def _day_line(run: Run, at: datetime) -> DayLine:
    standing = read_standing(run, at)
    day = standing.day
    said = standing.refusal.what if standing.refusal else " and ".join(standing.signed_by)
    return DayLine(
        session=run.session.day,
        state=standing.state,
        headline=_headline(run, standing.state),
        words=said,
        trades=len(lines_of(day, None)) if day else None,
        regime=regime_of(day) if day else "",
        has_execution=_has_execution(run),
    )


def _headline(run: Run, state: str) -> str:
    if state == "executed":
        return execution_headline(read_execution(run.home, run.session.day))
    return words(state)


def _approve(options: Options, session: date, signing: Signing) -> None:
    """Sign as the command does; only the way in which the passphrase arrives differs."""
    dialogue = Dialogue(
        show=lambda _: None,  # the page has shown it
        passphrase=lambda _path, _home: signing.passphrase().encode(),  # never that of the environment
        seen=signing.seen,
        how=signing.how,
    )
    approve(
        options,
        str(session),
        by=signing.by,
        key=Path(signing.key_file) if signing.key_file else None,
        signature=signing.signature or None,
        overrule=signing.overrule,
        revision=signing.revision,
        dialogue=dialogue,
    )
    post_waiting_news_soon()


def _history(options: Options, one_at_a_time: Lock, session: date, symbol: str) -> NameHistory | None:
    """Return the last year of a name from the snapshot that the day was made from; None without it."""
    run, _ = run_of(options, str(session))
    day = read_standing(run, run.as_of, revision=0).day
    if day is None:
        return None
    with one_at_a_time:
        try:
            market = market_of(run, day.inputs["snapshot"], panel_sessions=BACKDROP_SESSIONS)
            panel = read_prices(market.snapshot, window=BACKDROP_SESSIONS)
        except AftercloseError:
            return None  # the trade is explained without its chart
        return name_histories(panel, recorded_through(run.home, session), [symbol]).get(symbol)


def _preview(options: Options, one_at_a_time: Lock, session: date, asked: Asked) -> Effect:
    """Return what the changes would do: each preview recomputes the session's decision."""
    with one_at_a_time:
        found = preview_revision(
            options, str(session), strike=asked.strike, halve=asked.halve, solve=asked.solve
        )
    return effect_of(found)


def effect_of(found: RevisionPreview) -> Effect:
    """Return the preview of a revision as the page shows it."""
    resized = (
        *(Resized(one.symbol, one.before, one.after) for one in found.changed),
        *(Resized(symbol, None, 0) for symbol in found.removed),
    )
    failed = tuple((one.name, _words(one)) for one in found.checks if not one.passed)
    if not found.may_be_approved and not failed:
        failed = (("kill_switch", "it is on"),)
    before = len(found.lines) + len(found.removed) - sum(one.before == 0 for one in found.changed)
    return Effect(
        _figures(found.before, before),
        _figures(found.after, len(found.lines)),
        found.limits,
        resized,
        failed,
        found.way_out,
    )


def _words(check: CheckLine) -> str:
    """Return why a check fails. Some state only a count as their value, and the cases in the detail."""
    of_target = " of the target" if check.name in CHECKS_OF_TARGET else ""
    stated = f"{check.value}{of_target} (limit {check.limit})"
    return check.detail if check.value.endswith(" found") and check.detail else stated


def _figures(figures: BookFigures, trades: int) -> Figures:
    return Figures(trades=trades, **{name: getattr(figures, name) for name in FIGURES})


def _revise(options: Options, session: date, asked: Asked, by: str, reason: str, seen: str) -> int:
    """Make a revision of the day that the page showed, and return its number."""
    if _read(options, session, 0).seen != seen:
        raise refusal(
            "manifest",
            f"{session}: the day changed while you were reading it, so no revision was made.",
            remedy="Read the day as it is now, then decide again.",
        )
    return make_revision(
        options,
        str(session),
        strike=asked.strike,
        halve=asked.halve,
        solve=asked.solve,
        by=by,
        reason=reason,
    ).number


def _reject(options: Options, session: date, by: str, reason: str) -> None:
    reject(options, str(session), by=by, reason=reason)
    post_waiting_news_soon()


def _trip(options: Options, by: str, reason: str) -> Switch:
    trip(options, by=by, reason=reason)
    post_waiting_news_soon()
    return read_switch(find_home(options.home))


def _execution_page(options: Options, session: date) -> bytes | None:
    run, _ = run_of(options, str(session))
    if not _has_execution(run):
        return None
    try:
        with opened_file(run.home.day_folder(run.session) / EXECUTION_PAGE) as file:
            return file.read(LARGEST_PAGE)
    except OSError:
        return None


def _has_execution(run: Run) -> bool:
    path = run.home.day_folder(run.session) / EXECUTION_PAGE
    return is_executed(run.home, run.session) and path.is_file() and not path.is_symlink()


def _key_file(home: Home) -> str:
    """Return the key file of whoever runs the page, "" where it is one that may not be used."""
    try:
        return str(key_path(None, home))
    except ConfigError:
        return ""
