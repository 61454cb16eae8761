"""Post one body to a URL: Slack's incoming webhook, or the signed webhook. Redirects are not followed."""

from collections.abc import Mapping

import requests

from tasks.reporting.notify.channels.outcome import SENT, Outcome

REFUSED = frozenset({400, 413, 415, 422})  # about the body; anything else may be a setting or a passing state
AGENT = {"User-Agent": "afterclose"}


def post(url: str, body: bytes, headers: Mapping[str, str], *, timeout_s: float) -> Outcome:
    """Try once. The URL may be a secret: it is in no message."""
    try:
        response = requests.post(
            url,
            data=body,
            headers={**AGENT, **headers},
            timeout=timeout_s,
            allow_redirects=False,
            stream=True,  # the answer's body is not read
        )
    except requests.RequestException as error:
        return Outcome("unreachable", f"no answer ({type(error).__name__})")
    code = response.status_code
    response.close()
    if 200 <= code < 300:
        return SENT
    return Outcome("refused" if code in REFUSED else "failed", f"the server answered {code}")
