"""What styles a sequence in training: its player's embedding, or pieces of other episodes by the same player."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from understudy.agents.networks import ActionCodec
from understudy.errors import RecipeError
from understudy.recordings.cache import Cache, Span, take_rows
from understudy.training.recipe import StyleRecipe
from understudy.training.stream import WindowBatch
from understudy.training.styles import Labels

# Apart from the other streams of random numbers that hang on the same seed.
_STREAM = 11


@dataclass(frozen=True)
class Conditions:
    """What styles each sequence of a batch; the same in all windows of a sequence, as in one life of a bot.

    Attributes:
        player: Index into the roster, int64, (batch,).
        skill: Of the player in that sequence, float32, (batch,).
        kept: 0 where the sequence goes without a style, float32, (batch,).
        noise: Added to the style, float32, (batch, size).
        shown: Which sequences are styled by demonstrations, int64, (shown,).
        sensors: Of the demonstrations, by name, (shown, pieces, steps, *sensor shape).
        choices: Class indices of their actions, int64, (shown, pieces, steps, choices).
    """

    player: Tensor
    skill: Tensor
    kept: Tensor
    noise: Tensor
    shown: Tensor
    sensors: dict[str, Tensor]
    choices: Tensor


class Demonstrations:
    """Draws the conditions of batches, a pure function of the seed and the group of segments.

    Args:
        cache: Of all recordings.
        codec: Of the behaviour's actions.
        labels: Of the cache.
        spans: That pieces may come from.
        sensors: Names of what the encoder reads.
        recipe: Sizes and shares.
        seed: Of the run.
    """

    def __init__(
        self,
        cache: Cache,
        codec: ActionCodec,
        labels: Labels,
        spans: Sequence[Span],
        sensors: Sequence[str],
        recipe: StyleRecipe,
        seed: int,
    ) -> None:
        self._cache, self._codec, self._labels = cache, codec, labels
        self._sensors, self._recipe, self._seed = list(sensors), recipe, seed
        self._pieces = _pieces_by_episode(labels, spans, recipe.steps)
        self._of: dict[str, list[int]] = {}
        for episode in self._pieces:
            self._of.setdefault(labels.identity[episode], []).append(episode)

    @property
    def episodes(self) -> list[int]:
        """Numbers of the episodes that pieces may come from."""
        return list(self._pieces)

    def require_some(self) -> None:
        """Raise `RecipeError` if demonstrations are asked for, but no player has two episodes long enough."""
        if self._recipe.demonstrated and all(len(each) < 2 for each in self._of.values()):
            raise RecipeError(
                f"style: no player has two recordings of {self._recipe.steps} steps or more, so that one shows the "
                "style of the other; add recordings, or set style.demonstrated to 0."
            )

    def conditions(self, batch: WindowBatch) -> Conditions:
        """Draw the conditions of a batch."""
        episodes = self._labels.episodes(batch.rows[:, 0])
        rng = np.random.default_rng((self._seed, _STREAM, batch.group))
        demonstrated = rng.permutation(batch.whole) < round(self._recipe.demonstrated * batch.whole)
        kept = rng.random(batch.whole) >= self._recipe.dropout
        noise = rng.standard_normal((batch.whole, self._recipe.size), np.float32) * np.float32(self._recipe.noise)
        rows = {
            index: self._draw(int(episodes[index]), (self._seed, _STREAM, batch.group, int(place)))
            for index, place in enumerate(batch.places)
            if demonstrated[place] and kept[place] and self.others(int(episodes[index]))
        }
        sensors, choices = self.read(np.stack(list(rows.values())) if rows else self._no_rows())
        return Conditions(
            player=torch.from_numpy(self._labels.player[episodes]),
            skill=torch.from_numpy(self._labels.skill[episodes]),
            kept=torch.from_numpy(kept[batch.places]).float(),
            noise=torch.from_numpy(noise[batch.places]),
            shown=torch.tensor(list(rows), dtype=torch.int64),
            sensors=sensors,
            choices=choices,
        )

    def others(self, episode: int) -> list[int]:
        """Return the other episodes with pieces by the player of one."""
        return [each for each in self._of.get(self._labels.identity[episode], []) if each != episode]

    def of_others(self, episode: int) -> np.ndarray | None:
        """Return the rows of a few other episodes by the player of one, int64, (pieces, steps), if there are."""
        few = self.others(episode)[: self._recipe.episodes]
        return np.concatenate([self.of_episode(each) for each in few]) if few else None

    def of_episode(self, episode: int) -> np.ndarray:
        """Return the rows of one of `episodes`, piece after piece, int64, (pieces, steps)."""
        return self._pieces[episode][:: self._recipe.steps, None] + np.arange(self._recipe.steps)

    def read(self, rows: np.ndarray) -> tuple[dict[str, Tensor], Tensor]:
        """Gather rows (players, pieces, steps): sensors by name, and the class indices of the actions."""
        arrays = self._cache.arrays
        sensors = {name: torch.from_numpy(take_rows(arrays[f"observation.{name}"], rows)) for name in self._sensors}
        names = self._codec.names
        done = {name: torch.from_numpy(take_rows(arrays[f"action.{name}"], rows)) for name in names}
        choices = self._codec.encode({name: value.flatten(0, 2) for name, value in done.items()})
        return sensors, choices.reshape(*rows.shape, self._codec.num_choices)

    def _draw(self, episode: int, seed: tuple[int, ...]) -> np.ndarray:
        """Draw pieces from a few other episodes of a player, int64, (pieces, steps)."""
        rng = np.random.default_rng(seed)
        others = self.others(episode)
        few = rng.permutation(others)[: rng.integers(1, self._recipe.episodes + 1)]
        chosen = [self._pieces[few[index]] for index in rng.integers(len(few), size=self._recipe.pieces)]
        starts = [pieces[rng.integers(len(pieces))] for pieces in chosen]
        return np.array(starts)[:, None] + np.arange(self._recipe.steps)

    def _no_rows(self) -> np.ndarray:
        return np.zeros((0, self._recipe.pieces, self._recipe.steps), np.int64)


def _pieces_by_episode(labels: Labels, spans: Sequence[Span], steps: int) -> dict[int, np.ndarray]:
    """First rows of all pieces of each episode, int64; episodes without one are left out."""
    found: dict[int, list[np.ndarray]] = {}
    for span in spans:
        if len(span) >= steps:
            episode = int(labels.episodes(np.array(span.start)))
            found.setdefault(episode, []).append(np.arange(span.start, span.stop - steps + 1))
    return {episode: np.concatenate(each) for episode, each in found.items()}
