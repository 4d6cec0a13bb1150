"""Directional audio: sectors, distances, occlusion, and metres of wall by hand and by sampling."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.errors import ObservationError, SpecError
from understudy.sensors.audio import REACHES, SOUNDS, Audio
from understudy.sensors.hearing import wall_metres
from understudy.spec import SensorSpec

STEPS, SHOTS = SOUNDS.index("steps"), SOUNDS.index("shots")
AUDIO = Audio()


def hear(*sources: tuple[float, ...], heading: float = 0.0, audio: Audio = AUDIO) -> np.ndarray:
    """What a listener at (10, 10) hears."""
    return audio.read(np.array([[10, 10, heading]]), np.reshape(np.array(sources, float), (1, -1, 5)))[0]


@pytest.mark.parametrize(
    ("to", "sector"),
    [((1, 0), 0), ((1, -1), 1), ((0, -1), 2), ((-1, -1), 3), ((-1, 0), 4), ((-1, 1), 5), ((0, 1), 6), ((1, 1), 7)],
)
def test_sector_0_is_ahead_and_the_others_follow_clockwise(to: tuple[float, float], sector: int) -> None:
    """A listener facing +x has -y on the right: a sound there is in sector 2 of 8; all other sectors are silent."""
    reading = hear((10 + 2 * to[0], 10 + 2 * to[1], STEPS, 1, 0))
    assert reading[sector, STEPS] == pytest.approx(1 - 2 * math.hypot(*to) / REACHES[STEPS])
    assert np.count_nonzero(reading) == 1


@given(heading=st.floats(-720, 720), angle=st.floats(-179, 179), sectors=st.integers(1, 12))
def test_a_sector_is_as_wide_as_the_next(heading: float, angle: float, sectors: int) -> None:
    """A sound at some angle to the right is in the sector whose centre is nearest."""
    direction = math.radians(heading - angle)
    source = (10 + 5 * math.cos(direction), 10 + 5 * math.sin(direction), SHOTS, 1, 0)
    sector = int(hear(source, heading=heading, audio=Audio(sectors))[:, SHOTS].argmax())
    off = (angle - sector * 360 / sectors + 180) % 360 - 180
    assert abs(off) <= 180 / sectors + 1e-6


@pytest.mark.parametrize("order", [1, -1])
def test_the_nearest_of_a_type_is_heard_and_types_apart(order: int) -> None:
    """Two shots and a step ahead, in any order: the nearer shot alone, and the step beside it."""
    reading = hear(*[(50, 10, SHOTS, 1, 0), (18, 10, SHOTS, 1, 0), (15, 10, STEPS, 1, 0)][::order])
    assert reading[0].tolist() == [pytest.approx(1 - 5 / 25), pytest.approx(1 - 8 / 80), 0, 0]
    assert not reading[1:].any()


def test_silence_reads_zero() -> None:
    """Nothing, a loudness of 0, and a sound out of reach are all the same silence."""
    assert not hear().any()
    assert not hear((11, 10, STEPS, 0, 0), (36, 10, STEPS, 1, 0)).any()


def test_walls_muffle_and_a_soft_sound_carries_less_far() -> None:
    """A metre of wall counts as `muffling` metres of air; half the loudness halves the reach."""
    audio = Audio(muffling=3.0)
    assert hear((15, 10, STEPS, 1, 2), audio=audio)[0, STEPS] == pytest.approx(1 - (5 + 3 * 2) / 25)
    assert hear((15, 10, STEPS, 0.5, 0), audio=audio)[0, STEPS] == pytest.approx(1 - 5 / 12.5)
    assert hear((15, 10, STEPS, 0.5, 3), audio=audio)[0, STEPS] == 0


def test_a_sound_on_the_very_spot_is_ahead() -> None:
    """What has no direction is heard ahead at its full value, whatever the heading."""
    assert hear((10, 10, STEPS, 1, 0), heading=123.0)[0, STEPS] == 1


@given(seed=st.integers(0, 1000))
def test_readings_lie_in_the_space_of_the_spec(seed: int) -> None:
    """However many sounds and however loud, no value leaves [0, 1]."""
    rng = np.random.default_rng(seed)
    sources = np.column_stack((rng.uniform(0, 30, (9, 2)), rng.integers(0, 4, 9), rng.uniform(0, 4, (9, 2))))
    assert AUDIO.spec().space.contains(hear(*map(tuple, sources), heading=rng.uniform(0, 360)))


@given(sectors=st.integers(1, 16), muffling=st.floats(0, 9), reach=st.floats(0.1, 500))
def test_audio_comes_back_from_its_spec(sectors: int, muffling: float, reach: float) -> None:
    """A spec read from JSON rebuilds the very same sensor."""
    audio = Audio(sectors, ("steps", "shots"), (reach, 80.0), muffling)
    spec = SensorSpec.from_dict(audio.spec().to_dict())
    assert Audio.from_spec(spec) == audio
    assert spec.shape == (sectors, 2)


def test_metres_of_wall_by_hand() -> None:
    """Straight through two cells, along none, diagonally through one, through a low block, and from outside."""
    heights = np.zeros((6, 6))
    heights[2, 2:4] = 4.0
    heights[4, 4] = 1.1
    assert wall_metres(heights, 2.0, 0.5, 2.5, 5.5, 2.5) == pytest.approx(2)
    assert wall_metres(heights, 2.0, 5.5, 2.5, 2.5, 2.5) == pytest.approx(1.5)
    assert wall_metres(heights, 2.0, 0.5, 0.5, 0.5, 5.5) == 0
    assert wall_metres(heights, 2.0, 1.5, 1.5, 2.8, 2.8) == pytest.approx(0.8 * math.sqrt(2))
    assert wall_metres(heights, 2.0, 0.5, 4.5, 5.5, 4.5) == 0
    assert wall_metres(heights, 1.0, -3.0, 4.5, 9.0, 4.5) == pytest.approx(1)
    assert wall_metres(heights, 1.0, 2.5, 2.5, 2.5, 2.5) == 0


@given(seed=st.integers(0, 500))
def test_metres_of_wall_are_what_sampling_the_line_finds(seed: int) -> None:
    """A fine sampling of the line finds the same metres, and so does the way back."""
    rng = np.random.default_rng(seed)
    heights = np.where(rng.random((12, 15)) < 0.3, 4.0, 0.0)
    one, other = rng.uniform(0, (15, 12), (2, 2))
    found = wall_metres(heights, 2.0, *one, *other)
    points = one + (other - one) * ((np.arange(20_000) + 0.5) / 20_000)[:, None]
    inside = heights[points[:, 1].astype(int), points[:, 0].astype(int)] > 0
    assert found == pytest.approx(inside.mean() * np.linalg.norm(other - one), abs=0.02)
    assert found == pytest.approx(wall_metres(heights, 2.0, *other, *one))


@pytest.mark.parametrize(
    ("listeners", "sources", "message"),
    [
        (np.zeros((1, 2)), np.zeros((1, 1, 5)), "listeners should be finite"),
        (np.zeros((2, 3)), np.zeros((1, 1, 5)), r"sources should be finite, of shape \(2, any, 5\)"),
        (np.zeros((1, 3)), np.full((1, 1, 5), np.nan), "sources should be finite"),
        (np.zeros((1, 3)), np.full((1, 1, 5), 4.0), "types from 0 to 3"),
        (np.zeros((1, 3)), np.array([[[0, 0, 0, 1, -1.0]]]), "metres of wall of at least 0"),
    ],
)
def test_wrong_sounds_are_refused(listeners: np.ndarray, sources: np.ndarray, message: str) -> None:
    """Wrong shapes, types that are not there and values that are not finite never reach the kernel."""
    with pytest.raises(ObservationError, match=message):
        AUDIO.read(listeners, sources)


@pytest.mark.parametrize(
    "options",
    [
        {"sectors": 0},
        {"sectors": 8.5},
        {"types": ("a", "a"), "reaches": (1.0, 1.0)},
        {"types": ("a",)},
        {"reaches": (1.0, 1.0, 1.0, 0.0)},
        {"muffling": math.nan},
    ],
)
def test_audio_that_makes_no_sense_is_refused(options: dict) -> None:
    """No sector, a type twice, a reach missing or not above 0 is refused when the sensor is declared."""
    with pytest.raises(SpecError):
        Audio(**options)


@pytest.mark.parametrize("change", [{"kind": "rays"}, {"kind": "audio", "sectors": 8}])
def test_another_sensors_spec_is_refused(change: dict) -> None:
    """A spec of another kind, or one that lacks its tables, is no audio."""
    with pytest.raises(SpecError, match="Sensor 'audio' is"):
        Audio.from_spec(SensorSpec("audio", AUDIO.spec().space, computed=change))
