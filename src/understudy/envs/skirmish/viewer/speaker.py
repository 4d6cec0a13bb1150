"""What a player hears: steps, shots, the bomb and abilities, louder the nearer, from the left or the right.

The sounds are made of noise and tones when the window opens, and carry as far as the bots' audio sensor hears them.
Without a sound card the game is silent.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from understudy.envs.skirmish.behavior import AUDIO
from understudy.envs.skirmish.rules import ABILITY, BOMB, SHOTS, STEPS, Record
from understudy.envs.skirmish.sightlines import is_clear
from understudy.errors import require

pygame = require("pygame", "play")

_RATE = 22050
_CHANNELS = 16
_EAR_M = 1.55
_WALL_SHARE = 0.55
"""How loud a sound is behind a wall."""
_OWN_SHARE = 0.5


class Speaker:
    """Plays the sounds of decisions; `volume` is from 0, which is silent, to 1."""

    def __init__(self, volume: float) -> None:
        self._volume = min(max(volume, 0.0), 1.0)
        self._sounds: dict[int, Any] = {}
        if self._volume > 0:
            self._open()

    def play(self, state: Record, heights: np.ndarray, agent: int) -> None:
        """Play what `agent` hears of the last decision; nothing for an agent below 0."""
        if agent < 0 or not self._sounds:
            return
        for maker, kind in np.argwhere(state["sounds"] > 0).tolist():
            left, right = loudness(state, heights, agent, maker, kind)
            if max(left, right) > 0.01:
                channel = pygame.mixer.find_channel(True)
                channel.set_volume(left * self._volume, right * self._volume)
                channel.play(self._sounds[kind])

    def close(self) -> None:
        """Fall silent. Calling it twice does no harm."""
        self._sounds = {}
        if pygame.mixer.get_init():
            pygame.mixer.quit()

    def _open(self) -> None:
        try:
            pygame.mixer.init(_RATE, -16, 2, 512)
        except pygame.error:
            return
        pygame.mixer.set_num_channels(_CHANNELS)
        self._sounds = {kind: pygame.sndarray.make_sound(wave) for kind, wave in make_waves().items()}


def loudness(state: Record, heights: np.ndarray, agent: int, maker: int, kind: int) -> tuple[float, float]:
    """Return how loud a sound of the last decision is for an agent's left and right ear, 0 to 1.

    Args:
        state: Of the round, a record of `world.ROUND`.
        heights: Of the level's cells.
        agent: Who hears.
        maker: Whose sound it is.
        kind: Index into `rules.SOUNDS`.
    """
    if agent == maker:
        return _OWN_SHARE, _OWN_SHARE
    (x, y), (from_x, from_y) = state["position"][agent], state["sound_position"][maker, kind]
    distance = math.hypot(from_x - x, from_y - y)
    loud = max(0.0, 1 - distance / AUDIO.reaches[kind]) ** 1.5
    if loud and not is_clear(heights, x, y, _EAR_M, from_x, from_y, _EAR_M):
        loud *= _WALL_SHARE
    right = math.sin(math.radians(float(state["heading"][agent])) - math.atan2(from_y - y, from_x - x))
    return loud * math.sqrt((1 - 0.8 * right) / 2), loud * math.sqrt((1 + 0.8 * right) / 2)


def make_waves(seed: int = 5) -> dict[int, np.ndarray]:
    """Return each type's sound, int16, shape (samples, 2)."""
    rng = np.random.default_rng(seed)
    waves = {
        STEPS: 0.5 * _fading(0.09, 45) * _low(rng.standard_normal(_samples(0.09)), 24),
        SHOTS: _fading(0.32, 16) * (_low(rng.standard_normal(_samples(0.32)), 5) + 0.4 * _tone(0.32, 70)),
        BOMB: 0.5 * _fading(0.12, 8) * _tone(0.12, 1650),
        ABILITY: 0.5 * _fading(0.6, 6) * _low(rng.standard_normal(_samples(0.6)), 10),
    }
    return {kind: np.repeat(_loud(wave)[:, None], 2, axis=1) for kind, wave in waves.items()}


def _samples(seconds: float) -> int:
    return int(seconds * _RATE)


def _tone(seconds: float, hertz: float) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(_samples(seconds)) / _RATE)


def _fading(seconds: float, rate: float) -> np.ndarray:
    return np.exp(-rate * np.arange(_samples(seconds)) / _RATE)


def _low(noise: np.ndarray, width: int) -> np.ndarray:
    smooth = np.convolve(noise, np.ones(width) / width, "same")
    return smooth / np.abs(smooth).max()


def _loud(wave: np.ndarray) -> np.ndarray:
    return (np.clip(wave, -1, 1) * 28000).astype(np.int16)
