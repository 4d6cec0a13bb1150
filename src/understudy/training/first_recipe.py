"""A first recipe, written from recordings: it trains as it is, and each line says what one would change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import yaml
from gymnasium import spaces

from understudy.errors import RecipeError
from understudy.recordings import Recordings
from understudy.recordings.layout import sensor_column
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

_MOST_PIXELS = 64 * 64
_MOST_STEPS = 200_000
_BINS = 17
_FEW_RECORDINGS = 5
# Of each player, so that after the split one recording can still show the style of another.
_FEW_PER_PLAYER = 3
_LONG = 512
_SHORTEST_SIDE = 8


def first_recipe(recordings: Recordings) -> str:
    """Return the YAML text of a recipe for recordings of one behaviour.

    Every sensor that a person has too is read; numbers among the actions are cut into bins at their own quantiles.

    Raises:
        RecipeError: If every sensor is privileged.
        SpecMismatchError: If the recordings are of more than one behaviour.
    """
    behavior = recordings.behavior
    sensors = [each for each in behavior.sensors if not each.privileged]
    if not sensors:
        raise RecipeError(f"Every sensor of '{behavior.name}' is privileged: a fair bot would see nothing.")
    lines = [
        f"# A first recipe for '{behavior.name}', made from {len(recordings)} recordings. Every key there is:",
        "# understudy/training/recipe.py; worked examples: recipes/.",
        f"name: {_word(behavior.name)}",
        "sensors: # what the bot sees; leave out what it should not",
        *(f"  {_word(each.name)}: {_encoder(each)}" for each in sensors),
        *_privileged(behavior),
        *_bins(recordings),
        *_split(recordings),
        *_style(recordings),
        "policy: {hidden: 256, memory: 256, past_dropout: 0.2} # more past_dropout if it only repeats its last action",
        f"loop: {{updates: 2000, batch: 16, window: 32, segment: {_segment(recordings)}, learning_rate: 1.0e-3}}",
    ]
    return "\n".join(lines) + "\n"


def _word(name: str) -> str:
    """A name as YAML reads it back: `on` and `null` need quotes."""
    return name if yaml.safe_load(name) == name else f'"{name}"'


def _encoder(sensor: SensorSpec) -> str:
    shape = sensor.shape
    if sensor.computed.get("kind") == "ray_grid":
        return "{encoder: rays, channels: [32, 64], features: 256}"
    if not sensor_column(sensor).picture or min(shape[:2]) < _SHORTEST_SIDE:
        return "{encoder: vector, widths: [256, 128]}"
    scale = min(1.0, (_MOST_PIXELS / (shape[0] * shape[1])) ** 0.5)
    size = [max(_SHORTEST_SIDE, round(side * scale)) for side in shape[:2]]
    return f"{{encoder: pixels, size: {size}, shift: 1, contrast: 0.2}} # (height, width) it is reduced to"


def _privileged(behavior: BehaviorSpec) -> Iterator[str]:
    names = [each.name for each in behavior.sensors if each.privileged]
    if names:
        yield f"  # left out, since no player perceives them: {', '.join(names)}"


def _bins(recordings: Recordings) -> Iterator[str]:
    parts = [part for part in recordings.behavior.actions if isinstance(part.space, spaces.Box)]
    if parts:
        yield "bins: # centres that numbers among the actions are rounded to; here quantiles of what was done"
    for part in parts:
        yield f"  {_word(part.name)}: {{bins: {centres(recordings, part)}}}"


def centres(recordings: Recordings, part: ActionSpec) -> list[float]:
    """Return up to 17 rising values that divide what was done evenly, with nought and both ends among them."""
    values = np.concatenate(
        [each.action(part.name, slice(_MOST_STEPS // len(recordings))).ravel() for each in recordings]
    )
    moved = values[values != 0] if len(values[values != 0]) else values
    found = np.quantile(moved, np.linspace(0.01, 0.99, _BINS - 1))
    if (part.space.low < 0).any() and (part.space.high > 0).any():  # type: ignore[union-attr]
        found = np.append(found, 0.0)
    unique = sorted({float(f"{value:.4g}") for value in found})
    return unique if len(unique) > 1 else sorted({*unique, float(part.space.low.min()), float(part.space.high.max())})  # type: ignore[union-attr]


def _split(recordings: Recordings) -> Iterator[str]:
    if len(recordings) >= _FEW_RECORDINGS:
        yield "split: {episodes: 0.2} # held out; or players: [..] whom it shall never have seen"
    elif _usual_length(recordings) >= _LONG:
        yield "split: {blocks: 0.2} # held out: blocks of each recording, for there are few"
    elif len(recordings) > 1:
        yield f"split: {{episodes: {1 / len(recordings):.2f}}} # held out: one recording"
    else:
        yield "split: {} # nothing is held out, for there is one short recording: record more"


def _style(recordings: Recordings) -> Iterator[str]:
    """Styles, where the recordings name them and there is enough to learn them from."""
    notes = [each.provenance.notes for each in recordings]
    named = sorted({str(each["persona"]) for each in notes if each.get("persona")})
    players = Counter(each.provenance.player for each in recordings)
    if named and len(players) > 1 and "" not in players and min(players.values()) >= _FEW_PER_PLAYER:
        skill = "" if any("skill" in each for each in notes) else "skill: null"
        yield f"style: {{{skill}}} # one bot for the styles {', '.join(named)} and all between: docs/styles.md"


def _usual_length(recordings: Recordings) -> float:
    return float(np.median([each.num_steps for each in recordings]))


def _segment(recordings: Recordings) -> int:
    """Steps the memory is carried over: about as long as recordings are, and no longer than 256."""
    return int(np.clip(_usual_length(recordings) // 32 * 32, 32, 256))
