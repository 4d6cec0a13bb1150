"""The conformance suite: plays the Unity side against a server, and beside it the same bundle in this process.

    python -m understudy.serving.dialects.mlagents.testing 127.0.0.1:50051 bots/walker

A broken promise is an `AssertionError` that says which one. What is promised: every agent that is not done gets one
action, in order; it is the action that `BundleAgent` takes for the same observations and `life_seed`; an agent that is
done begins afresh; masks are kept; a game that speaks another version, or whose agents do not fit, is refused in words
and harms nobody.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from understudy.agents.bundle import Bundle
from understudy.agents.runtime import BundleAgent
from understudy.errors import ServingError, UnderstudyError
from understudy.serving.dialects.mlagents import mlagents_pb2 as pb
from understudy.serving.dialects.mlagents.actions import ActionPlan
from understudy.serving.dialects.mlagents.lives import life_seed
from understudy.serving.dialects.mlagents.unity import UnitySide, agent_info, brain_parameters, floats, png
from understudy.spec import BehaviorSpec, Observation, SensorSpec

TOLERANCE = 1e-5
"""Of a continuous action, in parts of its range: a batch of one and a batch of many round differently."""


class Turn(NamedTuple):
    """What one agent sends in one step.

    Attributes:
        agent: Its id.
        observation: By sensor name.
        done: Whether it asks for no action and begins afresh next time.
        mask: True where a discrete choice is not allowed.
    """

    agent: int
    observation: Observation
    done: bool = False
    mask: Sequence[bool] = ()


class ComparedGame:
    """A game that compares every action with a `BundleAgent` of its own.

    Args:
        side: A connected game.
        behaviors: The bundle that should play each behaviour of the game.
        seed: Of the server.

    Attributes:
        compared: How many actions were compared.
    """

    def __init__(self, side: UnitySide, behaviors: Mapping[str, Bundle], seed: int = 0) -> None:
        self._side = side
        self._seed = seed
        self._bundles = dict(behaviors)
        self._unsent = {name: brain_parameters(name, each.behavior) for name, each in behaviors.items()}
        self._idle: dict[str, list[BundleAgent]] = {name: [] for name in behaviors}
        self._living: dict[tuple[str, int], BundleAgent] = {}
        self._ended: dict[tuple[str, int], int] = {}
        self.compared = 0

    def step(self, turns: Mapping[str, Sequence[Turn]]) -> None:
        """Send what the agents observe, and compare what they are told to do."""
        agents = {name: [self._info(name, each) for each in some] for name, some in turns.items()}
        brains = [self._unsent.pop(name) for name, some in turns.items() if some and name in self._unsent]
        actions = self._side.step(agents, brains, side_channel=b"\x07")
        for name, some in turns.items():
            answers = iter(actions.get(name, []))
            for turn in some:
                if turn.done:
                    self._end(name, turn.agent)
                else:
                    self._compare(name, turn, next(answers))

    def _info(self, name: str, turn: Turn) -> pb.AgentInfoProto:
        sensors = self._bundles[name].behavior.sensors
        return agent_info(turn.agent, observe(sensors, turn.observation), done=turn.done, mask=turn.mask)

    def _compare(self, name: str, turn: Turn, found: pb.AgentActionProto) -> None:
        behavior = self._bundles[name].behavior
        expected = ActionPlan(behavior.actions).encode(
            [each[None] for each in self._agent(name, turn.agent).act(turn.observation).values()],
            [agent_info(turn.agent, [], mask=turn.mask)],
        )[0]
        who = f"agent {turn.agent} of '{name}'"
        _promise(
            list(found.discrete_actions) == list(expected.discrete_actions)
            and np.allclose(found.continuous_actions, expected.continuous_actions, rtol=0, atol=TOLERANCE),
            f"{who} was told {_words(found)}, and the bundle does {_words(expected)}",
        )
        old = [*found.continuous_actions, *found.discrete_actions]
        _promise(list(found.vector_actions_deprecated) == old, f"{who} was told otherwise in the old form")
        self.compared += 1

    def _agent(self, name: str, agent: int) -> BundleAgent:
        if (name, agent) not in self._living:
            born = self._idle[name].pop() if self._idle[name] else BundleAgent(self._bundles[name])
            born.reset(life_seed(self._seed, name, agent, self._ended.get((name, agent), 0)))
            self._living[name, agent] = born
        return self._living[name, agent]

    def _end(self, name: str, agent: int) -> None:
        if ended := self._living.pop((name, agent), None):
            self._idle[name].append(ended)
            self._ended[name, agent] = self._ended.get((name, agent), 0) + 1


def check_server(address: str, bundle: Bundle, *, behavior: str = "", seed: int = 0, steps: int = 60) -> int:
    """Check that a server plays an ML-Agents behaviour with a bundle, as promised above.

    Args:
        address: Of the server, `host:port`.
        bundle: That should play.
        behavior: Of the game; the bundle's name and a team if empty.
        seed: Of the server.
        steps: To play.

    Returns:
        How many actions were compared.

    Raises:
        AssertionError: If a promise is broken.
        ServingError: If the server refuses the game.
    """
    name = behavior or f"{bundle.name}?team=0"
    rng = np.random.default_rng(seed)
    with UnitySide(address) as side:
        side.connect()
        game = ComparedGame(side, {name: bundle}, seed)
        for _ in range(steps):
            game.step({name: _random_turns(bundle.behavior, rng)})
            if rng.random() < 0.1:
                _check_refusals(address, name, bundle.behavior)
    _promise(game.compared > steps, f"only {game.compared} actions were compared in {steps} steps")
    return game.compared


def random_observation(behavior: BehaviorSpec, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw an observation from the sensors' ranges, or from -100 to 100 where they have none."""
    values = {}
    for each in behavior.sensors:
        low = np.maximum(each.space.low.astype(np.float64), -100)
        drawn = rng.uniform(low, np.minimum(each.space.high.astype(np.float64), 100))
        values[each.name] = np.asarray(drawn, each.space.dtype).reshape(each.space.shape)
    return values


def observe(sensors: Sequence[SensorSpec], observation: Observation) -> list[pb.ObservationProto]:
    """Return the observations of a game whose sensors are a bundle's, in their order: pictures as PNG."""
    return [_observe(each, observation[each.name]) for each in sensors]


def _observe(sensor: SensorSpec, values: np.ndarray) -> pb.ObservationProto:
    is_picture = values.dtype == np.uint8 and values.ndim == 3
    return png(values, sensor.name) if is_picture else floats(values, sensor.name)


def _random_turns(behavior: BehaviorSpec, rng: np.random.Generator) -> list[Turn]:
    """Some of five agents, one in eight of them done; masks that leave a choice in every branch."""
    branches = ActionPlan(behavior.actions).branches
    turns = []
    for agent in rng.permutation(5)[: rng.integers(0, 6)].tolist():
        kept = [int(rng.integers(size)) for size in branches]
        mask = [
            choice != keep and bool(rng.random() < 0.5)
            for size, keep in zip(branches, kept, strict=True)
            for choice in range(size)
        ]
        done = bool(rng.random() < 0.125)
        turns.append(Turn(agent, random_observation(behavior, rng), done, mask if rng.random() < 0.5 else ()))
    return turns


def _check_refusals(address: str, name: str, behavior: BehaviorSpec) -> None:
    """A game of another version, and one whose agents sense nothing, must be refused with a sentence."""
    for version in ("0.17.0", "2.0.0", "", "one"):
        with UnitySide(address, communication_version=version) as stranger:
            answer = stranger.exchange(_hello(version))
            _promise(answer.header.status == 400, f"a game that speaks version {version!r} is not refused")
            _promise(bool(answer.header.message), f"a game that speaks version {version!r} is refused without a word")
    with UnitySide(address) as stranger:
        stranger.connect()
        try:
            stranger.step({name: [agent_info(0, [])]}, [brain_parameters(name, behavior)])
        except ServingError as error:
            _promise(len(str(error)) > 20, f"a game that does not fit is refused only with {str(error)!r}")
        else:
            raise AssertionError("The server breaks its promise: agents that sense nothing are played.")


def _hello(version: str) -> pb.UnityOutputProto:
    hello = pb.UnityRLInitializationOutputProto(communication_version=version, package_version="3.0.0")
    return pb.UnityOutputProto(rl_initialization_output=hello)


def _promise(kept: bool, otherwise: str) -> None:
    if not kept:
        raise AssertionError(f"The server breaks its promise: {otherwise}.")


def _words(action: pb.AgentActionProto) -> str:
    return f"{list(action.continuous_actions)} and {list(action.discrete_actions)}"


def main(arguments: Sequence[str]) -> int:
    """Check a server from the command line: its address and the bundle's folder."""
    if len(arguments) != 2:
        print("usage: python -m understudy.serving.dialects.mlagents.testing HOST:PORT BUNDLE")
        return 2
    try:
        compared = check_server(arguments[0], Bundle.load(arguments[1]))
    except UnderstudyError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except AssertionError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{compared} actions are the bundle's own; wrong versions and misfits are refused.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
