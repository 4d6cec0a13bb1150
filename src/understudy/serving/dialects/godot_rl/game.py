"""One connected game, from the handshake to its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from understudy.errors import ServingError
from understudy.serving.dialects.godot_rl.company import Company
from understudy.serving.dialects.godot_rl.frames import read_message, to_frame
from understudy.serving.dialects.godot_rl.info import AgentInfo, parse_env_info
from understudy.serving.dialects.godot_rl.options import GodotRlOptions
from understudy.serving.registry import Registry

PROTOCOL = {"major_version": "0", "minor_version": "7"}
"""What both sides of today announce; a plug-in prints a warning if it differs and goes on."""
INFO_BYTES = 1 << 20
_log = logging.getLogger(__name__)


class GameEndedError(Exception):
    """Raised within a game when it closed the connection between two messages, as a game does that is quit."""


class Game:
    """Plays the agents of one game until it closes the connection, breaks the protocol, or the server stops.

    Args:
        reader: Of the connection.
        writer: Of the connection; the caller closes it.
        registry: Of the server.
        options: Of the dialect.
        stopping: Set when the server stops.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        registry: Registry,
        options: GodotRlOptions,
        stopping: asyncio.Event,
    ) -> None:
        self._reader, self._writer = reader, writer
        self._registry = registry
        self._options = options
        self._stopping = stopping

    async def play(self, peer: str) -> None:
        """Drive the game.

        Args:
            peer: Its address.

        Raises:
            UnderstudyError: If the game breaks the protocol, or does not fit the bundles.
            GameEndedError: If the game went away.
        """
        agents = await self._greet()
        options = self._options
        company = Company(self._registry, agents, peer=peer, seed=options.seed, planar=options.planar_pictures)
        try:
            _log.info("The Godot game at %s plays: %s.", peer, company)
            await self._drive(company)
        finally:
            company.close()

    async def _greet(self) -> list[AgentInfo]:
        await self._send({"type": "handshake", **PROTOCOL})
        await self._send({"type": "env_info"})
        try:
            async with asyncio.timeout(self._options.greeting_s):
                info = await self._receive("env_info", INFO_BYTES)
        except TimeoutError:
            raise ServingError(f"It sent no env_info within {self._options.greeting_s:g} seconds.") from None
        return parse_env_info(info, self._options.max_agents)

    async def _drive(self, company: Company) -> None:
        await self._send({"type": "reset"})
        company.begin_lives(range(len(company)))
        message = await self._receive("reset")
        while not self._stopping.is_set():
            actions = await company.decide(_observations(message, len(company)))
            await self._send({"type": "action", "action": actions})
            message = await self._receive("step")
            company.begin_lives(_done(message, len(company)))
        await self._send({"type": "close"})

    async def _send(self, message: Mapping[str, Any]) -> None:
        self._writer.write(to_frame(message))
        await self._writer.drain()

    async def _receive(self, kind: str, limit: int = 0) -> dict[str, Any]:
        message = await read_message(self._reader, kind, limit or self._options.max_frame_bytes)
        if message is None:
            raise GameEndedError
        return message


def _observations(message: Mapping[str, Any], num_agents: int) -> Sequence[Mapping[str, Any]]:
    found = message.get("obs")
    if not isinstance(found, list) or len(found) != num_agents or not all(isinstance(each, dict) for each in found):
        raise ServingError(f"obs should be a list of {num_agents} dicts, one for each agent.")
    return found


def _done(message: Mapping[str, Any], num_agents: int) -> list[int]:
    """The agents whose episode ended with this step; what they observe is of the next one already."""
    found = message.get("done")
    if not isinstance(found, list) or len(found) != num_agents or not all(each in (0, 1) for each in found):
        raise ServingError(f"done should be a list of {num_agents} booleans, one for each agent.")
    return [agent for agent, done in enumerate(found) if done]
