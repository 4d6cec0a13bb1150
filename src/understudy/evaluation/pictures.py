"""Pictures for the report: where everybody was on each level, and rounds of bot and player side by side."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from understudy.evaluation.ground import Ground
from understudy.evaluation.occupancy import Grid, grids_of
from understudy.evaluation.result import Evaluation
from understudy.evaluation.telemetry import Telemetry
from understudy.recordings.video import VideoWriter, drawing
from understudy.recordings.video.clip import Clip
from understudy.recordings.video.inputs import GAP, widgets

_MAP_PIXELS, _FILM_PIXELS = 420, 440
_HEAT, _WALL = (59, 111, 212), (125, 135, 148)
_MARGIN, _STRIP, _GUTTER = 12, 30, 16
_TRAIL_S, _CONE_DEGREES, _CONE_SHARE = 4.0, 50, 0.12
_QUALITY = 28
_MOST_MAPS = 4


@dataclass(frozen=True)
class OccupancyMap:
    """A level, and a picture of it as a URL for everybody who was recorded there."""

    name: str
    pictures: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Film:
    """A video with its poster as URLs, its size in pixels, and what it shows."""

    mp4: str
    poster: str
    width: int
    height: int
    words: str


def occupancy_maps(found: Evaluation) -> list[OccupancyMap]:
    """Return the maps of the levels that players and bot were recorded on."""
    everyone = {"players": list(found.players), **found.play}
    grids = grids_of([each for episodes in everyone.values() for each in episodes])
    shared = {each.map for each in found.players} & {each.map for each in found.play[found.bot]} & grids.keys()
    maps = []
    for name in sorted(shared)[:_MOST_MAPS]:
        pictures = []
        for who, episodes in everyone.items():
            here = [each for each in episodes if each.map == name and each.positions is not None]
            if here:
                pictures.append((who, _url("image/png", _heat_map(here, grids[name]))))
        maps.append(OccupancyMap(name, pictures))
    return maps


def _heat_map(episodes: Sequence[Telemetry], grid: Grid) -> bytes:
    counts = np.sum([grid.counts(each.positions) for each in episodes if each.positions is not None], axis=0)
    # Players linger: on a linear scale everything but the spawns would be pale.
    heat = np.sqrt(counts / max(counts.max(), 1)).reshape(grid.rows, grid.cols)
    scale = _MAP_PIXELS / max(grid.rows, grid.cols)
    size = (round(grid.cols * scale), round(grid.rows * scale))
    picture = np.zeros((size[1], size[0], 4), np.uint8)
    picture[..., :3] = _HEAT[::-1]
    picture[..., 3] = cv2.resize((heat * 235).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    if episodes[0].ground is not None:
        walls = _walls(episodes[0].ground, grid, size)
        picture[walls] = (*_WALL[::-1], 150)
    _, data = cv2.imencode(".png", picture[::-1])
    return bytes(data)


def _walls(ground: Ground, grid: Grid, size: tuple[int, int]) -> np.ndarray:
    """Which pixels are wall or cover, bool, shape (height, width)."""
    xs = grid.left + (np.arange(size[0]) + 0.5) * grid.cols * grid.cell / size[0]
    ys = grid.bottom + (np.arange(size[1]) + 0.5) * grid.rows * grid.cell / size[1]
    columns = np.clip(np.floor(xs).astype(int), 0, ground.heights.shape[1] - 1)
    rows = np.clip(np.floor(ys).astype(int), 0, ground.heights.shape[0] - 1)
    return ground.heights[rows][:, columns] > 0


def side_by_side(found: Evaluation, count: int = 3, seconds: float = 10.0) -> list[Film]:
    """Return videos of the bot beside players, of the same level and side where there are such rounds."""
    bots = [each for each in found.play[found.bot] if each.source is not None] if count else []
    players = [each for each in found.players if each.source is not None]
    films: list[Film] = []
    for bot in bots[:: max(1, len(bots) // max(count, 1))][:count]:
        closest: Sequence[Telemetry] = players
        for what in ("map", "side", "persona"):
            closest = [each for each in closest if getattr(each, what) == getattr(bot, what)] or closest
        if closest:
            player = closest[len(films) % len(closest)]
            films.append(_film(found.bot, bot, player, seconds))
    return films


def _film(name: str, bot: Telemetry, player: Telemetry, seconds: float) -> Film:
    panes = [_Pane(f"{name}: {_words(bot)}", bot, seconds), _Pane(f"player: {_words(player)}", player, seconds)]
    canvas = _canvas(max(each.height for each in panes), len(panes) * (_FILM_PIXELS + _GUTTER) - _GUTTER)
    steps = max(each.num_steps for each in panes)
    poster = canvas
    file = io.BytesIO()
    with VideoWriter(file, canvas.shape[0], canvas.shape[1], bot.hz, crf=_QUALITY) as writer:
        for step in range(steps):
            for index, each in enumerate(panes):
                left = index * (_FILM_PIXELS + _GUTTER)
                each.draw(canvas[:, left : left + _FILM_PIXELS], min(step, each.num_steps - 1))
            writer.write(canvas)
            poster = canvas.copy() if step == steps // 3 else poster
    _, still = cv2.imencode(".jpg", cv2.cvtColor(poster, cv2.COLOR_RGB2BGR))
    words = f"{name}, left; a player, right" + (f", both on {bot.map}" if bot.map and bot.map == player.map else "")
    tall, wide = canvas.shape[:2]
    return Film(_url("video/mp4", file.getvalue()), _url("image/jpeg", bytes(still)), wide, tall, words)


def _canvas(height: int, width: int) -> np.ndarray:
    """An empty picture of even sides."""
    canvas = np.empty((height + height % 2, width + width % 2, 3), np.uint8)
    canvas[:] = drawing.PAPER
    return canvas


def _words(episode: Telemetry) -> str:
    return ", ".join(each for each in (episode.persona, episode.side) if each) or episode.name


class _Pane:
    """One side: the level from above with its inputs below, or, without positions, what the sensors read."""

    def __init__(self, title: str, episode: Telemetry, seconds: float) -> None:
        assert episode.source is not None
        self.num_steps = min(episode.num_steps, round(seconds * episode.hz))
        self._title, self._episode = title, episode
        self._clip = None
        if episode.positions is None:
            self._clip = Clip(episode.source, stop_s=self.num_steps / episode.hz, width=_FILM_PIXELS)
            self.height = _STRIP + self._clip.height
            return
        behavior, rows = episode.source.behavior, slice(self.num_steps)
        actions = {name: episode.source.action(name, rows) for name in behavior.action_names}
        self._widgets, _ = widgets(behavior.actions, actions, max_sticks=0)
        self._plan = _Plan(episode)
        inputs = sum(each.height(_FILM_PIXELS - 2 * _MARGIN) + GAP for each in self._widgets)
        self.height = _STRIP + self._plan.height + inputs + 2 * _MARGIN

    def draw(self, canvas: np.ndarray, step: int) -> None:
        """Draw a step onto a canvas of at least this height."""
        canvas[:] = drawing.PAPER
        drawing.text(canvas, self._title, _MARGIN, 20, bold=True)
        drawing.text(canvas, f"{step / self._episode.hz:.1f} s", _FILM_PIXELS - 60, 20, colour=drawing.FAINT)
        if self._clip is not None:
            picture = self._clip.picture(step)
            canvas[_STRIP : _STRIP + len(picture), : picture.shape[1]] = picture
            return
        self._plan.draw(canvas[_STRIP : _STRIP + self._plan.height], step)
        top = _STRIP + self._plan.height + _MARGIN
        for each in self._widgets:
            each.draw(canvas, _MARGIN, top, _FILM_PIXELS - 2 * _MARGIN, step)
            top += each.height(_FILM_PIXELS - 2 * _MARGIN) + GAP


class _Plan:
    """A level from above, y up: the player with its trail and view, and the enemies, bright while it sees them."""

    def __init__(self, episode: Telemetry) -> None:
        assert episode.positions is not None
        self._episode, self._positions = episode, episode.positions
        if episode.ground is not None:
            self._low, high = np.zeros(2), np.array(episode.ground.heights.shape[::-1], float)
        else:
            self._low, high = episode.positions.min(0) - 1, episode.positions.max(0) + 1
        span = np.maximum(high - self._low, 1e-6)
        self._scale = _FILM_PIXELS / max(span[0], span[1])
        self.height = max(2, round(span[1] * self._scale))
        self._background = self._draw_level(round(span[0] * self._scale))

    def draw(self, canvas: np.ndarray, step: int) -> None:
        """Draw a step."""
        left = (canvas.shape[1] - self._background.shape[1]) // 2
        room = canvas[:, left : left + self._background.shape[1]]
        room[:] = self._background
        trail = self._positions[max(0, step - round(_TRAIL_S * self._episode.hz)) : step + 1]
        points = np.array([self._pixel(each) for each in trail], np.int32)
        cv2.polylines(room, [points], False, drawing.mixed(drawing.COOL, 0.6), 2, cv2.LINE_AA)
        self._draw_enemies(room, step)
        self._draw_player(room, step)

    def _draw_level(self, width: int) -> np.ndarray:
        picture = np.empty((self.height, max(width, 2), 3), np.uint8)
        picture[:] = drawing.PLATE
        ground = self._episode.ground
        if ground is not None:
            shade = np.full((*ground.heights.shape, 3), drawing.PLATE, np.uint8)
            for mask in ground.sites.values():
                shade[mask] = drawing.mixed(drawing.LIT, 0.3)
            shade[ground.heights > 0] = drawing.EDGE
            shade[ground.heights > 2] = drawing.FAINT
            picture = cv2.resize(shade[::-1], (picture.shape[1], self.height), interpolation=cv2.INTER_NEAREST)
        return picture

    def _draw_enemies(self, room: np.ndarray, step: int) -> None:
        if self._episode.enemies is None:
            return
        for x, y, alive, visible, _ in self._episode.enemies[step]:
            if alive > 0:
                colour = drawing.PALETTE[1] if visible > 0 else drawing.mixed(drawing.PALETTE[1], 0.4)
                cv2.circle(room, self._pixel(np.array([x, y])), 5, colour, -1 if visible > 0 else 1, cv2.LINE_AA)

    def _draw_player(self, room: np.ndarray, step: int) -> None:
        at = self._pixel(self._positions[step])
        if self._episode.headings is not None:
            angle = -float(self._episode.headings[step])
            radius = round(_CONE_SHARE * _FILM_PIXELS)
            cone = room.copy()
            cv2.ellipse(cone, at, (radius, radius), angle, -_CONE_DEGREES, _CONE_DEGREES, drawing.COOL, -1, cv2.LINE_AA)
            cv2.addWeighted(cone, 0.25, room, 0.75, 0, dst=room)
        fires = self._episode.columns.get("fire")
        lit = fires is not None and fires[step] > 0
        cv2.circle(room, at, 7 if lit else 6, drawing.LIT if lit else drawing.INK, -1, cv2.LINE_AA)

    def _pixel(self, position: np.ndarray) -> tuple[int, int]:
        x, y = ((position - self._low) * self._scale).round().astype(int).tolist()
        return x, self.height - 1 - y


def _url(kind: str, data: bytes | Any) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
