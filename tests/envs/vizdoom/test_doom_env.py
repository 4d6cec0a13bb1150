from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from understudy.envs.doom.behavior import DECISION_HZ, FORWARD_UNITS, FRAME, SIDE_UNITS
from understudy.envs.vizdoom.env import DoomEnv
from understudy.errors import GameError, ObservationError, RecordingError, SpecError
from understudy.spec import Action

Make = Callable[..., DoomEnv]
Press = Callable[..., Action]

FRICTION = 0xE800 / 65536
"""Of the vanilla engine (p_mobj.c, FRICTION)."""
THRUST = 2048 / 65536
"""Map units a tic that one unit of a ticcmd adds to the momentum (p_user.c, P_Thrust)."""


def _vanilla_path(units: int, decisions: int) -> np.ndarray:
    """Map units walked by the end of each decision, from rest, as in the vanilla engine."""
    momentum, place, path = 0.0, 0.0, []
    for _ in range(2 * decisions):
        momentum += units * THRUST
        place += momentum
        momentum *= FRICTION
        path.append(place)
    return np.array(path[1::2])


@pytest.mark.parametrize(
    ("turn", "words", "units"),
    [
        (0, {"move": "forward"}, FORWARD_UNITS),
        (90, {"strafe": "left"}, SIDE_UNITS),
        (-90, {"strafe": "right"}, SIDE_UNITS),
    ],
)
def test_a_run_has_the_vanilla_speed(make_doom: Make, press: Press, turn: float, words: dict, units: int) -> None:
    """From rest down a corridor, each decision ends where the vanilla engine's friction and thrust say, to 0.1 %."""
    env = make_doom(wad="deadly_corridor.wad", map="MAP01", skill=1)
    env.reset(seed=0)
    start = np.array(env.step(press(turn=turn))[4]["position"])
    walked = [np.hypot(*(env.step(press(**words))[4]["position"] - start)[:2]) for _ in range(16)]
    np.testing.assert_allclose(walked, _vanilla_path(units, 16), rtol=1e-3)


@pytest.mark.parametrize("turn", [5.0, -5.0, 0.5, 90.0, -90.0, 1.40625])
def test_a_turn_is_the_whole_turn_of_the_decision(make_doom: Make, press: Press, turn: float) -> None:
    """Positive turns go right (clockwise), to within the two steps of 360/65536 degrees that two tics may round."""
    env = make_doom(wad="my_way_home.wad", map="MAP01")
    _, before = env.reset(seed=0)
    after = env.step(press(turn=turn))[4]
    turned = (before["heading"] - after["heading"] + 180) % 360 - 180
    assert turned == pytest.approx(turn, abs=2 * 360 / 65536 + 1e-4)


def test_the_first_decision_already_counts(make_doom: Make, press: Press) -> None:
    """An episode starts after the tics in which the engine ignores the player."""
    env = make_doom(wad="my_way_home.wad", map="MAP01")
    _, before = env.reset(seed=0)
    after = env.step(press(move="forward"))[4]
    assert before["tick"] == 8
    assert after["tick"] == 10
    assert after["position"] != before["position"]


def test_weapons_and_shots_are_the_players(make_doom: Make, press: Press) -> None:
    """Firing the pistol uses up ammunition in the picture's status bar; the fist, once chosen, does not."""
    env = make_doom()
    env.reset(seed=0)
    ammunition = np.s_[172:190, 0:48]
    env.render_mode = "rgb_array"
    full = env.render()[ammunition]
    for _ in range(8):
        env.step(press(fire="yes"))
    shot = env.render()[ammunition]
    assert not np.array_equal(full, shot)
    for word in ("1", *["keep"] * 20):
        env.step(press(weapon=word))
    fist = env.render()[ammunition]
    for _ in range(8):
        env.step(press(fire="yes"))
    assert np.array_equal(fist, env.render()[ammunition])


def test_the_frame_is_the_halved_picture(make_doom: Make) -> None:
    """`render` shows the 320×200 picture that the frame was made of."""
    env = make_doom(render_mode="rgb_array")
    assert env.render() is None
    observation, _ = env.reset(seed=0)
    picture = env.render()
    assert (picture.shape, picture.dtype) == ((200, 320, 3), np.uint8)
    assert np.array_equal(observation["frame"], FRAME(picture))


def test_depth_is_privileged_and_frame_and_rays_are_not(make_doom: Make) -> None:
    """Only what a person could perceive is unmarked."""
    sensors = make_doom(sensors=("rays", "depth", "frame")).behavior.sensors
    assert [(each.name, each.privileged) for each in sensors] == [("rays", False), ("depth", True), ("frame", False)]


def test_an_episode_is_truncated_after_its_seconds(make_doom: Make, press: Press) -> None:
    """Two seconds are 35 decisions; then a step without a reset is refused."""
    env = make_doom(wad="my_way_home.wad", map="MAP01", max_seconds=2)
    env.reset(seed=0)
    ends = [env.step(press())[2:4] for _ in range(int(2 * DECISION_HZ))]
    assert ends == [(False, False)] * 34 + [(False, True)]
    with pytest.raises(GameError, match=r"call reset\(\)"):
        env.step(press())


def test_death_terminates(make_doom: Make, press: Press) -> None:
    """Walking on at the highest skill among soldiers ends in death, with the last picture and finite numbers."""
    env = make_doom(wad="deadly_corridor.wad", map="MAP01", skill=5, max_seconds=60)
    env.reset(seed=0)
    while True:
        observation, _, terminated, truncated, info = env.step(press(move="forward"))
        if terminated or truncated:
            break
    assert terminated
    assert info["dead"]
    assert not info["level_done"]
    assert info["damage_taken"] >= 100
    assert np.isfinite(info["position"]).all()
    assert env.observation_space.contains(observation)
    env.reset()
    assert not env.step(press())[4]["dead"]


def test_the_seed_decides_the_play(make_doom: Make, press: Press) -> None:
    """With the same actions, the same seed hurts alike and some other seed differently."""
    env = make_doom(wad="deadly_corridor.wad", map="MAP01", skill=5, sensors=("rays",))

    def pain(seed: int) -> list[int]:
        env.reset(seed=seed)
        return [env.step(press(fire="yes"))[4]["health"] for _ in range(40)]

    assert pain(1) == pain(1)
    assert any(pain(1) != pain(seed) for seed in (2, 3, 4))


@pytest.mark.parametrize("sensors", [("frame",), ("rays",)])
def test_level_lines_are_the_levels(make_doom: Make, sensors: tuple[str, ...]) -> None:
    """My way home has 94 lines, 76 of them walls, whatever the player senses."""
    lines, blocking = make_doom(wad="my_way_home.wad", map="MAP01", sensors=sensors).level_lines()
    assert lines.shape == (94, 4)
    assert blocking.sum() == 76


def test_the_engine_leaves_no_settings(make_doom: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of one game cannot leak into the next through a file in the working folder."""
    monkeypatch.chdir(tmp_path)
    env = make_doom()
    env.reset(seed=0)
    env.close()
    env.close()
    assert not list(tmp_path.glob("*.ini"))
    with pytest.raises(GameError, match="closed"):
        env.reset()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"wad": "fredoom1.wad"}, GameError, "no WAD 'fredoom1.wad'. Did you mean 'freedoom1.wad'"),
        ({"map": "E1M66"}, GameError, "has no map 'E1M66'. Did you mean 'E1M6'"),
        ({"wad": __file__}, RecordingError, "not with IWAD or PWAD"),
        ({"skill": 6}, GameError, "no skill 6; it goes from 1"),
        ({"sensors": ("ray",)}, SpecError, "no sensor 'ray'. Did you mean 'rays'"),
        ({"sensors": ()}, SpecError, "one or more sensors"),
        ({"max_seconds": 0}, GameError, "must be above 0"),
        ({"render_mode": "human"}, GameError, "use 'rgb_array'"),
    ],
)
def test_a_game_that_is_not_there_is_refused(make_doom: Make, options: dict, error: type, message: str) -> None:
    """Each mistake is one sentence, with what was probably meant."""
    with pytest.raises(error) as caught:
        make_doom(**options)
    assert message in str(caught.value)


@pytest.mark.parametrize("change", [{"move": np.array(3)}, {"turn": np.array([91], np.float32)}, {"jump": np.array(0)}])
def test_an_action_out_of_the_space_is_refused(make_doom: Make, press: Press, change: dict) -> None:
    """Wrong choices, numbers out of range and parts of other games never reach the engine."""
    env = make_doom(wad="my_way_home.wad", map="MAP01")
    env.reset(seed=0)
    with pytest.raises(ObservationError, match="not an action of Doom"):
        env.step({**press(), **change})
