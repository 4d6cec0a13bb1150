from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("panda3d")

from parkland_engine_toys import DOORWAY, FORWARD, LEVEL, RUN, act, bug, make, run_north, toy_layout

from understudy.envs import make as make_game
from understudy.envs.parkland.behavior import RAYS
from understudy.envs.parkland.env import ParklandEnv
from understudy.envs.testing import check_env
from understudy.errors import GameError, ObservationError, SpecError


@pytest.fixture(scope="module")
def env() -> Iterator[ParklandEnv]:
    """An environment of the toy park, shared by tests that reset it."""
    made = ParklandEnv(layout=toy_layout(), size=(48, 64), render_mode="rgb_array")
    yield made
    made.close()


def play(env: ParklandEnv, seed: int, decisions: int = 40) -> list[dict[str, Any]]:
    """Play at random near the door; return observations and infos, without the time the frames took."""
    rng, moments = np.random.default_rng(seed), []
    env.reset(options={"position": (60, 52, LEVEL), "heading": 90})
    for _ in range(decisions):
        choices = {"move": rng.integers(9), "gait": rng.integers(3), "jump": rng.integers(2)}
        action = act(**choices, turn=rng.uniform(-20, 20), pitch=rng.uniform(-5, 5), interact=rng.integers(2))
        observation, reward, _, _, info = env.step(action)
        del info["frame_ms"]
        moments.append({"frame": observation["frame"].tobytes(), "reward": reward, **info})
    return moments


@pytest.mark.parametrize("size", [16, (33, 57)])
def test_it_keeps_the_contract_with_every_sensor(size: int | tuple[int, int]) -> None:
    """Spaces, ranges, seeds, ends and closing are as promised, whatever the picture's size."""
    options = {"layout": toy_layout(), "size": size, "sensors": ("frame", "rays"), "max_seconds": 2}
    check_env(lambda: make_game("understudy/Parkland-v0", **options), steps=50)


def test_the_same_actions_give_the_same_play_bit_for_bit(env: ParklandEnv) -> None:
    """Pictures, rewards and infos are equal when played again, and in a second engine of the same process."""
    first = play(env, 3)
    assert play(env, 3) == first
    assert play(env, 4) != first
    other = ParklandEnv(layout=toy_layout(), size=(48, 64))
    assert play(other, 3) == first
    other.close()


def test_another_process_plays_the_same(env: ParklandEnv) -> None:
    """What is drawn and what happens does not hang on addresses in memory, hashes or the clock."""
    script = (
        f"import sys, hashlib; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_parkland_env import *\n"
        "env = ParklandEnv(layout=toy_layout(), size=(48, 64))\n"
        "print(hashlib.sha256(repr(play(env, 5)).encode()).hexdigest())"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert run.stdout.strip() == hashlib.sha256(repr(play(env, 5)).encode()).hexdigest(), run.stderr


def test_a_state_brings_everything_back(env: ParklandEnv) -> None:
    """From a saved state, even after a reset, the same actions give the same pictures and the same ends."""
    play(env, 7, 15)
    saved = env.get_state()

    def go_on() -> list[bytes]:
        actions = [act(FORWARD, RUN, turn=6, jump=index % 3 == 0, interact=index % 4 == 0) for index in range(25)]
        return [env.step(each)[0]["frame"].tobytes() for each in actions]

    first, end = go_on(), env.get_state()
    env.reset()
    observation, _ = env.set_state(saved)
    assert observation["frame"].shape == (48, 64, 3)
    assert go_on() == first
    assert env.get_state() == end


def test_two_environments_do_not_disturb_each_other(env: ParklandEnv) -> None:
    """Stepped in turn, each plays as it would alone."""
    alone = play(env, 8, 20)
    other = make(bug("hole"))
    env.reset(options={"position": (60, 52, LEVEL), "heading": 90})
    rng = np.random.default_rng(8)
    for moment in alone:
        choices = {"move": rng.integers(9), "gait": rng.integers(3), "jump": rng.integers(2)}
        action = act(**choices, turn=rng.uniform(-20, 20), pitch=rng.uniform(-5, 5), interact=rng.integers(2))
        other.step(act(FORWARD, RUN))
        assert env.step(action)[0]["frame"].tobytes() == moment["frame"]
    other.close()


def test_turns_are_to_the_right_and_looks_are_up(env: ParklandEnv) -> None:
    """A positive turn lowers the mathematical heading; the pitch stops before the zenith."""
    env.reset()
    info = env.step(act(turn=30, pitch=20))[4]
    assert info["heading"] == pytest.approx(60)
    assert info["pitch"] == pytest.approx(20)
    for _ in range(5):
        info = env.step(act(pitch=30))[4]
    assert info["pitch"] == 85


@pytest.mark.parametrize(("move", "way"), [(1, (0, 1)), (3, (1, 0)), (5, (0, -1)), (7, (-1, 0))])
def test_moves_are_relative_to_the_heading(env: ParklandEnv, move: int, way: tuple[int, int]) -> None:
    """Facing north, right is east and back is south."""
    start = env.reset()[1]["position"]
    end = env.step(act(move, RUN))[4]["position"]
    assert np.sign(np.round(np.subtract(end, start)[:2], 3)).tolist() == list(way)


def test_doors_open_and_close_once_for_each_press(env: ParklandEnv) -> None:
    """Held, `interact` turns a door once; out of reach it does nothing."""
    env.reset(options={"position": (60, 53, LEVEL), "heading": 109})
    pressed = [env.step(act(interact=value))[4]["doors"] for value in (1, 1, 0, 1, 0, 1)]
    assert pressed == [1, 1, 1, 0, 0, 1]
    env.reset(options={"position": (60, 40, LEVEL), "heading": 90})
    assert env.step(act(interact=1))[4]["doors"] == 0


def test_a_door_does_not_swing_into_somebody(env: ParklandEnv) -> None:
    """Who stands where the panel would go keeps it as it is, and is not moved."""
    env.reset(options={"position": (59.65, 54.7, LEVEL), "heading": 300})
    info = env.step(act(interact=1))[4]
    assert (info["doors"], info["position"]) == (0, [59.65, 54.7, LEVEL])


def test_things_are_inspected_within_reach(env: ParklandEnv) -> None:
    """The prop that is looked at from near by is named, and counted once for each press."""
    env.reset(options={"position": (57, 38.2, LEVEL), "heading": 90, "pitch": -35})
    info = env.step(act(interact=1))[4]
    assert (info["interacted"], info["interactions"]) == (0, 1)
    info = env.step(act(interact=1))[4]
    assert (info["interacted"], info["interactions"]) == (-1, 1)


def test_quests_reward_and_bells_ring(env: ParklandEnv) -> None:
    """Each stage is worth one, in order, and a trigger fires once each time somebody comes."""
    env.reset()
    rewards = [env.step(act(FORWARD, RUN))[1] for _ in range(60)]
    assert sum(rewards) == 2
    assert env.get_state().bells == 1


def test_rays_measure_what_is_ahead() -> None:
    """The middle ray reads the distance to the door, and that it is one."""
    env = ParklandEnv(layout=toy_layout(), size=16, sensors=["rays"])
    rays = env.reset()[0]["rays"]
    middle = len(RAYS.angles) // 2
    assert rays[middle, 0] == pytest.approx(DOORWAY[1] - 0.04 - 20, abs=0.05)
    assert RAYS.types[int(rays[middle, 1:].argmax())] == "door"
    assert set(rays[:, 1:].sum(axis=1).tolist()) <= {0.0, 1.0}
    env.close()


def test_an_episode_is_cut_off_in_game_time() -> None:
    """After `max_seconds` of decisions it is truncated, and then asks for a reset."""
    env = ParklandEnv(layout=toy_layout(), size=16, max_seconds=0.5)
    env.reset()
    ends = [env.step(act())[3] for _ in range(5)]
    assert ends == [False] * 4 + [True]
    with pytest.raises(GameError, match="call reset"):
        env.step(act())
    env.close()


def test_the_map_has_the_walls(env: ParklandEnv) -> None:
    """The lines are four for each box that stands in the way, in metres within the park."""
    lines, solid = env.level_lines()
    assert lines.shape == (len(solid), 4)
    assert len(lines) % 4 == 0
    assert 50 < lines.min() < lines.max() < 70


def test_a_build_is_made_from_its_manifest() -> None:
    """All kinds of bugs are planted where a build asks for them, and the park plays."""
    env = ParklandEnv(build={"seed": 2, "bugs": "all", "bug_seed": 1}, size=32)
    assert len({each.kind for each in env.layout.bugs}) == 12
    env.reset()
    assert np.isfinite(run_north(env, 10)["position"]).all()
    env.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 8}, "16 to 2048"),
        ({"size": (84, 84, 3)}, "16 to 2048"),
        ({"max_seconds": 0}, "above 0"),
        ({"render_mode": "human"}, "no render mode 'human'"),
        ({"physics_hz": 50, "decision_hz": 16}, "cannot be parted"),
        ({"build": {"sed": 1}}, "Did you mean 'seed'"),
        ({"build": "nowhere.json"}, "nowhere.json"),
    ],
)
def test_wrong_options_are_answered_in_words(options: dict[str, Any], message: str) -> None:
    """One sentence says what is wrong and what to do."""
    with pytest.raises(GameError, match=message):
        ParklandEnv(**options)


def test_wrong_sensors_actions_and_turns_are_answered_in_words() -> None:
    """A sensor with a typo, actions that are none, a step out of turn, a closed engine, another park's state."""
    with pytest.raises(SpecError, match="Did you mean 'frame'"):
        ParklandEnv(layout=toy_layout(), sensors=["fram"])
    env = ParklandEnv(layout=toy_layout(), size=16)
    with pytest.raises(GameError, match="has not started"):
        env.step(act())
    with pytest.raises(GameError, match="has not started"):
        env.get_state()
    state = env.reset() and env.get_state()
    for name, value in (("move", 9), ("turn", 46.0), ("jump", 0.5), ("pitch", float("nan")), ("gait", [1])):
        with pytest.raises(ObservationError, match=name):
            env.step({**act(), name: np.array(value)})
    with pytest.raises(ObservationError, match="has the parts"):
        env.step({"move": np.int64(1)})
    with pytest.raises(GameError, match="another park"):
        env.set_state(state._replace(open=()))
    with pytest.raises(GameError, match="cannot begin"):
        env.reset(options={"position": (1, 2)})
    env.close()
    with pytest.raises(GameError, match="closed"):
        env.reset()
