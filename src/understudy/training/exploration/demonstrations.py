"""What demonstrations show of each preference: consecutive embeddings, and what was done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from understudy.agents.networks import ActionCodec
from understudy.errors import RecipeError, SpecError, suggest
from understudy.recordings import Episode, Recordings
from understudy.spec import BehaviorSpec
from understudy.training.exploration.eyes import Eyes
from understudy.training.exploration.recipe import ExplorationRecipe

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Demonstration:
    """One demonstrated episode.

    Attributes:
        preference: Index of the preference it shows.
        episode: Where it is kept.
        embeddings: float32, (steps, features).
        choices: Class indices of what was done, int64, (steps, choices).
    """

    preference: int
    episode: Episode
    embeddings: np.ndarray
    choices: np.ndarray

    def pairs(self, apart: int) -> tuple[np.ndarray, np.ndarray]:
        """Embeddings `apart` decisions before, or at the start, and after each decision but the last."""
        rows = np.arange(1, len(self.embeddings))
        return self.embeddings[np.maximum(rows - apart, 0)], self.embeddings[rows]


def preference_names(recipe: ExplorationRecipe, recordings: Recordings | None) -> list[str]:
    """Return the preferences that are learned, in the order of a style's numbers.

    Raises:
        RecipeError: If the recipe names one that no recording shows.
    """
    if recordings is None:
        if recipe.preferences:
            raise RecipeError(
                f"The recipe '{recipe.name}' learns the preference '{recipe.preferences[0]}'; name the folder of its "
                "demonstrations with --logs."
            )
        return []
    shown = sorted({_preference(each, recipe) for each in recordings} - {""})
    for name in recipe.preferences:
        if name not in shown:
            raise RecipeError(f"preferences: no recording's note '{recipe.persona}' is '{name}'.{suggest(name, shown)}")
    names = list(recipe.preferences) or shown
    if not names:
        raise RecipeError(
            f"No recording has a note '{recipe.persona}' that names the preference it shows; record with one, or name "
            "another note as 'persona' in the recipe."
        )
    return names


def demonstrated(
    recipe: ExplorationRecipe, names: Sequence[str], recordings: Recordings | None, behavior: BehaviorSpec
) -> list[tuple[int, Episode]]:
    """Return the episodes that show each preference, with its index.

    Args:
        recipe: Says which note names a preference.
        names: Of the preferences.
        recordings: To choose from.
        behavior: Of the game, with the recipe's sensors.

    Raises:
        RecipeError: If they were recorded in another game or build, or a preference has none of two steps.
    """
    if recordings is None:
        return []
    try:
        behavior.require_from(recordings.behavior, expected="the game", where="the demonstrations")
    except SpecError as error:
        raise RecipeError(f"The demonstrations are of another game or build: {error}") from error
    kept = [
        (names.index(_preference(each, recipe)), each)
        for each in recordings
        if _preference(each, recipe) in names and each.num_steps > 1
    ]
    for index, name in enumerate(names):
        if index not in {each for each, _ in kept}:
            raise RecipeError(f"The preference '{name}' has no demonstration of two decisions or more; record one.")
    return kept


def watch(
    episodes: Sequence[tuple[int, Episode]], eyes: Eyes, codec: ActionCodec, progress: Progress
) -> list[Demonstration]:
    """Embed demonstrations, once."""
    watched = []
    for done, (preference, episode) in enumerate(episodes):
        embeddings = eyes.embed({name: episode.observation(name) for name in eyes.names})
        choices = codec.encode({name: torch.from_numpy(np.array(episode.action(name))) for name in codec.names})
        watched.append(Demonstration(preference, episode, embeddings, choices.numpy()))
        progress("Embedding demonstrations", done + 1, len(episodes))
    return watched


def pairs_by_preference(
    watched: Sequence[Demonstration], preferences: int, apart: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return embeddings before and after, `apart` decisions apart, each (pairs, features), of each preference."""
    found = []
    for preference in range(preferences):
        pairs = [each.pairs(apart) for each in watched if each.preference == preference]
        before, after = (np.concatenate(column) for column in zip(*pairs, strict=True))
        found.append((before, after))
    return found


def _preference(episode: Episode, recipe: ExplorationRecipe) -> str:
    found = episode.provenance.notes.get(recipe.persona, "")
    return found if isinstance(found, str) else ""
