"""What is trained on and what is held out: by player, by episode, by the last block of an episode, never by frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from understudy.errors import RecipeError, suggest
from understudy.recordings.cache import Span
from understudy.training.recipe import SplitRecipe

# Between a training block and the held-out block after it, so that neighbouring frames are not on both sides.
GAP_STEPS = 32


@dataclass(frozen=True)
class Split:
    """Spans of rows.

    Attributes:
        train: Learned from.
        held_out: By kind: `"players"` never seen, `"episodes"` of players who were, last `"blocks"` of episodes that
            were. A kind with nothing in it is left out.
    """

    train: tuple[Span, ...]
    held_out: dict[str, tuple[Span, ...]]


def split_spans(spans: Sequence[Span], recipe: SplitRecipe, seed: int) -> Split:
    """Divide episodes.

    Raises:
        RecipeError: If a held-out player or a trimmed recording is not there, or nothing is left to train on.
    """
    spans = _trimmed(spans, recipe.trim)
    players = {span.player for span in spans}
    for player in recipe.players:
        if player not in players:
            raise RecipeError(f"split.players: no recording is of player '{player}'.{suggest(player, players)}")
    unseen = tuple(span for span in spans if span.player in recipe.players)
    rest = [span for span in spans if span.player not in recipe.players]
    order = np.random.default_rng(seed).permutation(len(rest))
    num_held = round(recipe.episodes * len(rest)) or (1 if recipe.episodes and len(rest) > 1 else 0)
    held = {int(index) for index in order[:num_held]}
    episodes = tuple(span for index, span in enumerate(rest) if index in held)
    pairs = [_cut_tail(span, recipe.tail) for index, span in enumerate(rest) if index not in held]
    train = tuple(head for head, _ in pairs if len(head))
    blocks = tuple(tail for _, tail in pairs if len(tail))
    if not train:
        raise RecipeError("The split leaves nothing to train on; hold out fewer players or episodes, or record more.")
    held_out = {"blocks": blocks, "episodes": episodes, "players": unseen}
    return Split(train, {kind: kept for kind, kept in held_out.items() if kept})


def _trimmed(spans: Sequence[Span], trim: Mapping[str, int]) -> list[Span]:
    names = {span.name for span in spans}
    for name in trim:
        if name not in names:
            raise RecipeError(f"split.trim: there is no recording '{name}'.{suggest(name, names)}")
    cut = [replace(span, stop=span.stop - trim.get(span.name, 0)) for span in spans]
    return [span for span in cut if len(span) > 0]


def _cut_tail(span: Span, share: float) -> tuple[Span, Span]:
    cut = span.stop - round(share * len(span))
    end = max(span.start, cut - GAP_STEPS) if cut < span.stop else span.stop
    return replace(span, stop=end), replace(span, start=cut)
