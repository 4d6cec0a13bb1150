"""Games against a server: what is answered, and in which order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlagents_arena import SERVER_SEED, WALKER, make_walker, observe_walker, serve_games
from mlagents_play import BLUE, BRAIN, RED, RUNNER, compared, info, turns

from understudy.agents.bundle import Bundle
from understudy.errors import ServingError
from understudy.serving.dialects.mlagents import mlagents_pb2 as pb
from understudy.serving.dialects.mlagents.testing import Turn
from understudy.serving.dialects.mlagents.unity import UnitySide, brain_parameters
from understudy.spec import BehaviorSpec

turn = st.tuples(
    st.integers(0, 3), st.integers(0, 99), st.booleans(), st.lists(st.booleans(), min_size=7, max_size=7) | st.just([])
)
steps = st.lists(st.dictionaries(st.sampled_from([RED, BLUE, RUNNER]), st.lists(turn, max_size=6)), max_size=8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_actions_are_the_bundle_s_own(games_address: str, walkers: list[Bundle], steps: list) -> None:
    """Whatever agents of several behaviours come, go, or come twice, each gets the action of its `BundleAgent`."""
    with UnitySide(games_address) as side:
        side.connect()
        game = compared(side, walkers)
        for step in steps:
            game.step(
                {
                    name: [
                        Turn(agent, observe_walker(np.random.default_rng(seed)), done, mask)
                        for agent, seed, done, mask in some
                    ]
                    for name, some in step.items()
                }
            )


def test_agents_of_several_behaviors_play_on(game: UnitySide, walkers: list[Bundle]) -> None:
    """Fifty steps of agents that come and go mid-episode are all the bundle's own, over three behaviours."""
    rng = np.random.default_rng(3)
    played = compared(game, walkers)
    for step in range(50):
        agents = rng.permutation(12)[: rng.integers(1, 12)].tolist()
        done = [agent for agent in agents if rng.random() < 0.1]
        played.step({RED: turns(rng, agents, done), RUNNER: turns(rng, agents[::-1]), BLUE: turns(rng, [step])})
    assert played.compared > 400


def test_the_server_introduces_itself(game: UnitySide) -> None:
    """A game hears the protocol's version, a package it knows, the seed, and what the server can read."""
    assert (game.server.communication_version, game.server.package_version) == ("1.5.0", "1.0.0")
    assert (game.server.seed, game.server.num_areas) == (SERVER_SEED, 1)
    assert game.server.capabilities.hybridActions
    assert not game.server.capabilities.trainingAnalytics


@pytest.mark.parametrize("package", ["1.0.8", "2.0.1", "3.0.0", ""])
def test_games_of_every_package_connect(games_address: str, package: str) -> None:
    """No package of com.unity.ml-agents refuses what the server says of itself."""
    with UnitySide(games_address, package_version=package) as side:
        side.connect()


@pytest.mark.parametrize("version", ["0.15.0", "2.0.0", "", "API-14"])
def test_other_communicators_are_refused(games_address: str, version: str) -> None:
    """A game of another version gets status 400 with a sentence and our version, and then 400 without input."""
    hello = pb.UnityRLInitializationOutputProto(communication_version=version)
    with UnitySide(games_address, communication_version=version) as side:
        answer = side.exchange(pb.UnityOutputProto(rl_initialization_output=hello))
        assert answer.header.status == 400
        assert f"The game speaks version '{version}'" in answer.header.message
        assert answer.unity_input.rl_initialization_input.communication_version == "1.5.0"
        again = side.exchange(None)
        assert again.header.status == 400
        assert not again.HasField("unity_input")
    with UnitySide(games_address, communication_version=version) as side, pytest.raises(ServingError):
        side.connect()


def test_empty_steps_are_answered(game: UnitySide) -> None:
    """A step without agents, with only done agents, or without any output is answered by no actions."""
    assert game.step({}) == {}
    assert game.step({RED: []}) == {}
    assert game.step({RED: [info(1, done=True)]}, [BRAIN]) == {}
    assert game.exchange(None).unity_input.rl_input == pb.UnityRLInputProto()
    assert len(game.step({RED: [info(1)], BLUE: []})[RED]) == 1
    assert game.step({RED: [info(1, done=True), info(9, done=True)]}) == {}


def test_an_agent_may_ask_and_be_done_in_one_message(game: UnitySide, walkers: list[Bundle]) -> None:
    """An agent that is stopped while it asks is answered once, and is then another bot."""
    rng = np.random.default_rng(4)
    played = compared(game, walkers)
    for _ in range(3):
        played.step({RED: [*turns(rng, [5, 6]), *turns(rng, [5], done=[5]), *turns(rng, [5, 6])]})
    assert played.compared == 12


def test_masks_are_kept_by_the_server(game: UnitySide) -> None:
    """With everything but one choice masked, that choice is what every agent does."""
    mask = [True, False, True, True, False, False, True]
    actions = game.step({RED: [info(agent, agent, mask=mask) for agent in range(20)]}, [BRAIN])[RED]
    assert {tuple(each.discrete_actions) for each in actions} == {(1, 1, 0)}
    free = game.step({RED: [info(agent, agent) for agent in range(20)]})[RED]
    assert len({tuple(each.discrete_actions) for each in free}) > 3


def test_the_same_ids_are_the_same_bots(games_address: str) -> None:
    """Two games with the same ids and observations get the same actions; another id is another bot."""
    runs = []
    for agent in (1, 1, 2):
        with UnitySide(games_address) as side:
            side.connect()
            answers = [side.step({RED: [info(agent, step)]}, [BRAIN] if step == 0 else []) for step in range(20)]
        runs.append([list(each[RED][0].vector_actions_deprecated) for each in answers])
    assert runs[0] == runs[1] != runs[2]


def test_groups_and_side_channels_change_nothing(game: UnitySide, games_address: str) -> None:
    """Group ids, rewards and any bytes in a side channel are passed over."""
    with UnitySide(games_address) as other:
        other.connect()
        agent = info(3, 7)
        plain = game.step({RED: [agent]}, [BRAIN])
        agent.group_id, agent.group_reward, agent.reward = 5, float("nan"), float("inf")
        assert other.step({RED: [agent]}, [BRAIN], side_channel=bytes(range(256))) == plain


@pytest.mark.parametrize("parts", [("move", "buttons"), ("turn",)])
def test_old_games_say_otherwise_what_they_can_do(tmp_path: Path, parts: tuple[str, ...]) -> None:
    """A game before communicator 1.3.0 writes and reads actions in other fields, and is played alike."""
    behavior = BehaviorSpec("walker", WALKER.sensors, tuple(WALKER.action(each) for each in parts), 10.0)
    bundle = make_walker(tmp_path / "only", "Only", 0, behavior)
    with serve_games([bundle]) as address, UnitySide(address, "1.2.0", "1.0.8") as side:
        side.connect()
        old = side.step({"B": [info(0)]}, [brain_parameters("B", behavior, legacy=True)])["B"][0]
        side.connect()
        new = side.step({"B": [info(0)]}, [brain_parameters("B", behavior)])["B"][0]
        assert len(old.vector_actions_deprecated) == (3 if "move" in parts else 2)
        assert old == new


def test_the_only_bundle_plays_every_behavior(tmp_path: Path) -> None:
    """With one bundle its name does not matter."""
    bundle = make_walker(tmp_path / "only", "Only", 0)
    with serve_games([bundle]) as address, UnitySide(address) as side:
        side.connect()
        brains = [brain_parameters(name, WALKER) for name in ("A?team=0", "B")]
        assert sorted(side.step({"A?team=0": [info(0)], "B": [info(0)]}, brains)) == ["A?team=0", "B"]
