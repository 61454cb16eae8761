"""Test the notification channels, deliver what waits, and show the outbox."""

from collections.abc import Sequence

from flows.operations.homes.inspection import aligned
from flows.terminal import Options, Result
from tasks.core.clock import now
from tasks.core.errors import ConfigError, TransientError
from tasks.core.homes.opening import find_home, settings_of
from tasks.core.masking import mask_logs
from tasks.core.text import counted
from tasks.reporting.notify.delivery import Attempt, deliver, try_once
from tasks.reporting.notify.notices.trial import trial_notice
from tasks.reporting.notify.outbox.entry import Entry
from tasks.reporting.notify.outbox.store import Outbox
from tasks.reporting.notify.routing import message, routes

HEAD = ("channel", "recipient", "result")
NO_CHANNEL = ConfigError(
    "No notification channel is configured.",
    remedy="Set notifications.email.host, notifications.slack.enabled or notifications.webhook.url "
    "(docs/notifications.md).",
)


def send_test(options: Options) -> Result:
    """Send one message on each configured channel, and report the result of each."""
    mask_logs()
    home = find_home(options.home)
    settings = settings_of(home, options.profile).settings
    if not settings.notifications.has_channel:
        raise NO_CHANNEL
    at = now()
    notice = trial_notice(home, at)
    entries = [
        message(
            notice,
            route,
            home=str(home.root),
            title=settings.reporting.title,
            settings=settings.notifications,
            at=at,
        )
        for route in routes(settings.notifications, notice.kind)
    ]
    done = try_once(home, settings.notifications, entries, clock=now)
    return _outcome(str(home.root), entries, done, empty="")


def flush(options: Options) -> Result:
    """Try every message that is waiting or was abandoned, due or not."""
    mask_logs()
    home = find_home(options.home)
    settings = settings_of(home, options.profile).settings.notifications
    box = Outbox(home)
    entries = [*box.entries(), *box.dead_entries()]
    if entries and not settings.has_channel:
        raise NO_CHANNEL
    done = deliver(home, settings, clock=now, everything=True) if entries else ()
    return _outcome(str(home.root), entries, done, empty="No message is waiting to be delivered.")


def show_outbox(options: Options) -> Result:
    """Return what is waiting, what was abandoned, and what cannot be read."""
    home = find_home(options.home)
    box = Outbox(home)
    waiting, dead, damaged = box.entries(), box.dead_entries(), box.unreadable()
    document = {
        "home": str(home.root),
        "waiting": [_plain(entry) for entry in waiting],
        "dead": [_plain(entry) for entry in dead],
        "damaged": damaged,
    }
    rows = [*(_row(entry, "waits") for entry in waiting), *(_row(entry, "abandoned") for entry in dead)]
    lines = [f"{counted(len(waiting), 'message')} waiting, {len(dead)} abandoned."]
    if rows:
        lines = [
            aligned(
                [("state", "channel", "recipient", "queued", "attempts", "last error", "subject"), *rows]
            ),
            *lines,
        ]
    if damaged:
        lines.append(f"Damaged files in {home.outbox}: {', '.join(damaged)}.")
    if rows:
        lines.append("`afterclose notify flush` tries all of them now.")
    return Result(document, "\n".join(lines))


def _outcome(home: str, entries: Sequence[Entry], done: Sequence[Attempt], *, empty: str) -> Result:
    outcomes = {attempt.entry.entry_id: attempt.outcome for attempt in done}
    results = [
        (entry, outcomes[entry.entry_id].state, outcomes[entry.entry_id].detail)
        if entry.entry_id in outcomes
        else (entry, "not tried", "time ran out, or the server did not answer")
        for entry in entries
    ]
    document = {
        "home": home,
        "messages": [
            {"channel": str(entry.channel), "recipient": entry.recipient, "state": state, "detail": detail}
            for entry, state, detail in results
        ],
    }
    if not results:
        return Result(document, empty)
    rows = [
        (str(entry.channel), entry.recipient, f"{state}: {detail}" if detail else state)
        for entry, state, detail in results
    ]
    are_sent = all(state == "sent" for _, state, _ in results)
    return Result(document, aligned([HEAD, *rows]), 0 if are_sent else TransientError.exit_code)


def _row(entry: Entry, state: str) -> tuple[str, ...]:
    queued = entry.queued_at.isoformat(timespec="minutes")
    return state, str(entry.channel), entry.recipient, queued, str(entry.attempts), entry.error, entry.subject


def _plain(entry: Entry) -> dict[str, object]:
    return {
        "id": entry.entry_id,
        "channel": str(entry.channel),
        "recipient": entry.recipient,
        "kind": entry.kind,
        "subject": entry.subject,
        "queued_at": entry.queued_at.isoformat(),
        "attempts": entry.attempts,
        "next_at": entry.next_at.isoformat(),
        "error": entry.error,
    }
