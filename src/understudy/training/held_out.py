"""What a bundle's training saw and did not see, as pieces of recordings for checks after export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from understudy.agents.agreement import Piece
from understudy.agents.bundle import Bundle
from understudy.errors import BundleError
from understudy.recordings import Episode, Recordings
from understudy.recordings.cache import Span
from understudy.training.recipe import Recipe
from understudy.training.split import split_spans

# As many bots as the speed is measured with, and a few hundred thousand numbers of pixels each.
_PIECES, _STEPS = 64, 128


@dataclass(frozen=True)
class Pieces:
    """Consecutive observations, cut to pieces of at most 128 steps, at most 64 of either kind.

    Attributes:
        seen: In training, to calibrate with.
        unseen: Held out by the recipe's split, to judge by.
    """

    seen: list[Piece]
    unseen: list[Piece]


def take_pieces(bundle: Bundle, recordings: Recordings) -> Pieces:
    """Divide recordings as the training of a bundle did.

    Raises:
        BundleError: If the bundle does not name its recipe, other recordings were trained on, or nothing was held out.
    """
    recipe = _recipe(bundle)
    _require_same(bundle, recordings)
    split = split_spans(episode_spans(recordings), recipe.split, recipe.loop.seed)
    unseen = [span for kind in split.held_out.values() for span in kind]
    if not unseen:
        raise BundleError(f"The recipe of '{bundle.name}' holds nothing out; add a 'split' to it and train again.")
    return Pieces(*(_cut(bundle, recordings, spans) for spans in (split.train, unseen)))


def _recipe(bundle: Bundle) -> Recipe:
    try:
        return Recipe.model_validate(bundle.card.provenance["recipe"])
    except (KeyError, ValueError) as error:
        raise BundleError(
            f"The bundle '{bundle.name}' does not hold the recipe it was trained by; export it again from its run."
        ) from error


def _require_same(bundle: Bundle, recordings: Recordings) -> None:
    """What a bundle was not trained on can only be told among the very recordings it was trained on."""
    listed = bundle.card.provenance.get("recordings")
    digests = {each["digest"] for each in listed if isinstance(each, dict)} if isinstance(listed, list) else set()
    found = {each.digest for each in recordings}
    if digests != found:
        raise BundleError(
            f"The bundle '{bundle.name}' was trained on {len(digests)} recordings, of which {len(digests & found)} are "
            f"among the {len(found)} given; give the same ones, to tell what it has seen from what it has not."
        )


def episode_spans(recordings: Recordings) -> list[Span]:
    """Where each episode with steps lies when they follow one another, as in training's cache."""
    episodes = [each for each in recordings if each.num_steps]
    ends = np.cumsum([each.num_steps for each in episodes]).tolist()
    return [
        Span(each.name, each.provenance.player, end - each.num_steps, end)
        for each, end in zip(episodes, ends, strict=True)
    ]


def _cut(bundle: Bundle, recordings: Recordings, spans: Sequence[Span]) -> list[Piece]:
    """Cut spans to pieces, evenly chosen if there are too many."""
    starts = {span.name: span.start for span in episode_spans(recordings)}
    episodes = {each.name: each for each in recordings}
    cuts = [(span, at) for span in spans for at in range(span.start, span.stop, _STEPS)]
    chosen = np.unique(np.linspace(0, len(cuts) - 1, min(_PIECES, len(cuts))).round().astype(int))
    return [
        _read(
            bundle, episodes[span.name], slice(at - starts[span.name], min(at + _STEPS, span.stop) - starts[span.name])
        )
        for span, at in (cuts[index] for index in chosen)
    ]


def _read(bundle: Bundle, episode: Episode, rows: slice) -> Piece:
    return [np.ascontiguousarray(episode.observation(name, rows)) for name in bundle.behavior.sensor_names]
