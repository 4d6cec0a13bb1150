"""Styles of a bundle: by name, by blend, by slider, by skill, from a file or from demonstrations. Numpy alone.

What `parse_style` reads:

- `rusher`, a named style;
- `rusher:0.7+anchor:0.3`, a blend, whose weights are made to sum to one;
- `rusher,skill=0.8,speed=1.5`, with a skill, and a slider moved by so many standard deviations among players.

`open_style` also takes `mine.style.json`, which `understudy style` wrote.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from understudy.agents.backends import OnnxRuntimeGraph
from understudy.agents.bundle import STYLE_FILE, Bundle
from understudy.errors import BundleError, suggest
from understudy.spec import BehaviorSpec

SUFFIX = ".style.json"
FORMAT = 1
_SKILL = "skill"
# Of an episode; more would only take more time.
_MOST_PIECES = 256


class Demonstration(Protocol):
    """One episode of play; a recording's `Episode` is one."""

    @property
    def name(self) -> str:
        """What errors call it."""
        ...

    @property
    def behavior(self) -> BehaviorSpec:
        """What was seen and done."""
        ...

    num_steps: int

    def observation(self, name: str, rows: slice = ..., /) -> np.ndarray:
        """A sensor's values, (steps, *sensor shape)."""
        ...

    def action(self, name: str, rows: slice = ..., /) -> np.ndarray:
        """An action part's values, (steps, *part shape)."""
        ...


def blend(
    bundle: Bundle,
    weights: Mapping[str, float],
    *,
    skill: float | None = None,
    sliders: Mapping[str, float] | None = None,
) -> np.ndarray:
    """Mix named styles.

    Args:
        bundle: That has them.
        weights: By style, at least nought; they are made to sum to one. Empty for the default style.
        skill: From 0 to 1; left out, the mixed styles'.
        sliders: By trait, how far to go from there, in standard deviations among the players it was trained on.

    Returns:
        float32, shape (style_size,).

    Raises:
        BundleError: If the bundle lacks one of them, or a number is out of its range.
    """
    style = _mean(bundle, weights)
    for name, amount in (sliders or {}).items():
        if name not in bundle.card.sliders:
            raise BundleError(f"The bundle '{bundle.name}' has no slider '{name}'.{suggest(name, bundle.card.sliders)}")
        if not math.isfinite(amount):
            raise BundleError(f"The slider '{name}' is at {amount}; it should be a number such as 1.5.")
        style = style + np.float32(amount) * np.array(bundle.card.sliders[name], np.float32)
    if skill is not None:
        style[-1] = _checked_skill(bundle, skill)
    return style


def vary(bundle: Bundle, style: np.ndarray, seed: int, amount: float = 1.0) -> np.ndarray:
    """Return the style of another individual of the same kind, for a whole life of a bot; skill stays.

    Args:
        bundle: That plays it.
        style: float32, shape (style_size,).
        seed: Says which individual.
        amount: 1 varies it as its training did.
    """
    recipe = bundle.card.provenance.get("recipe")
    told = recipe.get("style") if isinstance(recipe, Mapping) else None
    spread = amount * float(str(told["noise"])) if isinstance(told, Mapping) else 0.0
    varied = style + np.random.default_rng(seed).normal(0, spread, len(style)).astype(np.float32)
    if bundle.card.has_skill:
        varied[-1] = style[-1]
    return varied


def open_style(bundle: Bundle, text: str) -> np.ndarray:
    """As `parse_style`, where the text may also name a style file: for users here, not for clients of a server."""
    return StyleFile.load(Path(text)).of(bundle) if text.endswith(SUFFIX) else parse_style(bundle, text)


def parse_style(bundle: Bundle, text: str) -> np.ndarray:
    """Return the style that a text asks for; see the top of this module.

    Args:
        bundle: That has its parts.
        text: The style; empty for the default one.

    Returns:
        float32, shape (style_size,).

    Raises:
        BundleError: If the text is no style of this bundle.
    """
    if not text or text in bundle.card.styles:
        return bundle.style(text)
    mixed, *dials = (each.strip() for each in text.split(","))
    numbers = dict(_number(each, "=", text) for each in dials)
    skill = numbers.pop(_SKILL, None)
    weights = dict(_number(each, ":", text, 1.0) for each in mixed.split("+")) if mixed else {}
    return blend(bundle, weights, skill=skill, sliders=numbers)


@dataclass(frozen=True)
class StyleFile:
    """A style kept in a file, with the policy it belongs to.

    Attributes:
        name: Of the style.
        bundle: Name of the bundle.
        digest: SHA-256 of its policy: another policy would read the same numbers as another style.
        style: The numbers.
        demonstrations: Names of the recordings it was read from.
    """

    name: str
    bundle: str
    digest: str
    style: tuple[float, ...]
    demonstrations: tuple[str, ...] = ()

    def save(self, path: Path) -> None:
        """Write it."""
        path.write_text(json.dumps({"format": FORMAT, **asdict(self)}, indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> StyleFile:
        """Read it back; raises `BundleError` if it is not there or no style."""
        try:
            form = json.loads(path.read_text())
            if form.pop("format") != FORMAT:
                raise ValueError(f"of another format; this version reads {FORMAT}")
            form |= {key: tuple(form[key]) for key in ("style", "demonstrations")}
            return cls(**form)
        except OSError as error:
            raise BundleError(f"The style {path} cannot be read: {error.strerror}.") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BundleError(f"{path} is no style file ({error}); make one with: understudy style --help") from error

    def of(self, bundle: Bundle) -> np.ndarray:
        """Return the numbers, float32 (style_size,); raises `BundleError` if they belong to another policy."""
        if self.digest != bundle.digest or len(self.style) != bundle.style_size:
            raise BundleError(
                f"The style '{self.name}' was made for another policy than that of '{bundle.name}' "
                f"({self.bundle} {self.digest[:12]}…); read it from its demonstrations again with: understudy style"
            )
        style = np.array(self.style, np.float32)
        if not np.isfinite(style).all():
            raise BundleError(f"The style '{self.name}' holds a number that is not finite; make it again.")
        return style


class StyleReader:
    """Reads styles from demonstrations, by a bundle's `style.onnx`.

    Args:
        bundle: To read for.
        threads: Of ONNX Runtime.

    Raises:
        BundleError: If the bundle has no such graph.
    """

    def __init__(self, bundle: Bundle, threads: int = 1) -> None:
        if STYLE_FILE not in bundle.card.sha256:
            raise BundleError(
                f"The bundle '{bundle.name}' cannot read a style from demonstrations: it has no {STYLE_FILE}. "
                "Train with 'style' in the recipe, and export again."
            )
        told = bundle.card.demonstrations
        self.bundle = bundle
        self.steps = int(str(told["steps"]))
        self._needed = bundle.behavior.select([str(each) for each in told["sensors"]])  # type: ignore[union-attr]
        self._graph = OnnxRuntimeGraph(bundle.folder / STYLE_FILE, threads)

    def read(self, demonstrations: Sequence[Demonstration], *, skill: float | None = None) -> np.ndarray:
        """Return the style that a few episodes show.

        Args:
            demonstrations: Of one player, say, or of several whose mean is wanted; a few minutes in all will do.
            skill: From 0 to 1; left out, what they show.

        Returns:
            float32, shape (style_size,).

        Raises:
            BundleError: If there is nothing long enough to read.
            SpecMismatchError: If one is of another game, or lacks a sensor that is read.
        """
        pieces = [self.cut(each) for each in demonstrations]
        if not sum(len(each) for piece in pieces for each in list(piece.values())[:1]):
            raise BundleError(
                f"The demonstrations hold no {self.steps} decisions in a row; a style is read from at least as many."
            )
        feed = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}
        style = np.array(self._graph.run(["style"], feed)[0][0], np.float32)
        if skill is not None:
            style[-1] = _checked_skill(self.bundle, skill)
        return style

    def cut(self, episode: Demonstration) -> dict[str, np.ndarray]:
        """Cut an episode to pieces, one after the other: by the graph's input, each (pieces, steps, *shape)."""
        self._needed.require_from(
            episode.behavior,
            expected=f"what the bundle '{self.bundle.name}' reads of demonstrations",
            where=f"the demonstration '{episode.name}'",
        )
        starts = np.arange(0, episode.num_steps - self.steps + 1, self.steps)
        if len(starts) > _MOST_PIECES:
            starts = starts[np.linspace(0, len(starts) - 1, _MOST_PIECES).round().astype(int)]
        rows = starts[:, None] + np.arange(self.steps)
        seen = {f"observation.{name}": episode.observation(name)[rows] for name in self._needed.sensor_names}
        return seen | {f"action.{name}": episode.action(name)[rows] for name in self._needed.action_names}


def _mean(bundle: Bundle, weights: Mapping[str, float]) -> np.ndarray:
    if not weights:
        return bundle.style()
    for name, weight in weights.items():
        if not (math.isfinite(weight) and weight >= 0):
            raise BundleError(f"The style '{name}' has the weight {weight}; weights are numbers from 0 on.")
    total = sum(weights.values())
    if not total > 0:
        raise BundleError(f"The weights of {', '.join(weights)} sum to nought; give one of them more.")
    mixed = sum(np.float64(weight / total) * bundle.style(name) for name, weight in weights.items())
    return np.asarray(mixed, np.float32)


def _checked_skill(bundle: Bundle, skill: float) -> np.float32:
    if not bundle.card.has_skill:
        raise BundleError(f"The bundle '{bundle.name}' has no skill dial; train with 'style.skill' in the recipe.")
    if not 0 <= skill <= 1:
        raise BundleError(f"The skill is {skill}; it goes from 0 to 1.")
    return np.float32(skill)


def _number(text: str, mark: str, whole: str, otherwise: float | None = None) -> tuple[str, float]:
    """A name and its number, such as `rusher:0.7`."""
    name, found, number = (each.strip() for each in text.partition(mark))
    try:
        return name, float(number) if found or otherwise is None else otherwise
    except ValueError as error:
        raise BundleError(
            f"'{whole}' is no style: '{text}' should be a name, '{mark}' and a number, as in "
            "'rusher:0.7+anchor:0.3,skill=0.8'."
        ) from error
