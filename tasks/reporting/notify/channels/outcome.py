"""How one attempt to deliver a message ended."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Outcome:
    """`refused`: the same message will never be accepted. `failed`: it may be accepted later. `unreachable`: nothing
    answers, so that other messages need not be tried now."""

    state: Literal["sent", "failed", "unreachable", "refused"]
    detail: str = ""


SENT = Outcome("sent")
