"""The connections of the review page: requests have a time limit; if all are taken, a new one displaces the oldest."""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_S = 10.0  # to send a whole request, to take 64 KB of an answer, or to begin the next request
MOST_CONNECTIONS = 64
INCOMPLETE = (h11.IDLE, h11.SEND_BODY)  # states of a client from which the rest of a request is expected


class BoundedConnection(H11Protocol):
    """A connection that is dropped when the client is the one who keeps it waiting.

    While the page computes an answer no time runs.
    """

    deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows it too
        """Begin to wait for a request; if every connection is taken, drop the one that has waited longest."""
        if len(self.connections) >= MOST_CONNECTIONS:
            self._drop_longest_waiting()
        super().connection_made(transport)
        self._wait()

    def handle_events(self) -> None:
        """Stop the time once a whole request is here."""
        super().handle_events()
        self._end_wait_if_served()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._wait()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Wait for a client that does not read its answer."""
        super().pause_writing()
        self._wait()

    def resume_writing(self) -> None:
        """Stop the time: the client reads."""
        super().resume_writing()
        self._end_wait_if_served()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        self._end_wait()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._end_wait()
        self.deadline = self.loop.call_later(REQUEST_S, self.drop)

    def _end_wait(self) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None

    def _end_wait_if_served(self) -> None:
        is_served = self.cycle is not None and not self.cycle.response_complete
        if is_served and self.conn.their_state not in INCOMPLETE and not self.flow.write_paused:
            self._end_wait()

    def drop(self) -> None:
        """Close the connection at once."""
        self._end_wait()
        self.connections.discard(self)
        self.transport.abort()  # close() would wait until the client has read everything

    def _drop_longest_waiting(self) -> None:
        waiting = [
            one for one in self.connections if isinstance(one, BoundedConnection) and one.deadline is not None
        ]
        if waiting:
            min(waiting, key=lambda one: one.deadline.when() if one.deadline else 0.0).drop()
