"""Count what an execution has not ended, in the words of every command, page and message. Pure.

An order is *open at the broker* from its first request until it has ended, and *not sent yet* before: it is stored, or
its line has no order yet.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tasks.core.text import counted
from tasks.execution.schema import AT_BROKER, State


@dataclass(frozen=True)
class Remaining:
    """The states of the orders that are open at the broker, and how many others were not sent yet."""

    open_states: tuple[str, ...]
    unsent: int

    def text(self, *, with_states: bool = False) -> str:
        """Return for example "6 orders open at the broker, 7 not sent yet"; "" if nothing remains."""
        states = f" ({', '.join(sorted(set(self.open_states)))})" if with_states else ""
        parts = []
        if self.open_states:
            parts.append(f"{counted(len(self.open_states), 'order')} open at the broker{states}")
        if self.unsent:
            parts.append(
                f"{self.unsent:,} not sent yet" if parts else f"{counted(self.unsent, 'order')} not sent yet"
            )
        return ", ".join(parts)


def remaining(states: Iterable[str], *, without_order: int) -> Remaining:
    """Count the states of orders; `without_order` is the number of lines that have no order yet."""
    present = [str(state) for state in states]
    at_broker = tuple(state for state in present if state in AT_BROKER)
    return Remaining(at_broker, without_order + present.count(State.INTENDED))
