"""Run intraday-monitor from the command line: once, or until it is interrupted."""

import time

from flows.announcing import announcing_failure, home_run, post_news, posts_news
from flows.monitor import Watched, intraday_monitor
from flows.permitted import permitted
from flows.terminal import Options, Result, show
from tasks.core.errors import SafetyError
from tasks.core.masking import mask_logs

PAUSE_S = 60.0


def monitor(options: Options, *, once: bool) -> int:
    """Look, show what was found, and look again after a pause; with `once`, exit 3 if a rule is broken."""
    mask_logs()
    while True:
        code = show(described(_look(options)), options)
        if once:
            return code
        post_news(options.home, options.profile)
        time.sleep(PAUSE_S)


@posts_news
def _look(options: Options) -> Watched:
    run = home_run(options.home, options.profile)
    with permitted(run.home, "intraday-monitor"), announcing_failure(run, "intraday-monitor"):
        return intraday_monitor(options.home, options.profile, sleep=time.sleep)


def described(watched: Watched) -> Result:
    """Return what one look found as a document and as text."""
    document = {
        "is_begun": watched.is_begun,
        "breaches": [{"cause": one.cause, "why": one.why} for one in watched.breaches],
        "kill_switch": watched.switch.description,
    }
    if not watched.is_begun:
        return Result(document, "Nothing has been executed in this home: there is nothing to watch.")
    lines = [f"{one.cause}: {one.why}" for one in watched.breaches] or ["No rule is broken."]
    text = "\n".join([*lines, f"Kill switch: {watched.switch.description}"])
    return Result(document, text, SafetyError.exit_code if watched.breaches else 0)
