"""Every bundle a server plays, and every session that plays one."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from understudy.agents.bundle import Bundle
from understudy.errors import ServingError, suggest
from understudy.serving.deployment import Deployment, Loaded
from understudy.serving.session import Session
from understudy.serving.versions import Loading

MAX_NAME = 80
"""Characters of a bundle's name in a request; longer ones are cut before they are compared and printed."""

MAX_PARKED = 1024
"""Sessions whose client is away; beyond, the one that waited longest ends: no call counts them any more."""


@dataclass(frozen=True)
class Limits:
    """What clients may use.

    Attributes:
        max_bots: Living bots in one session.
        grace_s: Seconds that the bots of a stream that broke off wait for their client.
    """

    max_bots: int = 4096
    grace_s: float = 5.0


class Registry:
    """The deployments of a server by name, and its sessions.

    Args:
        bundles: To play; each is loaded and checked.
        limits: For its clients.
        loading: How bundles are loaded.

    Raises:
        BundleError: If a graph cannot be loaded or fails its parity check.
    """

    def __init__(self, bundles: Sequence[Bundle], limits: Limits | None = None, loading: Loading | None = None) -> None:
        self.limits = limits or Limits()
        self._loading = loading or Loading()
        self._deployments = {each.name: Deployment(self._loading.load(each)) for each in bundles}
        self._sessions: set[Session] = set()
        self._parked: dict[str, tuple[Session, asyncio.TimerHandle]] = {}

    @property
    def names(self) -> list[str]:
        """Of the bundles."""
        return list(self._deployments)

    @property
    def deployments(self) -> list[Deployment]:
        """Every one."""
        return list(self._deployments.values())

    @property
    def sessions(self) -> list[Session]:
        """Those that are open, with those whose client is away."""
        return list(self._sessions)

    @property
    def num_bots(self) -> int:
        """How many bots live."""
        return sum(each.slots.num_taken for each in self._deployments.values())

    @property
    def alone(self) -> bool:
        """Whether one session at most is open, which then has nobody to share a batch with."""
        return len(self._sessions) <= 1

    def is_parked(self, session: Session) -> bool:
        """Whether its client is away."""
        return any(each is session for each, _ in self._parked.values())

    def choose(self, name: str) -> Deployment:
        """Return the deployment called `name`, or the only one if `name` is empty.

        Raises:
            ServingError: If there is no such bundle, or the choice is not clear.
        """
        deployments = self._deployments
        if not name and len(deployments) == 1:
            return next(iter(deployments.values()))
        if not name:
            raise ServingError(f"This server plays {len(deployments)} bundles; name one.{suggest('', deployments)}")
        if name not in deployments:
            name = name[:MAX_NAME]
            raise ServingError(f"This server plays no bundle named '{name}'.{suggest(name, deployments)}")
        return deployments[name]

    def open(self, name: str, *, peer: str = "", dialect: str = "understudy") -> Session:
        """Start a session with a bundle; see `choose`."""
        session = Session(self.choose(name), self.limits.max_bots, peer, dialect, self._sessions.discard)
        self._sessions.add(session)
        return session

    def park(self, session: Session, lease: str) -> None:
        """Keep the bots of a session whose client went away, until it comes back or the grace time is over."""
        session.interrupt()
        if not self.limits.grace_s or not session.living:
            session.close()
            return
        if len(self._parked) >= MAX_PARKED:
            self._end_parked(next(iter(self._parked)))
        timer = asyncio.get_running_loop().call_later(self.limits.grace_s, self._end_parked, lease)
        self._parked[lease] = (session, timer)

    def resume(self, lease: str, name: str, peer: str) -> Session:
        """Give back a parked session.

        Raises:
            ServingError: If no session waits under that lease, or it plays another bundle.
        """
        session, timer = self._parked.get(lease, (None, None))
        if session is None or timer is None:
            raise ServingError(
                "No bots wait under that lease: it is unknown, still in use, or their grace time is over. Open a new "
                "stream and spawn them again."
            )
        if self.choose(name) is not session.deployment:
            raise ServingError(f"The bots under that lease play '{session.deployment.name}', not '{name[:MAX_NAME]}'.")
        timer.cancel()
        del self._parked[lease]
        session.peer = peer
        return session

    async def load(self, folder: Path, share: float) -> tuple[Deployment, Bundle, Loaded]:
        """Load another version of a bundle beside the one that plays, and let it play.

        Args:
            folder: Of the bundle; its name says which one it is a version of.
            share: Of the bots, 0 to 1; 0 counts as 1.

        Raises:
            BundleError: If it is no bundle, or fails its parity check.
            ServingError: If no bundle of that name is served, or the states do not fit.
        """
        if not 0 <= share <= 1:
            raise ServingError(f"The share is {share:g}; it must be from 0 to 1.")
        bundle = await asyncio.to_thread(Bundle.load, folder)
        deployment = self.choose(bundle.name)
        version = await asyncio.to_thread(self._loading.load, bundle)
        return deployment, bundle, await deployment.load(version, share or 1.0)

    async def close(self) -> None:
        """End every session and every deployment."""
        for lease in list(self._parked):
            self._end_parked(lease)
        for deployment in self._deployments.values():
            await asyncio.to_thread(deployment.close)

    def _end_parked(self, lease: str) -> None:
        session, timer = self._parked.pop(lease)
        timer.cancel()
        session.close()


def new_lease() -> str:
    """Return a secret that nobody can guess."""
    return secrets.token_urlsafe(24)


def load_bundles(folders: Iterable[Path]) -> list[Bundle]:
    """Open the bundles to serve.

    Raises:
        BundleError: If one is missing or damaged.
        ServingError: If there is none, or two have one name.
    """
    bundles: dict[str, Bundle] = {}
    for folder in folders:
        bundle = Bundle.load(folder)
        if bundle.name in bundles:
            raise ServingError(
                f"Both {bundles[bundle.name].folder} and {folder} are named '{bundle.name}'; serve them on two ports, "
                "or export one under another name."
            )
        bundles[bundle.name] = bundle
    if not bundles:
        raise ServingError("There is no bundle to serve; name at least one bundle folder.")
    return list(bundles.values())
