"""Write a notice as a mail: alternative of plain text and HTML, the HTML related to its picture, files attached.

Equal notices give equal bytes. Only ASCII leaves: every part is encoded. Header fields are one line; hostile text is
replaced or escaped before it gets here or in the template.
"""

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache, partial
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup

from tasks.core.reading import read_text
from tasks.reporting.notify.rendering.text import as_text, left_out
from tasks.reporting.notify.schema import Notice
from tasks.reporting.notify.wording import plain, shortened, subject_line
from tasks.reporting.page.templating import html_environment

TEMPLATES = Path(__file__).parent / "templates"
POLICY = SMTP.clone(cte_type="7bit")
LONGEST_CELL = 140


@dataclass(frozen=True)
class Stamp:
    """What differs between the mails of one notice. `message_id` has no brackets."""

    sender: str
    recipient: str
    message_id: str
    at: datetime


def render_mail(notice: Notice, *, title: str, stamp: Stamp) -> bytes:
    """Return the mail, with CRLF line ends."""
    mail = EmailMessage(policy=POLICY)
    mail["Subject"] = subject_line(notice, title)
    mail["From"] = Address(plain(title), addr_spec=stamp.sender)
    mail["To"] = Address(addr_spec=stamp.recipient)
    mail["Date"] = format_datetime(stamp.at)
    mail["Message-ID"] = f"<{stamp.message_id}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Afterclose-Kind"] = str(notice.kind)
    mail.set_content(as_text(notice))
    cid = f"picture.{stamp.message_id}"
    mail.add_alternative(_html(notice, title, cid), subtype="html")
    if notice.picture is not None:
        page = mail.get_payload()[1]  # type: ignore[index, union-attr, unused-ignore]
        page.add_related(notice.picture.png, "image", "png", cid=f"<{cid}>", disposition="inline")  # type: ignore[union-attr, unused-ignore]
    for file in notice.attachments:
        mail.add_attachment(file.content, maintype="text", subtype=file.subtype, filename=file.name)
    _fix_boundaries(mail, stamp.message_id)
    return mail.as_bytes()


def _html(notice: Notice, title: str, cid: str) -> str:
    page = _environment().get_template("mail.html.j2")
    html = page.render(
        notice=notice,
        subject=subject_line(notice, title),
        title=title,
        cid=cid,
        left_out="" if notice.table is None else left_out(notice.table),
        style=_style(),
    )
    return _inlined(html)


def _inlined(html: str) -> str:
    """Move the style sheet into style attributes: several mail programs ignore style elements."""
    import css_inline

    inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=False)
    inlined: str = inliner.inline(html)
    return inlined


def _fix_boundaries(mail: EmailMessage, message_id: str) -> None:
    """Replace the random boundaries, so that a mail that is made again is the same."""
    for number, part in enumerate(mail.walk()):
        if part.is_multipart():
            part.set_boundary(f"=_{number}_{message_id.partition('@')[0]}")


@cache
def _style() -> Markup:
    return Markup(read_text(TEMPLATES / "mail.css"))  # noqa: S704 - our own file


@cache
def _environment() -> Environment:
    environment = html_environment(TEMPLATES)
    environment.filters["shortened"] = partial(shortened, longest=LONGEST_CELL)
    return environment
