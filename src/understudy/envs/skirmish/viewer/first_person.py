"""The level through an agent's eyes, as a picture."""

from __future__ import annotations

from typing import Any

import numpy as np

from understudy.envs.skirmish.level import Level
from understudy.envs.skirmish.rules import Record, Rules
from understudy.envs.skirmish.viewer import hands, poses, scene
from understudy.envs.skirmish.viewer.camera import Camera
from understudy.envs.skirmish.viewer.columns import FAR, draw_level
from understudy.envs.skirmish.viewer.figures import draw_figure
from understudy.envs.skirmish.viewer.smoke import draw_smokes
from understudy.envs.skirmish.viewer.surfaces import HAZE, Surfaces
from understudy.envs.skirmish.viewer.tiles import cloud

_SLEEVE = (58, 84, 120)
_HAZE = np.asarray(HAZE, np.float64)
_DRIFT_A_SECOND = 0.03
_PULSE_S = 0.8
_EASE_S = 0.09
"""How long eyes take to come up or down when their owner crouches."""


class FirstPerson:
    """Draws a level and who is in it through an agent's eyes.

    Args:
        level: Where the round is played.
        surfaces: What it looks like.
        rules: Of the round.
        size: Width and height of the pictures in pixels.
    """

    def __init__(self, level: Level, surfaces: Surfaces, rules: Rules, size: tuple[int, int]) -> None:
        self.level, self.surfaces, self.rules, self.size = level, surfaces, rules, size
        self.strides = scene.Strides.still()
        self._depth = np.empty(size, np.float32)
        self._noise = np.clip(cloud(np.random.default_rng(0), 256, 12) / 2.5, -1, 1).astype(np.float32)
        self._eye_height = rules.eye
        self._eye_clock = 0.0

    def draw(self, pixels: np.ndarray, state: Record, agent: int, clock: float) -> Camera:
        """Draw what an agent sees now.

        Args:
            pixels: Written: 0xRRGGBB, uint32, shape (width, height).
            state: Of the round, a record of `world.ROUND`, with the agent's heading and pitch as the player has them.
            agent: Whose eyes.
            clock: Seconds, for what moves by itself.

        Returns:
            The camera that was drawn with.
        """
        camera = self._camera(state, agent, clock)
        lens = self._lens(camera)
        draw_level(pixels, self._depth, *lens, self.surfaces)
        self.strides.follow(state)
        for parts in self._things(state, agent, clock):
            draw_figure(pixels, self._depth, *lens, parts, _HAZE)
        draw_smokes(pixels, self._depth, *lens, scene.smokes(state), clock * _DRIFT_A_SECOND, self._noise)
        self._draw_hands(pixels, state, agent, camera)
        return camera

    def _camera(self, state: Record, agent: int, clock: float) -> Camera:
        eye, heading, pitch = scene.aim(state, agent, self.rules)
        share = min(1.0, max(0.0, clock - self._eye_clock) / _EASE_S)
        self._eye_height += (eye - self._eye_height) * share
        self._eye_clock = clock
        x, y = (float(each) for each in state["position"][agent])
        return Camera(x, y, self._eye_height, heading, pitch, *self.size)

    def _lens(self, camera: Camera) -> tuple[Any, ...]:
        eye = np.array([camera.x, camera.y, camera.z])
        return eye, *camera.forward, camera.focal, camera.horizon

    def _things(self, state: Record, agent: int, clock: float) -> list[np.ndarray]:
        side = scene.side_of(agent)
        things = [poses.pose(each) for each in scene.figures(state, side, self.strides, hidden=agent)]
        lies = scene.bomb_on_floor(state)
        if lies is not None:
            things.append(poses.bomb(*lies))
        pulse = abs(clock % _PULSE_S / _PULSE_S - 0.5) * 2
        return things + [poses.device(x, y, pulse) for x, y, _ in scene.devices(state)]

    def _draw_hands(self, pixels: np.ndarray, state: Record, agent: int, camera: Camera) -> None:
        """The weapon lies over everything: it is nearer than any wall can be."""
        loading = float(state["reload_left"][agent])
        busy = max(float(state["plant_left"][agent]), float(state["defuse_left"][agent]))
        parts = hands.held(
            int(state["weapon"][agent]),
            _SLEEVE,
            firing=scene.is_firing(state, agent),
            kick=float(state["recoil"][agent]),
            stride=float(self.strides.turns[agent]),
            lowered=min(1.0, 4 * loading) if loading > 0 else float(busy > 0),
        )
        self._depth.fill(FAR)
        draw_figure(pixels, self._depth, np.zeros(3), 1.0, 0.0, camera.focal, camera.height / 2, parts, _HAZE)
