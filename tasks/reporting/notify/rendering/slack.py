"""Write a notice as a message of Slack's incoming webhooks: blocks, within Slack's limits. Pure."""

import json
from collections.abc import Iterator

from tasks.reporting.notify.rendering.text import table_lines
from tasks.reporting.notify.schema import Notice
from tasks.reporting.notify.wording import SIMULATED, plain, shortened, subject_line

LONGEST_HEADER, LONGEST_SECTION, LONGEST_FIELD, MOST_FIELDS = 150, 2_900, 1_900, 10
Block = dict[str, object]


def render_slack(notice: Notice, *, title: str) -> str:
    """Return the JSON body. `text` is what a notification on a phone shows."""
    return json.dumps({"text": _escaped(subject_line(notice, title)), "blocks": list(_blocks(notice))})


def _blocks(notice: Notice) -> Iterator[Block]:
    mark = SIMULATED if notice.is_simulated else ""
    subject = shortened(plain(f"{mark}{notice.subject}"), LONGEST_HEADER)
    yield {"type": "header", "text": {"type": "plain_text", "text": subject, "emoji": False}}
    said = "\n".join(_escaped(paragraph) for paragraph in notice.lead)
    yield _section(shortened(said, LONGEST_SECTION))
    for part in notice.points:
        lines = [f"*{_escaped(part.title)}*"]
        lines += [f"• {_escaped(line.mark)}: {_escaped(line.words)}" for line in part.lines]
        yield _section(shortened("\n".join(lines), LONGEST_SECTION))
    if notice.facts:
        fields = [
            _mrkdwn(shortened(f"*{_escaped(name)}*\n{_escaped(value)}", LONGEST_FIELD))
            for name, value in notice.facts[:MOST_FIELDS]
        ]
        yield {"type": "section", "fields": fields}
    if notice.table is not None and notice.table.rows:
        yield _section(_code(list(table_lines(notice.table))))
    for command in notice.commands:
        yield _section(f"{_escaped(command.purpose)}\n{_code([plain(command.line)])}")


def _section(text: str) -> Block:
    return {"type": "section", "text": _mrkdwn(text)}


def _mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _code(lines: list[str]) -> str:
    """Return the lines as a block of code, whole lines only; what does not fit is named."""
    kept: list[str] = []
    room = LONGEST_SECTION - 60
    for line in lines:
        shown = _escaped(line, is_code=True)
        room -= len(shown) + 1
        if room < 0:
            kept.append(f"and {len(lines) - len(kept)} more lines")
            break
        kept.append(shown)
    return "```" + "\n".join(kept) + "```"


def _escaped(text: str, *, is_code: bool = False) -> str:
    """Return text that Slack shows as it is: no mention, no link, no end of a block of code."""
    shown = text if is_code else plain(text)
    shown = shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return shown.replace("`", "'") if is_code else shown
