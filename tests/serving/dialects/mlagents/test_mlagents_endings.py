"""How games end: refused, closed, crashed, forgotten; and that the others play on."""

from __future__ import annotations

import logging
import time

import grpc
import numpy as np
import pytest
from mlagents_arena import WALKER, observe_walker, serve_games
from mlagents_play import BLUE, BRAIN, RED, RUNNER, RUNNER_BRAIN, compared, info, turns

from understudy.agents.bundle import Bundle
from understudy.errors import ServingError
from understudy.serving.dialects.mlagents import GameLimits
from understudy.serving.dialects.mlagents import mlagents_pb2 as pb
from understudy.serving.dialects.mlagents.testing import observe
from understudy.serving.dialects.mlagents.unity import UnitySide, agent_info, brain_parameters
from understudy.serving.registry import Registry

MISFITS = {
    "no parameters": ([], {RED: [info(0)]}, "Agents of behaviour 'Walker?team=0' came without its parameters."),
    "no bundle": (
        [brain_parameters("Jumper", WALKER)],
        {"Jumper": [info(0)]},
        "This server plays no bundle named 'Jumper'.",
    ),
    "other actions": (
        [pb.BrainParametersProto(brain_name=RED, action_spec=pb.ActionSpecProto(num_continuous_actions=2))],
        {RED: [info(0)]},
        "The bundle 'Walker' cannot play the behaviour 'Walker?team=0': the bundle has 2 continuous actions and the "
        "discrete branches [3, 2, 2], the game 2 continuous actions and the discrete branches [].",
    ),
    "other observations": (
        [BRAIN],
        {RED: [agent_info(0, info(0).observations[:2])]},
        "The bundle 'Walker' cannot play the behaviour 'Walker?team=0': the bundle reads 'rays' (2, 3), "
        "'frame' (4, 5, 3), 'health' (), the game sends 'rays' (2, 3), 'frame' (4, 5, 3).",
    ),
    "an agent unlike the first": (
        [BRAIN],
        {RED: [info(0), agent_info(4, info(0).observations[:2])]},
        "Behaviour 'Walker?team=0': Observation 2 of agent 4, for the sensor 'health', is wrong: the agent has only 2 "
        "observations.",
    ),
    "a mask": (
        [BRAIN],
        {RED: [info(0, mask=[True])]},
        "Behaviour 'Walker?team=0': The action mask of agent 0 has 1 entries; its branches [3, 2, 2] have 7 choices.",
    ),
    "too many agents": (
        [BRAIN],
        {RED: [info(agent) for agent in range(101)]},
        "101 bots in one stream; this server allows 100.",
    ),
}


@pytest.mark.parametrize("case", MISFITS)
def test_a_misfit_is_refused_and_others_play_on(
    games_address: str, walkers: list[Bundle], case: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What does not fit ends that game with status 400 and one sentence, which is logged; another game plays on."""
    brains, agents, sentence = MISFITS[case]
    rng = np.random.default_rng(5)
    with UnitySide(games_address) as good, UnitySide(games_address) as bad:
        good.connect()
        bad.connect()
        played = compared(good, walkers)
        played.step({RED: turns(rng, [1, 2])})
        with pytest.raises(ServingError) as refusal, caplog.at_level(logging.WARNING):
            bad.step(agents, brains)
        assert str(refusal.value).startswith(sentence)
        assert sentence in caplog.text
        played.step({RED: turns(rng, [1, 2])})
        assert bad.exchange(None).header.status == 400


def test_a_game_s_names_stay_on_their_line(game: UnitySide, caplog: pytest.LogCaptureFixture) -> None:
    """A name with line breaks in it cannot forge a line of the log."""
    with pytest.raises(ServingError, match="Nobody\\?ERROR all is lost"):
        game.step({"Nobody\nERROR all is lost": [info(0)]})
    assert "\nERROR" not in caplog.text


def test_changed_parameters_are_refused(game: UnitySide) -> None:
    """A behaviour cannot change what its agents can do, but may say the same again."""
    game.step({RED: [info(0)]}, [BRAIN])
    game.step({RED: [info(0)]}, [BRAIN])
    with pytest.raises(ServingError, match="came with other parameters than before"):
        game.step({RED: [info(0)]}, [pb.BrainParametersProto(brain_name=RED)])


def test_a_policy_s_own_fault_ends_its_game_only(
    game: UnitySide, games_address: str, walkers: list[Bundle], caplog: pytest.LogCaptureFixture
) -> None:
    """If the graph itself fails, that game is told so, the log has the cause, and the others play on."""
    rng = np.random.default_rng(6)
    with UnitySide(games_address) as good:
        good.connect()
        played = compared(good, walkers)
        played.step({RED: turns(rng, [1])})
        seen = observe_walker(rng) | {"health": np.asarray(200, np.float32)}
        with pytest.raises(ServingError, match="internal error and ended this connection"):
            game.step({RED: [agent_info(0, observe(WALKER.sensors, seen))]}, [BRAIN])
        assert "PolicyStepError" in caplog.text
        played.step({RED: turns(rng, [1])})


def test_a_game_that_closes_is_over(games_address: str, walkers: list[Bundle]) -> None:
    """Any status but 200 ends a game; its connection must begin anew, and then has new bots."""
    with UnitySide(games_address) as side:
        side.connect()
        side.step({RED: [info(0)]}, [BRAIN])
        answer = side.exchange(None, status=400)
        assert (answer.header.status, answer.header.message) == (400, "")
        with pytest.raises(ServingError, match="must begin with its initialization"):
            side.step({RED: [info(0)]})
        side.connect()
        compared(side, walkers).step({RED: turns(np.random.default_rng(7), [0])})


def test_a_game_that_begins_again_has_new_bots(game: UnitySide, walkers: list[Bundle]) -> None:
    """A second initialization on one connection forgets every agent of the first."""
    rng = np.random.default_rng(8)
    for _ in range(2):
        game.connect()
        played = compared(game, walkers)
        for _ in range(3):
            played.step({RED: turns(rng, [0, 1])})


def test_a_game_may_start_without_waiting(games_address: str, walkers: list[Bundle]) -> None:
    """Agents that come right after the initialization are answered, in place of the word to begin."""
    hello = pb.UnityRLInitializationOutputProto(communication_version="1.5.0")
    with UnitySide(games_address) as side:
        side.exchange(pb.UnityOutputProto(rl_initialization_output=hello))
        compared(side, walkers).step({RED: turns(np.random.default_rng(9), [0])})


def test_a_quiet_game_is_dropped(walkers: list[Bundle]) -> None:
    """After the idle time a game's bots are freed and it must begin anew; one that plays is kept."""
    registries: list[Registry] = []
    served = serve_games(walkers, GameLimits(idle_s=1.5), registries)
    with served as address, UnitySide(address) as quiet, UnitySide(address) as busy:
        quiet.connect()
        quiet.step({RED: [info(0)]}, [BRAIN])
        busy.connect()
        busy.step({RED: [info(0)]}, [BRAIN])
        began = time.monotonic()
        while registries[0].num_bots == 2 and time.monotonic() < began + 60:
            busy.step({RED: [info(0)]})
        began = time.monotonic()
        while time.monotonic() < began + 2.5:
            busy.step({RED: [info(0)]})
        assert registries[0].num_bots == 1
        with pytest.raises(ServingError, match="was quiet for too long"):
            quiet.step({RED: [info(0)]})
        quiet.connect()


def test_the_idle_time_is_kept_again_and_again(walkers: list[Bundle]) -> None:
    """Where one game has room, one that crashed makes room for the next after the idle time, every time."""
    hello = pb.UnityOutputProto(
        rl_initialization_output=pb.UnityRLInitializationOutputProto(communication_version="1.5.0")
    )
    with serve_games(walkers, GameLimits(games=1, idle_s=0.2)) as address:
        for _ in range(3):
            side = UnitySide(address)
            deadline = time.monotonic() + 30
            while side.exchange(hello).header.status != 200:
                assert time.monotonic() < deadline, "the game before was never dropped"
                time.sleep(0.05)
            side.hang_up()
            time.sleep(0.5)  # With no game left, the timer must stop, and start again.


def test_no_bot_is_left_behind(walkers: list[Bundle]) -> None:
    """Games that end in any way, and agents that are done, leave no bot and no session in the server."""
    registries: list[Registry] = []
    with serve_games(walkers, registries=registries) as address:
        for end in ("close", "refused", "again"):
            with UnitySide(address) as side:
                side.connect()
                side.step({RED: [info(each) for each in range(9)], RUNNER: [info(0)]}, [BRAIN, RUNNER_BRAIN])
                side.step({RED: [info(each, done=True) for each in range(4)]})
                assert registries[0].num_bots == 6
                if end == "refused":
                    with pytest.raises(ServingError):
                        side.step({RED: [agent_info(4, [])]})
                elif end == "again":
                    side.connect()
                else:
                    side.exchange(None, status=400)
                assert registries[0].num_bots == 0
                assert not registries[0].sessions


def test_games_behaviors_and_agents_are_limited(walkers: list[Bundle]) -> None:
    """Each limit is refused with its number; a game that leaves makes room."""
    served = serve_games(walkers, GameLimits(games=1, behaviors=2, agents=3))
    with served as address, UnitySide(address) as first, UnitySide(address) as second:
        first.connect()
        with pytest.raises(ServingError, match="1 games are connected; this server allows no more"):
            second.connect()
        with pytest.raises(ServingError, match=r"sent 4 agents in one message; at most 3 are allowed"):
            first.step({RED: [info(each) for each in range(4)]}, [BRAIN])
        second.connect()
        brains = [brain_parameters(name, WALKER) for name in (RED, BLUE, RUNNER)]
        with pytest.raises(ServingError, match="A game may have 2 behaviours"):
            second.step({}, brains)


def test_a_game_waits_for_its_answer(games_address: str) -> None:
    """A second message before the answer to the first is refused, or comes after it; the server plays on."""
    with UnitySide(games_address) as side:
        side.connect()
        request = pb.UnityMessageProto(header=pb.HeaderProto(status=200))
        calls = [side._stub.Exchange.future(request, timeout=20) for _ in range(50)]
        statuses = {each.result().header.status for each in calls}
        assert statuses <= {200, 400}
        assert 200 in statuses


def test_a_game_that_crashes_harms_nobody(games_address: str, walkers: list[Bundle]) -> None:
    """Games that hang up in the middle of a call leave the server as it was."""
    rng = np.random.default_rng(10)
    with UnitySide(games_address) as good:
        good.connect()
        played = compared(good, walkers)
        for _ in range(5):
            bad = UnitySide(games_address)
            bad.connect()
            output = pb.UnityOutputProto(rl_initialization_output=pb.UnityRLInitializationOutputProto())
            output.rl_initialization_output.brain_parameters.append(BRAIN)
            output.rl_output.agentInfos[RED].value.extend([info(each) for each in range(90)])
            request = pb.UnityMessageProto(header=pb.HeaderProto(status=200), unity_output=output)
            call = bad._stub.Exchange.future(request)
            bad.hang_up()
            assert isinstance(call.exception(timeout=10), grpc.RpcError | None)
            played.step({RED: turns(rng, [1, 2])})
