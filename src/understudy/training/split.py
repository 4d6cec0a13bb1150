"""What is trained on and what is held out: by player, by episode, by long blocks of an episode, never by frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

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
        held_out: By kind: `"players"` never seen, `"episodes"` of players who were, `"blocks"` of episodes that were.
            A kind with nothing in it is left out.
    """

    train: tuple[Span, ...]
    held_out: dict[str, tuple[Span, ...]]

    def cut_at(self, rows: np.ndarray) -> Split:
        """Return the same with spans cut before each of these rows, so that no memory runs across a seam."""
        pieces = {kind: _cut(spans, rows) for kind, spans in self.held_out.items()}
        return Split(_cut(self.train, rows), pieces)


def split_spans(spans: Sequence[Span], recipe: SplitRecipe, seed: int) -> Split:
    """Divide episodes.

    Raises:
        RecipeError: If a held-out player or a trimmed recording is not there, or nothing is left to train on.
    """
    if recipe.blocks and recipe.tail:
        raise RecipeError("split.blocks and split.tail both hold out blocks of each episode; give one of them.")
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
    shared = [span for index, span in enumerate(rest) if index not in held]
    blocks = tuple(block for span in shared for block in _blocks(span, recipe))
    train = tuple(piece for span in shared for piece in _outside(span, blocks))
    if not train:
        raise RecipeError("The split leaves nothing to train on; hold out fewer players or episodes, or record more.")
    held_out = {"blocks": blocks, "episodes": episodes, "players": unseen}
    return Split(train, {kind: kept for kind, kept in held_out.items() if kept})


def _cut(spans: Sequence[Span], rows: np.ndarray) -> tuple[Span, ...]:
    pieces = []
    for span in spans:
        edges = [span.start, *rows[(span.start < rows) & (rows < span.stop)].tolist(), span.stop]
        pieces += [replace(span, start=start, stop=stop) for start, stop in pairwise(edges)]
    return tuple(pieces)


def _trimmed(spans: Sequence[Span], trim: Mapping[str, int]) -> list[Span]:
    names = {span.name for span in spans}
    for name in trim:
        if name not in names:
            raise RecipeError(f"split.trim: there is no recording '{name}'.{suggest(name, names)}")
    cut = [replace(span, stop=span.stop - trim.get(span.name, 0)) for span in spans]
    return [span for span in cut if len(span) > 0]


def _blocks(span: Span, recipe: SplitRecipe) -> list[Span]:
    """The held-out blocks of an episode: its tail, or some spread evenly over it."""
    if recipe.tail:
        cuts = [(1 - recipe.tail, recipe.tail)]
    else:
        share = recipe.blocks / recipe.num_blocks
        cuts = [((index + 0.5) / recipe.num_blocks - share / 2, share) for index in range(recipe.num_blocks)]
    starts = [(span.start + round(at * len(span)), round(size * len(span))) for at, size in cuts]
    found = [replace(span, start=start, stop=min(start + size, span.stop)) for start, size in starts]
    return [block for block in found if len(block) > 0]


def _outside(span: Span, blocks: Sequence[Span]) -> list[Span]:
    """What is left of an episode without its blocks and the gaps around them."""
    # By name, since rows may be counted from nought in each episode as well as through all of them.
    inside = [block for block in blocks if block.name == span.name]
    starts = [span.start, *(block.stop + GAP_STEPS for block in inside)]
    stops = [*(block.start - GAP_STEPS for block in inside), span.stop]
    pieces = [replace(span, start=start, stop=stop) for start, stop in zip(starts, stops, strict=True)]
    return [piece for piece in pieces if len(piece) > 0]
