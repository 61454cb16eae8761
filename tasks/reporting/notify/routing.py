"""Make the messages of a notice: one for each recipient of each channel that subscribes to its kind. Pure."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from config.notifications_section import Notifications
from tasks.core.masking import masked, masked_value
from tasks.reporting.notify.outbox.entry import Channel, Entry, entry_id
from tasks.reporting.notify.rendering.mail import Stamp, render_mail
from tasks.reporting.notify.rendering.slack import render_slack
from tasks.reporting.notify.rendering.webhook import render_webhook
from tasks.reporting.notify.schema import ALWAYS, Notice
from tasks.reporting.notify.wording import subject_line

Route = tuple[Channel, str]  # a channel, and the recipient's address or the channel's name


def routes(settings: Notifications, kind: str) -> Iterator[Route]:
    """Yield where a notice of the kind goes. The kill switch and a test message go everywhere."""
    is_always = kind in ALWAYS
    if settings.email.host and (is_always or kind in settings.email.kinds):
        for recipient in settings.email.recipients:
            yield Channel.EMAIL, recipient
    if settings.slack.enabled and (is_always or kind in settings.slack.kinds):
        yield Channel.SLACK, Channel.SLACK
    if settings.webhook.url and (is_always or kind in settings.webhook.kinds):
        yield Channel.WEBHOOK, Channel.WEBHOOK


def identity(notice: Notice, home: str, route: Route) -> str:
    """Return the id of the notice's message on this route."""
    channel, recipient = route
    return entry_id(home=home, kind=notice.kind, key=notice.key, channel=channel, recipient=recipient)


def message(
    notice: Notice, route: Route, *, home: str, title: str, settings: Notifications, at: datetime
) -> Entry:
    """Return the message. The values of secrets are masked, should one be in a text."""
    channel, recipient = route
    found = identity(notice, home, route)
    notice = _masked(notice)
    if channel is Channel.EMAIL:
        domain = settings.email.sender.partition("@")[2]
        stamp = Stamp(settings.email.sender, recipient, f"{found}@{domain}", at)
        content = render_mail(notice, title=title, stamp=stamp).decode("ascii")
    elif channel is Channel.SLACK:
        content = render_slack(notice, title=title)
    else:
        content = render_webhook(notice, title=title, notice_id=found)
    return Entry(
        entry_id=found,
        channel=channel,
        recipient=str(recipient),
        kind=str(notice.kind),
        subject=subject_line(notice, title),
        content=content,
        queued_at=at,
        attempts=0,
        next_at=at,
        error="",
    )


def _masked(notice: Notice) -> Notice:
    table = notice.table
    return replace(
        notice,
        subject=masked(notice.subject),
        lead=tuple(masked(paragraph) for paragraph in notice.lead),
        points=tuple(
            replace(part, lines=tuple(replace(line, words=masked(line.words)) for line in part.lines))
            for part in notice.points
        ),
        facts=tuple((name, masked(value)) for name, value in notice.facts),
        table=table and replace(table, rows=tuple(tuple(map(masked, row)) for row in table.rows)),
        commands=tuple(replace(command, line=masked(command.line)) for command in notice.commands),
        data={name: masked_value(value) for name, value in notice.data.items()},
    )
