"""Make the web application of the review page from the callables that it may use.

It holds no state of the home: every page reads the day again. It knows nothing of where the home is.
"""

from collections.abc import Callable
from datetime import date

import anyio
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from tasks.core.errors import AftercloseError, ConfigError
from tasks.reporting.review import deciding_routes, reading_routes
from tasks.reporting.review.access.admission import Admission
from tasks.reporting.review.access.attempts import Attempts
from tasks.reporting.review.access.guard import Endpoint, Guard
from tasks.reporting.review.context import Review, error_page, status_of, unexpected
from tasks.reporting.review.schema import Actions


def make_application(
    actions: Actions,
    *,
    served: Endpoint,
    admission: Admission,
    clock: Callable[[], float],
    title: str,
    is_simulated: bool,
    first: date,
) -> ASGIApp:
    """Return the application behind its guard. `first` is the day that it opens with; `clock` counts seconds."""
    application = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    application.state.review = Review(
        actions, served, admission, Attempts("passphrase", clock), anyio.Lock(), title, is_simulated, first
    )
    application.include_router(reading_routes.router, include_in_schema=False)
    application.include_router(deciding_routes.router, include_in_schema=False)
    application.add_exception_handler(AftercloseError, _expected)
    application.add_exception_handler(HTTPException, _not_found)
    application.add_exception_handler(Exception, unexpected)

    def refuse(request: Request, status: int, error: AftercloseError) -> Response:
        request.scope["app"] = application
        return error_page(request, status, error)

    return Guard(application, served=served, admission=admission, refuse=refuse)


def _expected(request: Request, error: Exception) -> Response:
    if not isinstance(error, AftercloseError):
        return unexpected(request, error)
    return error_page(request, status_of(error), error)


def _not_found(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    missing = ConfigError("There is no such page.", remedy="Open the list of days.")
    return error_page(request, status, missing)
