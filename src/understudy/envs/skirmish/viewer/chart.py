"""The level from above: the small map in a corner of the view, and the whole screen of the top-down view."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from understudy.envs.skirmish.behavior import MEMORY_S
from understudy.envs.skirmish.combat import NECK
from understudy.envs.skirmish.level import Level
from understudy.envs.skirmish.rules import CARRIED, SIDES, Record, Rules
from understudy.envs.skirmish.sightlines import line_end
from understudy.envs.skirmish.viewer import ink, scene
from understudy.envs.skirmish.viewer.surfaces import Surfaces
from understudy.errors import require

pygame = require("pygame", "play")

_VIEW_RAYS = 41
_PALE = (225, 225, 222)


class Chart:
    """Draws the level and who is known to be where, with +y up as a map has its north.

    Args:
        level: To draw.
        surfaces: What it looks like.
        rules: Of the round.
        area: Left, top, width and height in pixels; the level is as large as fits, in the middle.
    """

    def __init__(self, level: Level, surfaces: Surfaces, rules: Rules, area: tuple[int, int, int, int]) -> None:
        self.level, self.rules = level, rules
        self._heights = surfaces.heights
        left, top, width, height = area
        self.scale = min(width / level.num_cols, height / level.num_rows)
        size = round(level.num_cols * self.scale), round(level.num_rows * self.scale)
        self.left, self.top = left + (width - size[0]) // 2, top + (height - size[1]) // 2
        picture = pygame.surfarray.make_surface(surfaces.from_above.transpose(1, 0, 2)[:, ::-1])
        self._picture = pygame.transform.smoothscale(picture, size)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point in metres lies on the screen."""
        return self.left + x * self.scale, self.top + self._picture.get_height() - y * self.scale

    def draw(self, surface: Any, state: Record, side: int, *, all_seen: bool) -> None:
        """Draw a round.

        Args:
            surface: Drawn on.
            state: Of the round, a record of `world.ROUND`.
            side: For whom: 0 attackers, 1 defenders; its own are friends.
            all_seen: True shows everybody, False only what the side's own map shows.
        """
        surface.blit(self._picture, (self.left, self.top))
        shown = [agent for agent in scene.AGENTS if state["present"][agent] and (all_seen or agent // 2 == side)]
        for agent in shown:
            if state["alive"][agent]:
                self._draw_view(surface, state, agent, side)
        self._draw_thrown(surface, state)
        self._draw_bomb(surface, state, side, all_seen)
        for agent in shown:
            self._draw_agent(surface, state, agent, side)
        if not all_seen:
            self._draw_known(surface, state, side)

    def _draw_view(self, surface: Any, state: Record, agent: int, side: int) -> None:
        """What an agent has in view, as far as walls let it."""
        x, y = (float(each) for each in state["position"][agent])
        half = self.rules.view_width / 2
        angles = np.radians(float(state["heading"][agent]) + np.linspace(-half, half, _VIEW_RAYS))
        corners = [self.place(x, y)]
        for angle in angles:
            dx, dy = math.cos(angle), math.sin(angle)
            metres, _ = line_end(self._heights, x, y, self.rules.eye + NECK, dx, dy, 0.0, 30.0)
            corners.append(self.place(x + metres * dx, y + metres * dy))
        sheet = pygame.Surface(surface.get_size(), pygame.SRCALPHA)
        pygame.draw.polygon(sheet, (*scene.color_of(agent, side), 38), corners)
        surface.blit(sheet, (0, 0))

    def _draw_thrown(self, surface: Any, state: Record) -> None:
        for x, y, _, _, _, _, radius in scene.smokes(state):
            self._disc(surface, x, y, radius, (205, 208, 212, 215))
        for x, y, radius in scene.devices(state):
            self._disc(surface, x, y, radius, (110, 255, 200, 34))
            pygame.draw.circle(surface, (110, 255, 200), self.place(x, y), max(2, 0.3 * self.scale))

    def _disc(self, surface: Any, x: float, y: float, metres: float, color: tuple[int, int, int, int]) -> None:
        radius = max(1, round(metres * self.scale))
        sheet = pygame.Surface((2 * radius, 2 * radius), pygame.SRCALPHA)
        pygame.draw.circle(sheet, color, (radius, radius), radius)
        surface.blit(sheet, np.subtract(self.place(x, y), radius))

    def _draw_bomb(self, surface: Any, state: Record, side: int, all_seen: bool) -> None:
        # Defenders go by where they saw it last.
        recalled = side == SIDES.index("defend") and not all_seen and state["bomb_recalled"]
        if not recalled and (state["bomb_state"] == CARRIED or not (all_seen or state["bomb_known"][side])):
            return
        lies = scene.bomb_on_floor(state)
        x, y = self.place(*state["bomb_seen_at" if recalled else "bomb_position"])
        half = max(3.0, 0.35 * self.scale)
        pygame.draw.rect(surface, (20, 20, 22), (x - half, y - half, 2 * half, 2 * half), border_radius=2)
        lit = lies is not None and lies[3]
        pygame.draw.circle(surface, ink.BAD if lit else ink.WARN, (x, y), half * 0.55)

    def _draw_agent(self, surface: Any, state: Record, agent: int, side: int) -> None:
        color, at = scene.color_of(agent, side), self.place(*state["position"][agent])
        size = max(4.0, 0.5 * self.scale)
        if not state["alive"][agent]:
            for slope in (-1, 1):
                start, end = (
                    (at[0] - size * 0.7, at[1] - slope * size * 0.7),
                    (at[0] + size * 0.7, at[1] + slope * size * 0.7),
                )
                pygame.draw.line(surface, color, start, end, 2)
            return
        heading = math.radians(float(state["heading"][agent]))
        ahead, right = (
            np.array([math.cos(heading), -math.sin(heading)]),
            np.array([math.sin(heading), math.cos(heading)]),
        )
        middle = np.asarray(at)
        arrow = [middle + size * 1.5 * ahead, middle - size * (ahead - right), middle - size * (ahead + right)]
        if scene.is_firing(state, agent):
            pygame.draw.line(surface, (255, 230, 150), arrow[0], middle + 8 * size * ahead, 2)
        pygame.draw.polygon(surface, color, arrow)
        pygame.draw.polygon(surface, _PALE, arrow, 1)
        if state["bomb_state"] == CARRIED and state["carrier"] == agent:
            pygame.draw.circle(surface, ink.WARN, at, max(2.0, size * 0.35))

    def _draw_known(self, surface: Any, state: Record, side: int) -> None:
        """Where the side last knew its enemies to be: the older, the fainter."""
        for slot in range(2):
            clock = float(state["known_clock"][side, slot])
            age = float(state["clock"]) - clock
            if clock < 0 or age > MEMORY_S:
                continue
            x, y = (float(each) for each in state["known_position"][side, slot])
            self._disc(
                surface, x, y, max(4.0, 0.5 * self.scale) / self.scale, (*ink.HOSTILE, int(255 - 190 * age / MEMORY_S))
            )
            if age > 0.5:
                ink.write(surface, "?", self.place(x, y), round(max(16.0, 1.4 * self.scale)), ink.WHITE, "center")
