"""The whole picture of a moment: the view or the map, and everything that is written over it."""

from __future__ import annotations

from typing import Any

from understudy.envs.skirmish.rules import Record
from understudy.envs.skirmish.viewer import aiming, hud, ink
from understudy.envs.skirmish.viewer.chart import Chart
from understudy.envs.skirmish.viewer.feed import Feed
from understudy.envs.skirmish.viewer.first_person import FirstPerson
from understudy.envs.skirmish.viewer.game import Game
from understudy.envs.skirmish.viewer.screens import draw_follow
from understudy.envs.skirmish.viewer.surfaces import make_surfaces
from understudy.errors import require

pygame = require("pygame", "play")

SIZE = (960, 540)
_MAP = (12, 60, 168, 168)
_BEHIND = (24, 26, 32)


class Picture:
    """Draws a game.

    Args:
        game: Its level and rules.
        size: Width and height in pixels.
    """

    def __init__(self, game: Game, size: tuple[int, int] = SIZE) -> None:
        self.game, self.size = game, size
        surfaces = make_surfaces(game.level)
        self.eyes = FirstPerson(game.level, surfaces, game.rules, size)
        self._corner = Chart(game.level, surfaces, game.rules, _MAP)
        self._whole = Chart(game.level, surfaces, game.rules, (222, 76, size[0] - 232, size[1] - 82))
        self._places = game.level.places

    def draw_view(self, surface: Any, state: Record, agent: int, feed: Feed, clock: float) -> None:
        """Draw what an agent sees, and what its screen tells.

        Args:
            surface: Drawn on, 32 bits a pixel.
            state: Of the round, a record of `world.ROUND`.
            agent: Through whose eyes.
            feed: What has happened.
            clock: Seconds, of the feed and of what moves by itself.
        """
        game, standing = self.game, self.game.standing()
        side = agent // 2
        pixels = pygame.surfarray.pixels2d(surface)
        camera = self.eyes.draw(pixels, state, agent, clock)
        del pixels  # or the surface stays locked
        aiming.draw_shots(surface, state, agent, camera)
        hud.draw_wounds(surface, state, agent)
        aiming.draw_tags(surface, state, agent, camera, standing.names)
        aiming.draw_crosshair(surface, state, agent, camera)
        aiming.draw_hits(surface, feed, agent, clock)
        aiming.draw_hurts(surface, feed, agent, camera.heading, clock)
        ink.panel(surface, _MAP[0] - 4, _MAP[1] - 4, _MAP[2] + 8, _MAP[3] + 8)
        self._corner.draw(surface, state, side, all_seen=False)
        hud.draw_top(surface, state, game.rules, standing, side)
        hud.draw_bottom(surface, state, agent, game.rules, standing)
        hud.draw_feed(surface, feed, side, standing.names, clock)
        if agent == game.me:
            hud.draw_work(surface, state, agent, game.rules, self._places)
        else:
            draw_follow(surface, standing.names[agent])

    def draw_map(self, surface: Any, state: Record, feed: Feed, clock: float, *, all_seen: bool) -> None:
        """Draw the round from above, whole if `all_seen`, else as the person's side knows it."""
        game, standing = self.game, self.game.standing()
        surface.fill(_BEHIND)
        self._whole.draw(surface, state, game.side, all_seen=all_seen)
        for agent, name in enumerate(standing.names):
            if name and state["alive"][agent] and (all_seen or agent // 2 == game.side):
                self._label(surface, state, agent, name)
        hud.draw_top(surface, state, game.rules, standing, game.side)
        hud.draw_feed(surface, feed, game.side, standing.names, clock)
        shown = [agent for agent, name in enumerate(standing.names) if name and (all_seen or agent // 2 == game.side)]
        for row, agent in enumerate(shown):
            hud.draw_card(surface, state, agent, game.rules, standing, (14, 90 + 96 * row), agent // 2 == game.side)

    def _label(self, surface: Any, state: Record, agent: int, name: str) -> None:
        x, y = self._whole.place(*state["position"][agent])
        color = ink.FRIENDLY if agent // 2 == self.game.side else ink.HOSTILE
        ink.write(surface, name, (x, y - 12), 17, color, "midbottom")
        ink.bar(
            surface, round(x) - 14, round(y) + 11, 28, 3, float(state["health"][agent]) / self.game.rules.health, color
        )
