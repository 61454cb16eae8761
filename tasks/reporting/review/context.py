"""What every route of the review needs, and how it answers: a page, or an error as a page."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import anyio
from fastapi import Request
from fastapi.responses import HTMLResponse

from tasks.core.errors import AftercloseError, ConfigError, SafetyError, TransientError
from tasks.reporting.review.access.admission import Admission
from tasks.reporting.review.access.attempts import Attempts
from tasks.reporting.review.access.guard import TOKEN_FIELD, Endpoint
from tasks.reporting.review.rendering import rendered
from tasks.reporting.review.schema import Actions

SEE_OTHER = 303
STATUS = ((SafetyError, 409), (ConfigError, 400), (TransientError, 503))


@dataclass(frozen=True)
class Review:
    """The application's parts: what it may do, for whom, and under which address."""

    actions: Actions
    served: Endpoint
    admission: Admission
    attempts: Attempts  # of passphrases
    deciding: anyio.Lock  # opening a key costs 128 MB: one at a time
    title: str
    is_simulated: bool
    first: date


def review_of(request: Request) -> Review:
    """Return the parts of the application that serves the request."""
    found: Review = request.app.state.review
    return found


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Return the rendered template, with what every page has."""
    review = review_of(request)
    is_inside = bool(getattr(request.state, "session", ""))
    shared = {
        "title": review.title,
        "is_simulated": review.is_simulated,
        "served": review.served,
        "first": review.first,
        "has_password": review.admission.has_password,
        "form_token": getattr(request.state, "form_token", ""),
        "token_field": TOKEN_FIELD,
        "is_inside": is_inside,
        "path": request.url.path,
        "with_home": review.actions.with_home if is_inside else str,  # strangers do not learn a path
    }
    return HTMLResponse(rendered(template, **shared, **values), status_code=status)


def error_page(request: Request, status: int, error: AftercloseError) -> HTMLResponse:
    """Return the error as a page of its own."""
    return page(request, "error.html.j2", status=status, error=error)


def status_of(error: AftercloseError) -> int:
    """Return the HTTP status of an error."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def unexpected(request: Request, error: Exception) -> HTMLResponse:
    """Return the page for an unexpected error; its text may quote what was entered, so it is not shown."""
    shown = AftercloseError(
        f"Unexpected error ({type(error).__name__}). "
        "Any approval or rejection that was recorded is shown on the day's page.",
        remedy="Reload the page; if it happens again, use the command line.",
    )
    return error_page(request, 500, shown)
