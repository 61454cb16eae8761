"""The routes that change something: open the page, approve, reject, trip the kill switch.

The guard has checked origin, session and token of every form before. An answer to a form never repeats a passphrase.
"""

from functools import partial

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams

from tasks.core.errors import AftercloseError, ConfigError
from tasks.reporting.review.access.guard import LOGIN
from tasks.reporting.review.context import SEE_OTHER, Review, error_page, page, review_of, status_of
from tasks.reporting.review.forms import Form
from tasks.reporting.review.reading_routes import LONGEST_NUMBER, asked_for, session_of, show_day
from tasks.reporting.review.schema import Signing

IN_THE_FORM, AT_THE_START = "under Your key file", "where the page is started (AFTERCLOSE_APPROVAL_KEY_FILE)"

router = APIRouter()


@router.get("/start/{token}")
def open_by_token(request: Request, token: str) -> Response:
    """Open the page for the one who saw the printed address; it works once."""
    review = review_of(request)
    session = review.admission.by_token(token)
    if session is None:
        error = ConfigError(
            "This address has already been used, or belongs to an earlier start of the page.",
            remedy="Start `afterclose review` again for a new one.",
        )
        return error_page(request, 401, error)
    return _let_in(review, session)


@router.get(LOGIN)
def login_page(request: Request) -> Response:
    """Ask for the password."""
    return page(request, "login.html.j2", problem=None)


@router.post(LOGIN)
def login(request: Request) -> Response:
    """Open the page for the password."""
    review, form = review_of(request), _form(request)
    try:
        session = review.admission.by_password(form.text("password"))
    except AftercloseError as error:
        return page(request, "login.html.j2", status=429, problem=error)
    if session is None:
        wrong = ConfigError("The password is wrong.", remedy="Try again.")
        return page(request, "login.html.j2", status=401, problem=wrong)
    return _let_in(review, session)


@router.post("/logout")
def logout(request: Request) -> Response:
    """End the session of this browser."""
    review = review_of(request)
    review.admission.close(request.state.session)
    answer = RedirectResponse(LOGIN if review.admission.has_password else "/", SEE_OTHER)
    answer.delete_cookie(review.served.cookie)
    return answer


@router.post("/days/{day}/approve")
async def approve(request: Request, day: str) -> Response:
    """Sign the day as it was shown, or take a signature made elsewhere."""
    review, form, session = review_of(request), _form(request), session_of(day)

    def passphrase() -> str:
        if not review.served.takes_passphrases:
            raise ConfigError(
                "A passphrase is not accepted over a connection without TLS.",
                remedy="Paste a signature made with `afterclose approve D --sign-only`.",
            )
        review.attempts.begin()
        return form.text("passphrase")

    signing = Signing(
        by=form.text("by").strip(),
        seen=form.text("seen"),
        revision=_number(form.text("revision")),
        # whoever is elsewhere must not name files of this machine
        key_file=form.text("key_file").strip() if review.served.is_local else "",
        how=IN_THE_FORM if review.served.is_local else AT_THE_START,
        overrule=form.text("overrule").strip(),
        signature=form.text("signature").strip(),
        passphrase=passphrase,
    )
    try:
        async with review.deciding:
            await run_in_threadpool(review.actions.approve, session, signing)
    except AftercloseError as error:
        return await _refused(request, day, error)
    if not signing.signature:
        review.attempts.succeeded()
    return RedirectResponse(f"/days/{session}", SEE_OTHER)


@router.post("/days/{day}/revise")
async def revise(request: Request, day: str) -> Response:
    """Make a revision of the day: its trades with the changes that the panel showed."""
    review, form, session = review_of(request), _form(request), session_of(day)
    asked = asked_for(QueryParams(list(form.pairs())))
    try:
        number = await run_in_threadpool(
            review.actions.revise,
            session,
            asked,
            form.text("by").strip(),
            form.text("reason").strip(),
            form.text("seen"),
        )
    except AftercloseError as error:
        return await _refused(request, day, error)
    return RedirectResponse(f"/days/{session}?revision={number}", SEE_OTHER)


@router.post("/days/{day}/reject")
async def reject(request: Request, day: str) -> Response:
    """Reject the day, whether or not it was approved."""
    review, form, session = review_of(request), _form(request), session_of(day)
    try:
        await run_in_threadpool(
            review.actions.reject, session, form.text("by").strip(), form.text("reason").strip()
        )
    except AftercloseError as error:
        return await _refused(request, day, error)
    return RedirectResponse(f"/days/{session}", SEE_OTHER)


@router.post("/switch/trip")
async def trip(request: Request) -> Response:
    """Halt trading in the name of a person."""
    review, form = review_of(request), _form(request)
    try:
        await run_in_threadpool(review.actions.trip, form.text("by"), form.text("reason"))
    except AftercloseError as error:
        found = await run_in_threadpool(review.actions.switch)
        return page(request, "switch.html.j2", status=status_of(error), switch=found, problem=error)
    return RedirectResponse("/switch", SEE_OTHER)


async def _refused(request: Request, day: str, error: AftercloseError) -> Response:
    """Show the day as it is now, with the reason why the decision was refused."""
    number = _number(_form(request).text("revision"))
    reading = await run_in_threadpool(review_of(request).actions.read, session_of(day), number or None)
    answer = partial(show_day, request, reading, status=status_of(error), problem=error)
    return await run_in_threadpool(answer)


def _number(text: str) -> int:
    """Return the number of a revision, 0 for the day as published."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER else 0


def _form(request: Request) -> Form:
    found: Form = request.state.form
    return found


def _let_in(review: Review, session: str) -> Response:
    answer = RedirectResponse("/", SEE_OTHER)
    answer.set_cookie(
        review.served.cookie,
        session,
        httponly=True,
        samesite="strict",
        secure=review.served.is_encrypted,
        path="/",
    )
    return answer
