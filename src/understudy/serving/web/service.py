"""The four methods of `understudy.v1.Web`, apart from HTTP: messages in, messages out, errors as `ConnectError`."""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, TypeVar

import numpy as np
from connectrpc.code import Code
from connectrpc.errors import ConnectError

from understudy import __version__
from understudy.agents.bundle import Bundle
from understudy.agents.styles import parse_style
from understudy.errors import UnderstudyError
from understudy.serving.fallback import Fallback
from understudy.serving.limits import OpenLimit, RateLimitError
from understudy.serving.opening import require_playable
from understudy.serving.refusals import to_refusal
from understudy.serving.registry import MAX_NAME, Registry
from understudy.serving.session import Birth, Session
from understudy.serving.web import web_pb2 as pb
from understudy.serving.web.arrays import decode_sensors, encode_actions
from understudy.serving.web.options import WebOptions
from understudy.serving.web.sessions import NoSessionError, SessionLimitError, Sessions

KIND_TRAILER = "understudy-error"
DIALECT = "web"
_INTERNAL = "The server failed on this call; its log says why."
_CODES: dict[type[UnderstudyError], Code] = {
    NoSessionError: Code.NOT_FOUND,
    RateLimitError: Code.RESOURCE_EXHAUSTED,
    SessionLimitError: Code.RESOURCE_EXHAUSTED,
}
_LOG = logging.getLogger(__name__)

Method = TypeVar("Method", bound=Callable[..., Awaitable[Any]])


def answering_errors(method: Method) -> Method:
    """Let `method` answer an error with one sentence, and anything unforeseen without its details."""

    @wraps(method)
    async def answering(service: Any, request: Any, context: Any) -> Any:
        try:
            return await method(service, request, context)
        except UnderstudyError as error:
            context.response_trailers[KIND_TRAILER] = type(error).__name__
            raise to_connect_error(error) from None
        except Exception:
            _LOG.exception("A call of %s ended in an internal error", context.client_address)
            raise ConnectError(Code.INTERNAL, _INTERNAL) from None

    return answering  # type: ignore[return-value]


def to_connect_error(error: UnderstudyError) -> ConnectError:
    """Return how `error` is told to a web client: with the code and the sentence that gRPC clients get."""
    refusal = to_refusal(error)
    return ConnectError(_CODES.get(type(error)) or Code[refusal.code.name], refusal.details)


class WebService:
    """Answers the web port's calls.

    Args:
        registry: What is served.
        options: Limits.
    """

    def __init__(self, registry: Registry, options: WebOptions) -> None:
        self._registry = registry
        self._idle_s = options.idle_s
        self._opens = OpenLimit(options.limits)
        self.sessions = Sessions(options.max_sessions, options.idle_s, options.limits)

    @answering_errors
    async def describe(self, request: pb.WebDescribe, context: Any) -> pb.WebDescribed:  # noqa: ARG002
        """Return which bundles are served."""
        bundles = [_to_message(self._registry.choose(name).bundle) for name in self._registry.names]
        return pb.WebDescribed(server_version=__version__, bundles=bundles)

    @answering_errors
    async def open(self, request: pb.WebOpen, context: Any) -> pb.WebOpened:
        """Begin a session."""
        peer = context.client_address or "unknown"
        self._opens.count(peer)
        self.sessions.require_room()
        deployment = self._registry.choose(request.bundle)
        require_playable(deployment.bundle, request.spec_json)
        session = self._registry.open(deployment.name, peer=peer, dialect=DIALECT)
        session.budget_s = request.budget_us / 1e6 if request.budget_us else math.inf
        session.fallback = Fallback.NOTHING if request.fallback else Fallback.REPEAT
        name = self.sessions.add(session, request.actions)
        return pb.WebOpened(session=name, bundle=_to_message(deployment.bundle), idle_s=self._idle_s)

    @answering_errors
    async def tick(self, request: pb.WebTick, context: Any) -> pb.WebActions:  # noqa: ARG002
        """Let bots decide once."""
        held = self.sessions.get(request.session)
        with held.ticking() as session:
            # First of all, so that a wrong observation changes nothing.
            sensors = decode_sensors(session.codec, request.sensors, len(request.bots))
            change_bots(session, request)
            decision = await session.decide(list(request.bots), sensors, list(request.save))
        actions = encode_actions(session.codec, decision.actions, held.form)
        saved = {bot: each.to_bytes() for bot, each in zip(request.save, decision.saved, strict=True)}
        return pb.WebActions(tick=request.tick, actions=actions, late=pb.WebLate.Name(decision.late), saved=saved)

    @answering_errors
    async def close(self, request: pb.WebClose, context: Any) -> pb.WebClosed:  # noqa: ARG002
        """End a session."""
        self.sessions.close(request.session)
        return pb.WebClosed()


def change_bots(session: Session, request: pb.WebTick) -> None:
    """Do what a tick says of its bots, before any decides.

    Raises:
        BotLimitError: If there would be too many bots.
        BundleError: If the bundle has no style of a name.
        ServingError: If a bot, a style's numbers or a saved bot are wrong.
    """
    for named in (request.bots, request.despawn, request.spawn, request.restyle):
        session.require_room(len(named))
    if request.despawn:
        session.despawn(list(request.despawn))
    if request.spawn:
        session.spawn([Birth(each.bot, each.seed, _style(session, each.style), each.state) for each in request.spawn])
    if request.restyle:
        session.restyle(
            [each.bot for each in request.restyle], [_style(session, each.style) for each in request.restyle]
        )


def _style(session: Session, style: pb.WebStyle) -> np.ndarray:
    if style.vector:
        return np.array(style.vector, np.float32)
    return parse_style(session.deployment.bundle, style.name[:MAX_NAME])


def _to_message(bundle: Bundle) -> pb.WebBundle:
    return pb.WebBundle(
        name=bundle.name,
        digest=bundle.digest,
        spec_json=bundle.behavior.to_json(),
        style_size=bundle.style_size,
        styles=list(bundle.card.styles),
    )
