"""Who played each recording, in which style and how well: read from the recordings' own notes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from understudy.errors import RecipeError
from understudy.recordings import Episode
from understudy.recordings.cache import Span
from understudy.spec import Json
from understudy.training.recipe import StyleRecipe

FILE = "styles.json"
# Players of no skill known are taken for average ones; and where nobody's is, so is everybody.
_UNKNOWN_SKILL = 0.5


@dataclass(frozen=True)
class Roster:
    """The players that a policy learns from, in the order of their embeddings.

    Attributes:
        players: Identities, as in the recordings. Who plays in two styles is here twice.
        personas: The name of each player's style; empty for a player of none.
        skills: Of each player, 0 to 1: the mean over its recordings.
    """

    players: tuple[str, ...]
    personas: tuple[str, ...]
    skills: tuple[float, ...]

    @property
    def median_skill(self) -> float:
        """The skill that half of the players reach."""
        return float(np.median(self.skills))

    @property
    def named(self) -> list[str]:
        """Names of the styles, in order."""
        return sorted({each for each in self.personas if each})

    def of_persona(self, name: str) -> list[int]:
        """Return which players play in a style."""
        return [index for index, each in enumerate(self.personas) if each == name]

    def save(self, folder: Path) -> None:
        """Write to a run folder."""
        (folder / FILE).write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def load(cls, folder: Path) -> Roster:
        """Read a run folder's; raises `RecipeError` if it has none."""
        try:
            form = json.loads((folder / FILE).read_text())
            return cls(*(tuple(form[name]) for name in ("players", "personas", "skills")))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RecipeError(f"{folder / FILE} is not there or is damaged; train again into a new folder.") from error


@dataclass(frozen=True)
class Labels:
    """Who plays in each row of a cache.

    Attributes:
        roster: The players.
        starts: First row of each episode, int64, rising.
        player: Index into the roster, -1 for a player never trained on, int64, one per episode.
        skill: Of the player in that episode, float32, one per episode.
        identity: Of each episode: who played it, also where the player was never trained on.
        persona: Of each episode, the name of its style; empty if it has none.
    """

    roster: Roster
    starts: np.ndarray
    player: np.ndarray
    skill: np.ndarray
    identity: tuple[str, ...]
    persona: tuple[str, ...]

    def episodes(self, rows: np.ndarray) -> np.ndarray:
        """Return the number of the episode that each row belongs to, int64."""
        return np.searchsorted(self.starts, rows, "right") - 1


def read_labels(
    episodes: Sequence[Episode], spans: Sequence[Span], train: Sequence[Span], recipe: StyleRecipe
) -> Labels:
    """Read the labels of a cache's episodes.

    Args:
        episodes: In the cache's order; those without a step are left out of the cache.
        spans: The cache's, one per episode.
        train: What is trained on; the roster holds the players of these.
        recipe: Says which notes to read.

    Raises:
        RecipeError: If a recording names no player, all are by one, nobody has a style, or a note is not what it
            should be.
    """
    kept = [each for each in episodes if each.num_steps]
    keys = [identity(each, recipe) for each in kept]
    starts = np.array([span.start for span in spans], np.int64)
    taught = sorted({int(np.searchsorted(starts, span.start, "right")) - 1 for span in train})
    known = sorted({keys[index] for index in taught})
    _require_several(known, recipe)
    skill = _skills(kept, taught, recipe)
    player = np.array([known.index(key) if key in known else -1 for key in keys], np.int64)
    means = [float(skill[[index for index in taught if player[index] == each]].mean()) for each in range(len(known))]
    roster = Roster(tuple(name for name, _ in known), tuple(persona for _, persona in known), tuple(means))
    identities = tuple("/".join(key) for key in keys)
    return Labels(roster, starts, player, skill, identities, tuple(persona for _, persona in keys))


def _require_several(known: Sequence[tuple[str, str]], recipe: StyleRecipe) -> None:
    if len(known) < 2:
        raise RecipeError(
            f"style: all recordings to train on are by one player ('{known[0][0]}'), so nothing tells styles apart; "
            "add recordings of others, or take 'style' out of the recipe."
        )
    if not any(persona for _, persona in known):
        raise RecipeError(
            f"style.persona: no recording has the note '{recipe.persona}', so no style has a name; write it when "
            "recording, or name the note that does."
        )


def identity(episode: Episode, recipe: StyleRecipe) -> tuple[str, str]:
    """Who played an episode, and in which style; raises `RecipeError` if it names no player."""
    if not episode.provenance.player:
        raise RecipeError(f"style: the recording '{episode.name}' names no player; leave it out, or name one in it.")
    return episode.provenance.player, _persona(episode, recipe)


def _persona(episode: Episode, recipe: StyleRecipe) -> str:
    found = episode.provenance.notes.get(recipe.persona, "")
    if not isinstance(found, str):
        raise RecipeError(f"style.persona: '{episode.name}' has {found!r} as '{recipe.persona}'; it should be a name.")
    return found


def _skills(episodes: Sequence[Episode], taught: Sequence[int], recipe: StyleRecipe) -> np.ndarray:
    """The skill in each episode; unknown ones are the median of the known."""
    if recipe.skill is None:
        return np.full(len(episodes), _UNKNOWN_SKILL, np.float32)
    found = np.array([_skill(each.name, each.provenance.notes, recipe.skill) for each in episodes], np.float32)
    known = found[taught][np.isfinite(found[taught])]
    if not len(known):
        raise RecipeError(
            f"style.skill: no recording has the note '{recipe.skill}'; name another note, or set style.skill to null "
            "for bots without a skill dial."
        )
    return np.where(np.isfinite(found), found, np.median(known)).astype(np.float32)


def _skill(name: str, notes: Mapping[str, Json], key: str) -> float:
    found = notes.get(key)
    if found is None:
        return math.nan
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not 0 <= found <= 1:
        raise RecipeError(f"style.skill: '{name}' has {found!r} as '{key}'; it should be a number from 0 to 1.")
    return float(found)
