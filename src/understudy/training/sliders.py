"""Sliders: for a trait in which players differ, the direction between styles in which it grows."""

from __future__ import annotations

import numpy as np
from gymnasium import spaces

from understudy.agents.networks.style import StyleSpace
from understudy.errors import RecipeError, suggest
from understudy.recordings import Episode, Recordings
from understudy.training.held_out import episode_spans
from understudy.training.recipe import Recipe, SliderRecipe
from understudy.training.split import split_spans
from understudy.training.styles import Roster, identity

# With fewer, any direction would fit.
_FEWEST = 3


def slider_directions(
    space: StyleSpace, roster: Roster, recipe: Recipe, recordings: Recordings
) -> dict[str, list[float]]:
    """Regress the players' styles on each trait, skill held fixed.

    Args:
        space: The trained styles.
        roster: Their players.
        recipe: Names the traits.
        recordings: That were trained on; what the recipe holds out is left out.

    Returns:
        By trait, `style_size` numbers to add to a style for one standard deviation more of it.

    Raises:
        RecipeError: If a trait is of something that was not recorded, or all players are alike in it.
    """
    assert recipe.style is not None
    if not recipe.style.sliders:
        return {}
    episodes = _by_player(roster, recipe, recordings)
    points = space.players.detach().numpy().astype(np.float64)
    found = {}
    for name, slider in recipe.style.sliders.items():
        traits = np.array([np.mean([measure(name, slider, each) for each in mine]) for mine in episodes])
        skills = np.array(roster.skills) if recipe.style.skill is not None else np.zeros(len(traits))
        direction = _regress(name, points, traits, skills)
        found[name] = [*direction.tolist(), *([0.0] * (recipe.style_size - len(direction)))]
    return found


def check_sliders(recipe: Recipe, recordings: Recordings) -> None:
    """Raise `RecipeError` if a slider is of what the first recording does not hold: before the training, not after."""
    for name, slider in recipe.style.sliders.items() if recipe.style else ():
        measure(name, slider, recordings[0])


def measure(name: str, slider: SliderRecipe, episode: Episode) -> float:
    """Return a trait's mean over an episode's steps; raises `RecipeError` if it cannot be measured there."""
    kind, source = slider.of.split(".", 1)
    values = _recorded(name, kind, source, episode)
    if slider.choice is not None:
        return float((values == _choice(name, slider.choice, source, episode)).mean())
    flat = np.nan_to_num(values.reshape(len(values), -1).astype(np.float64))
    if slider.index is not None and slider.index >= flat.shape[1]:
        raise RecipeError(f"style.sliders.{name}: {slider.of} has {flat.shape[1]} numbers, so none at {slider.index}.")
    return float(np.linalg.norm(flat, axis=1).mean() if slider.index is None else flat[:, slider.index].mean())


def _recorded(name: str, kind: str, source: str, episode: Episode) -> np.ndarray:
    behavior = episode.behavior
    extras = list(episode.layout.extras)
    known = {"action": behavior.action_names, "observation": behavior.sensor_names, "extra": extras}[kind]
    if source not in known:
        raise RecipeError(f"style.sliders.{name}: '{episode.name}' has no {kind} '{source}'.{suggest(source, known)}")
    read = {"action": episode.action, "observation": episode.observation, "extra": episode.extra}[kind]
    return read(source)


def _choice(name: str, label: str, part: str, episode: Episode) -> int:
    behavior = episode.behavior
    action = behavior.action(part) if part in behavior.action_names else None
    if action is None or not isinstance(action.space, spaces.Discrete):
        raise RecipeError(f"style.sliders.{name}: only a Discrete action part has choices; leave 'choice' out.")
    if label not in action.labels:
        raise RecipeError(f"style.sliders.{name}: there is no choice '{label}'.{suggest(label, action.labels)}")
    return action.labels.index(label)


def _by_player(roster: Roster, recipe: Recipe, recordings: Recordings) -> list[list[Episode]]:
    assert recipe.style is not None
    taught = {span.name for span in split_spans(episode_spans(recordings), recipe.split, recipe.loop.seed).train}
    keys = list(zip(roster.players, roster.personas, strict=True))
    episodes: list[list[Episode]] = [[] for _ in keys]
    for each in recordings:
        if each.name in taught:
            episodes[keys.index(identity(each, recipe.style))].append(each)
    return episodes


def _regress(name: str, points: np.ndarray, traits: np.ndarray, skills: np.ndarray) -> np.ndarray:
    """Least squares of styles on a trait and skill: the change of style for one standard deviation of the trait."""
    if len(traits) < _FEWEST or np.ptp(traits) < 1e-9:
        raise RecipeError(
            f"style.sliders.{name}: {len(traits)} players are {'too few' if len(traits) < _FEWEST else 'all alike'}; a "
            f"slider needs {_FEWEST} who differ."
        )
    causes = np.stack([(traits - traits.mean()) / traits.std(), skills - skills.mean(), np.ones_like(traits)], 1)
    return np.linalg.lstsq(causes, points, rcond=None)[0][0]
