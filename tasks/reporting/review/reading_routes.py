"""The routes that read: days, their trades and reports, the kill switch, and the page's own files."""

from datetime import date, datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException

from tasks.core.errors import AftercloseError
from tasks.core.sessions import day_named
from tasks.reporting.day.revision import revision_of
from tasks.reporting.review.context import SEE_OTHER, page, review_of
from tasks.reporting.review.effect.lines import effect_lines
from tasks.reporting.review.explained import briefs, change_of, chart_of, explained
from tasks.reporting.review.health import checks_of, regime_of, verdict
from tasks.reporting.review.lines import SORTS, cash_after, lines_of, selected, totals
from tasks.reporting.review.rendering import static_file
from tasks.reporting.review.schema import Asked, Reading

# The reports are documents of their own: their style is inline, and nothing in them may run.
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'none'"
)
LONGEST_QUERY = 200
LONGEST_NUMBER = 4

router = APIRouter()


@router.get("/")
def start(request: Request) -> Response:
    """Open the day that the command named."""
    return RedirectResponse(f"/days/{review_of(request).first}", SEE_OTHER)


@router.get("/static/{name}")
def static(name: str) -> Response:
    """Return a file of the page."""
    found = static_file(name)
    if found is None:
        raise HTTPException(404)
    return Response(found[0], media_type=found[1])


@router.get("/days")
def days(request: Request) -> HTMLResponse:
    """List the published days, newest first."""
    return page(request, "days.html.j2", days=review_of(request).actions.days())


@router.get("/days/{day}")
def day_page(request: Request, day: str) -> HTMLResponse:
    """Show a day: may it be approved, its trades, and the forms to decide."""
    return show_day(request, reading_of(request, day))


@router.get("/days/{day}/effect")
def effect_part(request: Request, day: str) -> HTMLResponse:
    """Show what the changes that are asked for would do: the panel alone."""
    reading = review_of(request).actions.read(session_of(day), 0)
    return page(
        request, "effect.html.j2", **_effect(request, reading, asked_for(request.query_params), is_part=True)
    )


@router.get("/days/{day}/trades/{symbol}")
def trade_page(request: Request, day: str, symbol: str) -> HTMLResponse:
    """Show why one name is traded: a part for the table, or a page where no script asks for it."""
    reading = reading_of(request, day)
    standing = reading.standing
    lines = lines_of(standing.day, standing.envelope) if standing.day else []
    line = next((line for line in lines if line.symbol == symbol), None)
    if line is None:
        raise HTTPException(404)
    found = review_of(request).actions.history(reading.session, symbol)
    template = "trade_part.html.j2" if is_part(request) else "trade.html.j2"
    return page(
        request,
        template,
        session=reading.session,
        line=line,
        revision=standing.revision,
        why=explained(standing.day, line) if standing.day else None,
        change=change_of(standing.day, line) if standing.day else "",
        chart=chart_of(symbol, found),
    )


@router.get("/days/{day}/report")
def report(request: Request, day: str) -> Response:
    """Return the day's report, as published."""
    published = review_of(request).actions.read(session_of(day), 0).standing.day
    if published is None:
        raise HTTPException(404)
    return _document(published.files["report.html"])


@router.get("/days/{day}/execution")
def execution(request: Request, day: str) -> Response:
    """Return the report of the day's execution."""
    found = review_of(request).actions.execution_page(session_of(day))
    if found is None:
        raise HTTPException(404)
    return _document(found)


@router.get("/switch")
def switch(request: Request) -> HTMLResponse:
    """Show the kill switch."""
    return page(request, "switch.html.j2", switch=review_of(request).actions.switch(), problem=None)


def show_day(
    request: Request, reading: Reading, *, status: int = 200, problem: AftercloseError | None = None
) -> HTMLResponse:
    """Return the day's page; `problem` is why the last decision was refused."""
    query = request.query_params
    words = query.get("q", "")[:LONGEST_QUERY]
    sort, is_descending = query.get("sort", SORTS[0]), query.get("order") == "down"
    standing = reading.standing
    lines = lines_of(standing.day, standing.envelope) if standing.day else []
    can_revise = standing.is_signable and not standing.signed_by and not standing.revision
    shown = selected(lines, query=words, sort=sort, descending=is_descending)
    return page(
        request,
        "day.html.j2",
        status=status,
        reading=reading,
        standing=standing,
        verdict=verdict(reading),
        lines=shown,
        totals=totals(lines),
        checks=checks_of(standing.day) if standing.day else (),
        regime=regime_of(standing.day) if standing.day else "",
        cash_usd=cash_after(standing.day) if standing.day else 0.0,
        query=words,
        sort=sort if sort in SORTS else SORTS[0],
        is_descending=is_descending,
        problem=problem,
        listed={line.symbol for line in shown},
        can_revise=can_revise,
        briefs=briefs(standing.day, lines) if standing.day else {},
        revision=revision_of(standing.day) if standing.day else None,
        **_effect(request, reading, asked_for(query) if can_revise else Asked(), is_part=False),
        expires_at=datetime.fromisoformat(standing.envelope.expires_at) if standing.envelope else None,
        entered=request.state.form if problem is not None else None,
    )


def _effect(request: Request, reading: Reading, asked: Asked, *, is_part: bool) -> dict[str, Any]:
    """Return what the panel shows for the changes; nothing without any."""
    values: dict[str, Any] = {
        "session": reading.session,
        "seen": reading.seen,
        "is_part": is_part,
        "asked": asked,
    }
    if not asked:
        return values
    try:
        found = review_of(request).actions.preview(reading.session, asked)
    except AftercloseError as error:
        return {**values, "refused": error}
    return {
        **values,
        "refused": None,
        "effect": effect_lines(asked, found, _published(reading)),
        "failed": found.failed,
        "way_out": found.way_out,
    }


def _published(reading: Reading) -> dict[str, int]:
    """Return the signed shares of each published trade."""
    day = reading.standing.day
    lines = lines_of(day, None) if day else []
    return {line.symbol: round(line.shares) * (-1 if line.is_sale else 1) for line in lines}


def asked_for(fields: QueryParams) -> Asked:
    """Return the changes that the fields of an address name; a line that is struck is not halved too."""
    strike = tuple(dict.fromkeys(fields.getlist("strike")))
    halve = tuple(symbol for symbol in dict.fromkeys(fields.getlist("halve")) if symbol not in strike)
    return Asked(strike, halve, fields.get("solve") == "1")


def reading_of(request: Request, day: str) -> Reading:
    """Return the day, or the revision of it that the address names."""
    named = request.query_params.get("revision", "")
    if named and not (named.isascii() and named.isdecimal() and len(named) <= LONGEST_NUMBER):
        raise HTTPException(404)
    return review_of(request).actions.read(session_of(day), int(named) if named else None)


def session_of(day: str) -> date:
    """Return the session that the address names; anything but YYYY-MM-DD does not exist."""
    session = day_named(day)
    if session is None:
        raise HTTPException(404)
    return session


def is_part(request: Request) -> bool:
    """Return whether the page's script asks for a part of a page."""
    return request.headers.get("hx-request") == "true"


def _document(content: bytes) -> Response:
    return Response(
        content, media_type="text/html; charset=utf-8", headers={"content-security-policy": REPORT_POLICY}
    )
