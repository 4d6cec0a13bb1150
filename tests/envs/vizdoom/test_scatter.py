"""Being put down all over a level."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from understudy.envs.vizdoom.env import DoomEnv
from understudy.spec import Action


def places(env: DoomEnv, press: Callable[..., Action], seed: int) -> np.ndarray:
    """Stand still for two seconds, scattered twice a second; returns the positions."""
    _, info = env.reset(seed=seed, options={"scatter": 0.5})
    found = [info["position"]]
    for _ in range(35):
        _, _, terminated, _, info = env.step(press())
        found.append(info["position"])
        if terminated:
            break
    return np.array(found)[:, :2]


def test_the_player_is_put_elsewhere_each_half_second(
    make_doom: Callable[..., DoomEnv], press: Callable[..., Action]
) -> None:
    """A player who presses nothing is in several places far apart; the same seed gives the same places."""
    env = make_doom(map="E1M1", skill=1)
    first = places(env, press, 3)
    jumps = np.linalg.norm(np.diff(first, axis=0), axis=1)
    assert (jumps > 100).sum() >= 3
    np.testing.assert_array_equal(places(env, press, 3), first)
    assert not np.array_equal(places(env, press, 4)[0], first[0])


def test_without_the_option_the_player_starts_where_the_level_does(
    make_doom: Callable[..., DoomEnv], press: Callable[..., Action]
) -> None:
    """After a scattered episode, a plain reset is at the level's start again, and the player stays there."""
    env = make_doom(map="E1M1", skill=1)
    _, start = env.reset(seed=0)
    places(env, press, 1)
    _, info = env.reset(seed=0)
    assert info["position"] == start["position"]
    for _ in range(12):
        info = env.step(press())[4]
    assert info["position"][:2] == pytest.approx(start["position"][:2], abs=1)
