"""The sessions of the web port: since HTTP/1.1 has no streams, a secret word stands for one, and silence ends it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

from understudy.errors import ServingError
from understudy.serving.limits import RateLimits, TickLimit
from understudy.serving.session import Session
from understudy.serving.web import web_pb2 as pb

SHOWN = 8
"""Characters of a session's name in a sentence; the whole of it is a secret."""


class NoSessionError(ServingError):
    """Raised when a call names a session that is not there."""


class SessionLimitError(ServingError):
    """Raised when there are too many sessions."""


class WebSession:
    """One client's bots.

    Args:
        session: Its bots in the server.
        form: How its answers are written.
        limits: How often it may tick.
    """

    def __init__(self, session: Session, form: pb.WebForm, limits: RateLimits) -> None:
        self.session = session
        self.form = form
        self.limit = TickLimit(limits)
        self.busy = False
        self.used = time.monotonic()

    @contextmanager
    def ticking(self) -> Iterator[Session]:
        """Hold the session for one tick; raises `ServingError` if it is held already, or ticks too often."""
        if self.busy:
            raise ServingError("This session is in a tick already; send the next one when that is answered.")
        self.limit.count()
        self.busy = True
        try:
            yield self.session
        finally:
            self.busy = False
            self.used = time.monotonic()


class Sessions:
    """Every session of the port, by its secret name.

    Args:
        max_sessions: At once.
        idle_s: Seconds after which one that is not used ends.
        limits: How often each may tick.
    """

    def __init__(self, max_sessions: int, idle_s: float, limits: RateLimits) -> None:
        self._max_sessions = max_sessions
        self._idle_s = idle_s
        self._limits = limits
        self._by_name: dict[str, WebSession] = {}

    def __len__(self) -> int:
        return len(self._by_name)

    def require_room(self) -> None:
        """Raise `SessionLimitError` if no further session may be opened."""
        if len(self._by_name) >= self._max_sessions:
            raise SessionLimitError(
                f"There are {len(self._by_name)} sessions, which is what this server allows; close one, or wait "
                f"{self._idle_s:g} s for an idle one to end."
            )

    def add(self, session: Session, form: pb.WebForm) -> str:
        """Keep a session that was just opened, and return its name."""
        name = secrets.token_urlsafe(24)
        self._by_name[name] = WebSession(session, form, self._limits)
        return name

    def get(self, name: str) -> WebSession:
        """Return the session called `name`.

        Raises:
            NoSessionError: If there is none.
        """
        found = self._by_name.get(name)
        if found is None:
            raise NoSessionError(
                f"There is no session '{name[:SHOWN]}...': it was closed, or not used for {self._idle_s:g} s, or never "
                "opened. Call Open for a new one."
            )
        return found

    def close(self, name: str) -> None:
        """End a session and its bots; raises `NoSessionError` if there is none, `ServingError` if it is in a tick."""
        if self.get(name).busy:
            raise ServingError("This session is in a tick; close it when that is answered.")
        self._by_name.pop(name).session.close()

    def close_idle(self) -> None:
        """End every session that was not used for too long."""
        oldest = time.monotonic() - self._idle_s
        for name, each in list(self._by_name.items()):
            if each.used < oldest and not each.busy:
                self.close(name)

    def close_all(self) -> None:
        """End every session; none may be in a tick."""
        for each in self._by_name.values():
            each.session.close()
        self._by_name.clear()
