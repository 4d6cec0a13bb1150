"""The other side of the communicator: what a Unity game sends, in Python, without Unity.

`UnitySide` keeps the order of messages and the checks of ML-Agents' own `RpcCommunicator.cs`: it connects as a game
does, sends a behaviour's parameters with its first agents, and wants one action for each agent that is not done.

with UnitySide("127.0.0.1:50051") as game:
    game.connect()
    brain = brain_parameters("Walker?team=0", behavior)
    actions = game.step({"Walker?team=0": [agent_info(0, [floats(rays)])]}, [brain])
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import grpc
import numpy as np

from understudy.errors import ServingError, require
from understudy.serving.dialects.mlagents import mlagents_pb2 as pb
from understudy.serving.dialects.mlagents import mlagents_pb2_grpc as pb_grpc
from understudy.serving.dialects.mlagents.actions import ActionPlan
from understudy.spec import BehaviorSpec

MAX_TRAINER_OF_PACKAGE_1 = (0, 25, 999)
"""The 1.0 packages of com.unity.ml-agents stop at a trainer above this version."""


class UnitySide:
    """A game's end of a connection.

    Args:
        address: Of the server, `host:port`.
        communication_version: That the game says it speaks.
        package_version: Of com.unity.ml-agents in the game.
        timeout: Seconds a call may take.

    Attributes:
        server: How the server introduced itself, after `connect`.
    """

    def __init__(
        self,
        address: str,
        communication_version: str = "1.5.0",
        package_version: str = "3.0.0",
        timeout: float = 20.0,
    ) -> None:
        self._version = communication_version
        self._package = package_version
        self._timeout = timeout
        # A channel of its own: two games of one process would otherwise share a connection, and so be one game.
        self._channel = grpc.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)])
        self._stub: Any = pb_grpc.UnityToExternalProtoStub(self._channel)  # type: ignore[no-untyped-call]
        self.server = pb.UnityRLInitializationInputProto()

    def connect(self) -> None:
        """Introduce the game, and wait for the word to begin an episode.

        Raises:
            ServingError: If the server refuses the game, or the game the server.
        """
        hello = pb.UnityRLInitializationOutputProto(
            name="understudy",
            communication_version=self._version,
            package_version=self._package,
            capabilities=pb.UnityRLCapabilitiesProto(baseRLCapabilities=True, hybridActions=True),
        )
        greeting = self.exchange(pb.UnityOutputProto(rl_initialization_output=hello))
        self.server = greeting.unity_input.rl_initialization_input
        begin = self.exchange(None)
        self._check_communication(greeting)
        for each in (greeting, begin):
            _require_ok(each)
        self._check_package()
        if begin.unity_input.rl_input.command != pb.RESET:
            raise ServingError("The server did not tell the game to begin an episode.")

    def step(
        self,
        agents: Mapping[str, Sequence[pb.AgentInfoProto]],
        brains: Sequence[pb.BrainParametersProto] = (),
        side_channel: bytes = b"",
    ) -> dict[str, list[pb.AgentActionProto]]:
        """Send what the agents observe, and return the actions of those that are not done, in their order.

        Args:
            agents: By behaviour.
            brains: Parameters of behaviours that were not sent before.
            side_channel: Which the server ignores.

        Raises:
            ServingError: If the server refuses, or answers otherwise than a game can bear.
        """
        infos = {name: pb.UnityRLOutputProto.ListAgentInfoProto(value=each) for name, each in agents.items()}
        output = pb.UnityOutputProto(rl_output=pb.UnityRLOutputProto(agentInfos=infos, side_channel=side_channel))
        if brains:
            output.rl_initialization_output.brain_parameters.extend(brains)
        answer = _require_ok(self.exchange(output)).unity_input.rl_input
        actions = {name: list(each.value) for name, each in answer.agent_actions.items()}
        _check_counts(actions, {name: sum(not agent.done for agent in each) for name, each in agents.items()})
        return actions

    def exchange(self, output: pb.UnityOutputProto | None, status: int = 200) -> pb.UnityMessageProto:
        """Send one message as it is, and return the answer."""
        request = pb.UnityMessageProto(header=pb.HeaderProto(status=status), unity_output=output)
        answer: pb.UnityMessageProto = self._stub.Exchange(request, timeout=self._timeout)
        return answer

    def close(self) -> None:
        """Say goodbye, as a game that quits, and hang up. Calling it twice does no harm."""
        with contextlib.suppress(grpc.RpcError, ValueError):  # The latter from a channel that is closed.
            self.exchange(None, status=400)
        self._channel.close()

    def hang_up(self) -> None:
        """End the connection without a word, as a game that crashes."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check_communication(self, greeting: pb.UnityMessageProto) -> None:
        ours, theirs = _numbers(self._version), _numbers(self.server.communication_version)
        if ours[:1] != theirs[:1] or (ours[0] == 0 and ours[1] != theirs[1]):
            raise ServingError(
                f"The game speaks {self._version}, the server {self.server.communication_version}: "
                f"{greeting.header.message}"
            )

    def _check_package(self) -> None:
        if _numbers(self._package)[0] <= 1 and _numbers(self.server.package_version) > MAX_TRAINER_OF_PACKAGE_1:
            raise ServingError(f"The game stops at the server's package version {self.server.package_version}.")


def brain_parameters(name: str, behavior: BehaviorSpec, *, legacy: bool = False) -> pb.BrainParametersProto:
    """Return the parameters of a game's behaviour that has the actions of `behavior`.

    Args:
        name: Of the game's behaviour.
        behavior: With continuous or with discrete actions only, if `legacy`.
        legacy: Whether to write them as before communicator 1.3.0.
    """
    plan = ActionPlan(behavior.actions)
    if legacy:
        return pb.BrainParametersProto(
            brain_name=name,
            vector_action_size_deprecated=plan.branches or [plan.num_continuous],
            vector_action_space_type_deprecated=pb.discrete if plan.branches else pb.continuous,
        )
    spec = pb.ActionSpecProto(
        num_continuous_actions=plan.num_continuous,
        num_discrete_actions=len(plan.branches),
        discrete_branch_sizes=plan.branches,
    )
    return pb.BrainParametersProto(brain_name=name, is_training=True, action_spec=spec)


def agent_info(
    agent: int, observations: Sequence[pb.ObservationProto], *, done: bool = False, mask: Sequence[bool] = ()
) -> pb.AgentInfoProto:
    """Return what one agent sends; a mask is true where a choice is not allowed."""
    return pb.AgentInfoProto(id=agent, observations=observations, done=done, max_step_reached=done, action_mask=mask)


def floats(values: np.ndarray, name: str = "") -> pb.ObservationProto:
    """Return an observation that is not compressed, of the array's own shape (at least one number wide)."""
    shape = values.shape or (1,)
    data = pb.ObservationProto.FloatData(data=np.asarray(values, np.float32).ravel())
    return pb.ObservationProto(shape=shape, float_data=data, name=name)


def png(levels: np.ndarray, name: str = "", *, channels_first: bool = False) -> pb.ObservationProto:
    """Return a picture as Unity compresses it: a PNG for every three channels, the last one filled up with zeros.

    Args:
        levels: uint8, shape (height, width, channels).
        name: Of the observation.
        channels_first: Whether to give its shape as packages 3 and newer do.
    """
    height, width, channels = levels.shape
    padded = np.concatenate([levels, np.zeros((height, width, -channels % 3), np.uint8)], axis=2)
    data = b"".join(_encode(padded[..., start : start + 3]) for start in range(0, padded.shape[2], 3))
    shape = (channels, height, width) if channels_first else (height, width, channels)
    mapping = [channel if channel < channels else -1 for channel in range(padded.shape[2])]
    return pb.ObservationProto(
        shape=shape, compression_type=pb.PNG, compressed_data=data, compressed_channel_mapping=mapping, name=name
    )


def _encode(levels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    image: Any = require("PIL.Image", "serve")
    image.fromarray(levels).save(buffer, format="PNG")
    return buffer.getvalue()


def _require_ok(answer: pb.UnityMessageProto) -> pb.UnityMessageProto:
    if answer.header.status != 200:
        raise ServingError(answer.header.message or f"The server answered with status {answer.header.status}.")
    return answer


def _check_counts(actions: Mapping[str, list[pb.AgentActionProto]], asking: Mapping[str, int]) -> None:
    found = {name: len(each) for name, each in actions.items()}
    expected = {name: count for name, count in asking.items() if count}
    if found != expected:
        raise ServingError(f"The server answered {found} actions; {expected} agents asked.")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(each) for each in re.findall(r"\d+", version)[:3]) or (0, 0, 0)
