"""What is drawn around the crosshair: how wide shots scatter, that one hit, and from where one was hurt."""

from __future__ import annotations

import math
from typing import Any

from understudy.envs.skirmish.rules import AGENTS, Record
from understudy.envs.skirmish.viewer import ink, scene
from understudy.envs.skirmish.viewer.camera import Camera
from understudy.envs.skirmish.viewer.feed import HIT_S, HURT_S, Feed
from understudy.errors import require

pygame = require("pygame", "play")

_GREEN = (120, 255, 160)
_HURT_RADIUS = 110
_EYES_M = 1.95
"""How high over the floor the names of friends stand."""


def draw_crosshair(surface: Any, state: Record, agent: int, camera: Camera) -> None:
    """Draw four lines whose gap is the standard deviation of the next shot's direction."""
    x, y = camera.width // 2, camera.height // 2
    gap = round(3 + camera.focal * math.tan(math.radians(float(state["spread"][agent]))))
    for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        start, end = (x + dx * gap, y + dy * gap), (x + dx * (gap + 7), y + dy * (gap + 7))
        pygame.draw.line(surface, (0, 0, 0), start, end, 4)
        pygame.draw.line(surface, _GREEN, start, end, 2)


def draw_hits(surface: Any, feed: Feed, agent: int, clock: float) -> None:
    """Draw a cross when the agent has hit somebody, a red one when it brought somebody down."""
    killed = clock - feed.kill_clock.get(agent, -math.inf) < 2 * HIT_S
    if not killed and clock - feed.hit_clock.get(agent, -math.inf) >= HIT_S:
        return
    x, y = surface.get_width() // 2, surface.get_height() // 2
    color, reach = (ink.BAD, 17) if killed else (ink.WHITE, 12)
    for dx, dy in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        pygame.draw.line(surface, color, (x + 6 * dx, y + 6 * dy), (x + reach * dx, y + reach * dy), 3)


def draw_hurts(surface: Any, feed: Feed, agent: int, heading: float, clock: float) -> None:
    """Draw red arcs around the middle towards where shots came from; up is ahead."""
    middle = surface.get_rect().center
    for when, from_heading in feed.hurts[agent]:
        left = 1 - (clock - when) / HURT_S
        if left > 0:
            arc = pygame.Surface((2 * _HURT_RADIUS, 2 * _HURT_RADIUS), pygame.SRCALPHA)
            angle = math.radians(from_heading - heading + 90)
            pygame.draw.arc(arc, (*ink.BAD, int(230 * left)), arc.get_rect(), angle - 0.35, angle + 0.35, 9)
            surface.blit(arc, arc.get_rect(center=middle))


def draw_tags(surface: Any, state: Record, agent: int, camera: Camera, names: tuple[str, ...]) -> None:
    """Write friends' names over their heads, and mark enemies whom a scan reveals, through walls."""
    for other in scene.AGENTS:
        if other == agent or not state["alive"][other]:
            continue
        x, y = (float(each) for each in state["position"][other])
        if scene.side_of(other) == scene.side_of(agent):
            at = camera.project(x, y, _EYES_M)
            if at is not None:
                ink.write(surface, names[other], (at[0], at[1]), 18, ink.FRIENDLY, "midbottom")
        elif state["revealed"][other]:
            at = camera.project(x, y, 1.1)
            if at is not None:
                _draw_diamond(surface, at[0], at[1], max(6.0, 0.5 * camera.focal / at[2]))


def draw_shots(surface: Any, state: Record, agent: int, camera: Camera) -> None:
    """Draw the trails of shots of others whom the agent sees; one's own goes to the middle."""
    middle = camera.width / 2, camera.height / 2
    for other in range(len(AGENTS)):
        if not scene.is_firing(state, other):
            continue
        if other == agent:
            start = camera.width * 0.6, camera.height * 0.68
            pygame.draw.aaline(surface, (255, 236, 170), start, middle)
        elif state["visible"][agent, other]:
            _draw_trail(surface, state, other, camera)


def _draw_trail(surface: Any, state: Record, other: int, camera: Camera) -> None:
    heading, pitch = (math.radians(float(state[name][other])) for name in ("heading", "pitch"))
    x, y = (float(each) for each in state["position"][other])
    ends = [
        camera.project(x + m * math.cos(heading), y + m * math.sin(heading), 1.35 + m * math.tan(pitch))
        for m in (0.9, 6)
    ]
    if ends[0] is not None and ends[1] is not None:
        pygame.draw.aaline(surface, (255, 226, 150), ends[0][:2], ends[1][:2])


def _draw_diamond(surface: Any, x: float, y: float, size: float) -> None:
    corners = [(x, y - size), (x + 0.6 * size, y), (x, y + size), (x - 0.6 * size, y)]
    pygame.draw.polygon(surface, (0, 0, 0), corners, 4)
    pygame.draw.polygon(surface, ink.HOSTILE, corners, 2)
