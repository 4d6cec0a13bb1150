"""The gRPC side: which game a call is of, and how a game is refused.

A game that is refused gets an answer with status 400, which ends its connection in its own words, and never a gRPC
error. Every other game plays on.
"""

from __future__ import annotations

import asyncio
import logging

import grpc
from google.protobuf.message import DecodeError

from understudy.errors import ServingError, UnderstudyError
from understudy.serving.dialects.mlagents import mlagents_pb2 as pb
from understudy.serving.dialects.mlagents.game import Game, GameLimits
from understudy.serving.dialects.mlagents.versions import greet, require_compatible
from understudy.serving.registry import Registry

SERVICE = pb.DESCRIPTOR.services_by_name["UnityToExternalProto"].full_name
GO_ON, OVER = 200, 400
"""The two statuses of a message."""

_INTERNAL = "The server met an internal error and ended this connection; its log says why."
_LOG = logging.getLogger(__name__)


class UnityToExternalServicer:
    """Answers ML-Agents games. A game is told by the connection its calls come from.

    Args:
        registry: Of the server.
        seed: Of every bot's noise, with the agent's id.
        limits: For the games.
    """

    def __init__(self, registry: Registry, seed: int, limits: GameLimits) -> None:
        self._registry = registry
        self._seed = seed
        self._limits = limits
        self._games: dict[str, Game] = {}
        self._heard: dict[str, float] = {}
        self._busy: set[str] = set()
        self._sweeping = False

    async def exchange(
        self, request: pb.UnityMessageProto | None, context: grpc.aio.ServicerContext
    ) -> pb.UnityMessageProto:
        """Answer one message of a game; None stands for bytes that are none."""
        peer = context.peer()
        if peer in self._busy:
            return _over("A game must wait for its answer before it sends the next message.")
        self._busy.add(peer)
        try:
            return await self._answer(peer, request)
        except UnderstudyError as error:
            self._drop(peer)
            return _refuse(peer, error)
        except asyncio.CancelledError:
            self._drop(peer)
            raise
        except Exception:
            _LOG.exception("The game at %s met an internal error", peer)
            self._drop(peer)
            return _over(_INTERNAL)
        finally:
            self._busy.discard(peer)
            if peer in self._games:
                self._heard[peer] = asyncio.get_running_loop().time()

    @property
    def num_games(self) -> int:
        """How many games are connected."""
        return len(self._games)

    async def _answer(self, peer: str, request: pb.UnityMessageProto | None) -> pb.UnityMessageProto:
        if request is None:
            raise ServingError("That message is no UnityMessageProto.")
        if request.header.status != GO_ON:
            self._drop(peer)
            return pb.UnityMessageProto(header=pb.HeaderProto(status=OVER))
        output = request.unity_output
        if output.HasField("rl_initialization_output") and not output.HasField("rl_output"):
            return self._begin(peer, output.rl_initialization_output)
        if peer not in self._games:
            raise ServingError("A game must begin with its initialization; it has not, or was quiet for too long.")
        rl_input = await self._games[peer].answer(output)
        return pb.UnityMessageProto(
            header=pb.HeaderProto(status=GO_ON), unity_input=pb.UnityInputProto(rl_input=rl_input)
        )

    def _begin(self, peer: str, game: pb.UnityRLInitializationOutputProto) -> pb.UnityMessageProto:
        self._drop(peer)
        # A game that is refused still needs our versions: without them it cannot say what is wrong.
        answer = pb.UnityMessageProto(
            header=pb.HeaderProto(status=GO_ON),
            unity_input=pb.UnityInputProto(rl_initialization_input=greet(game, self._seed)),
        )
        try:
            require_compatible(game.communication_version)
            self._admit(peer)
        except ServingError as error:
            answer.header.CopyFrom(_refuse(peer, error).header)
        return answer

    def _admit(self, peer: str) -> None:
        if len(self._games) >= self._limits.games:
            raise ServingError(f"{len(self._games)} games are connected; this server allows no more.")
        self._games[peer] = Game(self._registry, peer, self._limits, self._seed)
        loop = asyncio.get_running_loop()
        self._heard[peer] = loop.time()
        if not self._sweeping:
            self._sweeping = True
            loop.call_later(self._limits.idle_s, self._sweep)

    def _sweep(self) -> None:
        """Drop the games that are quiet for too long, and look again when the next one would be."""
        loop = asyncio.get_running_loop()
        oldest = loop.time() - self._limits.idle_s
        for peer in [each for each, heard in self._heard.items() if heard <= oldest and each not in self._busy]:
            _LOG.warning("The game at %s was quiet for %g s; its bots are freed", peer, self._limits.idle_s)
            self._drop(peer)
        self._sweeping = bool(self._games)
        if self._sweeping:
            pause = max(min(self._heard.values()) - oldest, self._limits.idle_s / 10)
            loop.call_later(pause, self._sweep)

    def _drop(self, peer: str) -> None:
        game = self._games.pop(peer, None)
        self._heard.pop(peer, None)
        if game is not None:
            game.close()


def add_to(server: grpc.aio.Server, registry: Registry, *, seed: int = 0, limits: GameLimits | None = None) -> str:
    """Let `server` play ML-Agents games with the bundles of `registry`.

    Args:
        server: Not started yet.
        registry: Of the bundles.
        seed: Of every bot's noise, with the agent's id; the same seed and ids give the same bots.
        limits: For the games.

    Returns:
        The full name of the service, for reflection.
    """
    servicer = UnityToExternalServicer(registry, seed, limits or GameLimits())
    method = grpc.unary_unary_rpc_method_handler(
        servicer.exchange,
        request_deserializer=_parse,  # The generated one would end the call of a damaged message with a traceback.
        response_serializer=pb.UnityMessageProto.SerializeToString,
    )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"Exchange": method}),))
    return SERVICE


def _parse(data: bytes) -> pb.UnityMessageProto | None:
    try:
        return pb.UnityMessageProto.FromString(data)
    except DecodeError:
        return None


def _refuse(peer: str, error: UnderstudyError) -> pb.UnityMessageProto:
    """Tell the log and the game; a game's own names in the sentence must not look like lines of the log."""
    sentence = "".join(each if each.isprintable() else "?" for each in str(error))
    _LOG.warning("The game at %s was refused: %s", peer, sentence)
    return _over(sentence)


def _over(message: str) -> pb.UnityMessageProto:
    return pb.UnityMessageProto(header=pb.HeaderProto(status=OVER, message=message))
