"""A bot whose policy runs in a server, behind the same `Agent` protocol as a local one."""

from __future__ import annotations

from understudy.serving.client import Client
from understudy.serving.credentials import ClientTls
from understudy.spec import Action, Observation


class RemoteAgent:
    """Plays one bot through a server, with a connection and a stream of its own.

    The same seed and the same observations give the same actions as `BundleAgent` gives for that bundle.

    Args:
        address: `host:port`.
        bundle: By name; may be empty if the server plays just one.
        patience_s: Seconds to wait for a server that is only starting.
        style: One of the bundle's; its default if left out.
        tls: See `Client`.
        token: See `Client`.

    Raises:
        ServingError: If there is no server, or it plays no such bundle.
    """

    def __init__(
        self,
        address: str,
        bundle: str = "",
        patience_s: float = 0.0,
        style: str = "",
        *,
        tls: ClientTls | None = None,
        token: str | None = None,
    ) -> None:
        self._style = style or None
        self._client = Client(address, tls=tls, token=token)
        try:
            if patience_s:
                self._client.wait(patience_s)
            self._stream = self._client.play(bundle)
        except Exception:
            self._client.close()
            raise
        self.behavior = self._stream.info.behavior
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Forget the past and start the noise stream of `seed` from its beginning."""
        self._stream.spawn(0, seed, self._style)

    def act(self, observation: Observation) -> Action:
        """Decide once; see `Agent.act`.

        Raises:
            ObservationError: If an array is missing, misshapen or not finite.
            ServingError: If the server is gone.
        """
        self.behavior.check_observation(observation)
        batch = {name: observation[name][None] for name in self.behavior.sensor_names}
        actions = self._stream.tick([0], batch)
        return {name: array[0] for name, array in actions.items()}

    def close(self) -> None:
        """End the bot and the connection. Calling it twice does no harm."""
        self._stream.close()
        self._client.close()
