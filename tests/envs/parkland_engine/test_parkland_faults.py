from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("panda3d")

from parkland_engine_toys import DOORWAY, FORWARD, LEVEL, RUN, act, box, bug, make, run_north, toy_layout

from understudy.envs.parkland.env import ParklandEnv
from understudy.envs.parkland.layout import Prop
from understudy.envs.parkland.solids import TEXTURES


@pytest.mark.parametrize("kind", ["hole", "endless_fall"])
def test_a_hole_ends_on_bedrock_and_an_endless_fall_does_not(kind: str) -> None:
    """Both let a runner through the ground; only one of them has something underneath."""
    env = make(bug(kind))
    info = run_north(env, 60)
    assert info["position"][2] < LEVEL - 2
    for _ in range(100):
        info = env.step(act())[4]
    assert info["grounded"] == (kind == "hole")
    assert (info["position"][2] < -200) == (kind == "endless_fall")
    env.close()


def test_a_hole_in_a_floor_leads_through_floors_but_not_walls() -> None:
    """Over it floors and decks are gone, and what stands upright still stops."""
    deck = box("deck", (58, 28, LEVEL + 0.1), (62, 32, LEVEL + 0.3))
    wall = box("wall", (58, 30.6, LEVEL - 12), (62, 30.9, LEVEL + 3))
    env = make(bug("hole"), extra=(deck, wall))
    info = run_north(env, 60)
    assert info["position"][2] < LEVEL - 2
    assert info["position"][1] < 30.6
    env.close()


def test_a_clean_park_lets_nobody_fall() -> None:
    """On the same way without bugs the runner reaches the house's door."""
    env = make()
    info = run_north(env, 60)
    assert info["position"][1] > 53
    assert info["grounded"]
    env.close()


def test_a_stuck_spot_holds_whatever_is_pressed() -> None:
    """Inside it neither walking nor jumping moves anybody; the view still turns."""
    env = make(bug("stuck_spot", radius=1.0))
    stuck = run_north(env, 40)["position"]
    assert abs(stuck[1] - 30) < 1.2
    action = {**act(FORWARD, RUN, jump=1), "turn": np.float32(9)}
    before = env.get_state().heading
    for _ in range(20):
        info = env.step(action)[4]
    assert info["position"] == stuck
    assert info["heading"] != before
    env.close()


def test_an_invisible_wall_stops_and_is_not_seen() -> None:
    """The picture is that of a park without it, and one cannot go on."""
    wall = box("wall", (50, 30, LEVEL), (70, 30.4, LEVEL + 3), visible=False)
    env, clean = make(bug("invisible_wall", solid=0), extra=(wall,)), make()
    assert np.array_equal(env.reset()[0]["frame"], clean.reset()[0]["frame"])
    assert run_north(env, 40)["position"][1] < 30
    env.close()
    clean.close()


@pytest.mark.parametrize("collides", [True, False])
def test_who_clips_walks_through_a_thing(collides: bool) -> None:
    """A prop that does not collide is walked through, and can still be looked at and inspected."""
    statue = Prop(2, "statue", 60.0, 24.0, LEVEL, 0.0, True, TEXTURES.index("marble"), collides)
    env = make(props=(statue,))
    info = run_north(env, 5)
    env.reset(options={"position": (60, 22.2, LEVEL), "heading": 90})
    assert env.step(act(interact=1))[4]["interacted"] == 2
    info = run_north(env, 20)
    assert (info["position"][1] > 26) != collides
    env.close()


def test_a_missing_texture_is_seen() -> None:
    """A prop with texture 0 shows the loud checks that engines show."""

    def loud(texture: str) -> int:
        fountain = Prop(2, "fountain", 60.0, 24.5, LEVEL, 0.0, True, TEXTURES.index(texture))
        env = ParklandEnv(layout=toy_layout(props=(fountain,)), size=84)
        frame = env.reset()[0]["frame"].astype(int)
        env.close()
        return int(((frame[..., 0] > 130) & (frame[..., 1] < 40) & (frame[..., 2] > 130)).sum())

    assert loud("missing") > 40
    assert loud("stone") == 0


def test_a_soft_lock_shuts_the_door_for_good() -> None:
    """Who came through it finds it closed, and it never opens again."""
    env = make(bug("soft_lock", (*DOORWAY, LEVEL), door=0, building=0))
    env.reset(options={"position": (60, 53, LEVEL), "heading": 90})
    assert env.step(act(interact=1))[4]["doors"] == 1
    info = run_north(env, 5)
    assert info["inside"] == 0
    assert info["doors"] == 0
    env.set_state(env.get_state()._replace(heading=270.0))
    for index in range(10):
        info = env.step(act(interact=index % 2))[4]
    assert info["doors"] == 0
    env.close()


def test_a_broken_quest_never_ends() -> None:
    """Its stage does not count, however often it is reached; in a clean park both stages do."""
    broken, clean = make(bug("broken_quest", quest=0, stage=1)), make()
    assert run_north(broken, 60)["quest"] == [1]
    assert run_north(clean, 60)["quest"] == [2]
    broken.close()
    clean.close()


def test_a_slow_spot_takes_time_for_each_frame() -> None:
    """Inside it a frame takes at least its delay, outside far less."""
    env = make(bug("slow_spot", (60.0, 25.0, LEVEL), 3.0, delay_ms=40.0))
    outside = env.step(act())[4]["frame_ms"]
    inside = run_north(env, 8)["frame_ms"]
    begin = time.perf_counter()
    env.step(act())
    assert inside >= 40 > outside
    assert time.perf_counter() - begin >= 0.04
    env.close()


_ALONE = """
import sys
sys.path.insert(0, {folder!r})
from parkland_engine_toys import bug, make, run_north
{script}
"""


def alone(script: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own, with the toys at hand."""
    text = _ALONE.format(folder=str(Path(__file__).parent), script=script)
    return subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=120)


def test_a_crash_kills_the_process_when_its_trigger_fires() -> None:
    """The process dies by a signal, and only once the player is there."""
    script = """
env = make(bug("crash", (60.0, 48.0, 5.0), 1.5, trigger=0))
run_north(env, 40)
print("alive", flush=True)
run_north(env, 30)
print("still alive", flush=True)
"""
    run = alone(script)
    assert run.returncode == -signal.SIGABRT
    assert run.stdout.split("\n") == ["alive", ""]


def test_a_leak_eats_real_memory() -> None:
    """The process grows by what the bug says for each second of play inside, and not outside."""
    script = """
import os
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
env = make(bug("leak", (60.0, 34.0, 5.0), 6.0, mb_per_second=25.0))
run_north(env, 10)
sizes = [resident()]
run_north(env, 5)
sizes.append(resident())
run_north(env, 20)
sizes.append(resident())
print(sizes[1] - sizes[0], sizes[2] - sizes[1])
"""
    run = alone(script)
    assert run.returncode == 0, run.stderr
    before, inside = map(float, run.stdout.split())
    assert abs(before) < 10
    assert 35 < inside < 65
