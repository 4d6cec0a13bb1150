"""What is held out is held out: no row, no neighbour of a row and no player is on both sides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from understudy.errors import RecipeError
from understudy.recordings.cache import Span
from understudy.training.recipe import SplitRecipe
from understudy.training.split import GAP_STEPS, Split, split_spans


@st.composite
def episodes(draw: st.DrawFn) -> list[Span]:
    """Spans one after the other, as a cache has them, of up to three players."""
    spans: list[Span] = []
    rows = draw(st.lists(st.tuples(st.integers(1, 400), st.sampled_from("abc")), min_size=1, max_size=9))
    for index, (length, player) in enumerate(rows):
        start = spans[-1].stop if spans else 0
        spans.append(Span(f"episode-{index}", player, start, start + length))
    return spans


shares = st.floats(0, 0.9)
recipes = st.builds(SplitRecipe, episodes=shares, tail=shares) | st.builds(
    SplitRecipe, episodes=shares, blocks=shares, num_blocks=st.integers(1, 4)
)


def rows(spans: tuple[Span, ...]) -> set[int]:
    """All row numbers of spans."""
    return {row for span in spans for row in range(span.start, span.stop)}


def split_or_skip(spans: list[Span], recipe: SplitRecipe, seed: int = 0) -> Split:
    """Split, skipping the cases in which nothing is left."""
    try:
        return split_spans(spans, recipe, seed)
    except RecipeError:
        assume(False)
        raise


@given(episodes(), recipes, st.integers(0, 9))
def test_train_and_held_out_rows_are_disjoint(spans: list[Span], recipe: SplitRecipe, seed: int) -> None:
    """No row is on both sides, none of two kinds at once, none outside its episode; the seed decides alone."""
    split = split_or_skip(spans, recipe, seed)
    sides = [rows(split.train), *(rows(kept) for kept in split.held_out.values())]
    assert sum(len(side) for side in sides) == len(set().union(*sides))
    homes = {span.name: span for span in spans}
    for part in (*split.train, *(span for kept in split.held_out.values() for span in kept)):
        assert homes[part.name].start <= part.start < part.stop <= homes[part.name].stop
    assert split_spans(spans, recipe, seed) == split


@given(episodes(), recipes)
def test_a_gap_lies_around_each_held_out_block(spans: list[Span], recipe: SplitRecipe) -> None:
    """Within an episode, what is learned from is at least a gap away from each held-out block."""
    split = split_or_skip(spans, recipe)
    for block in split.held_out.get("blocks", ()):
        for kept in split.train:
            apart = kept.stop + GAP_STEPS <= block.start or block.stop + GAP_STEPS <= kept.start
            assert kept.name != block.name or apart


@given(episodes(), st.sampled_from("abc"), st.floats(0, 0.3))
def test_a_held_out_player_is_never_trained_on(spans: list[Span], player: str, tail: float) -> None:
    """All of a held-out player's rows, and nobody else's, are the set of unseen players."""
    # With one long episode of each player, whoever is held out is there, and somebody is left to learn from.
    for each in "abc":
        start = spans[-1].stop
        spans.append(Span(f"long-{each}", each, start, start + 300))
    players = {player}
    split = split_spans(spans, SplitRecipe(players=(player,), tail=tail), 0)
    assert {span.player for span in split.held_out["players"]} == players
    seen = [*split.train, *(span for kind, kept in split.held_out.items() if kind != "players" for span in kept)]
    assert not {span.player for span in seen} & players
    assert rows(split.held_out["players"]) == rows(tuple(span for span in spans if span.player in players))


def test_a_share_of_episodes_holds_out_at_least_one() -> None:
    """However small the share, something is measured on; with one episode only, that one is learned from."""
    spans = [Span(f"e{index}", "a", 100 * index, 100 * index + 100) for index in range(5)]
    assert len(split_spans(spans, SplitRecipe(episodes=0.01), 0).held_out["episodes"]) == 1
    assert split_spans(spans[:1], SplitRecipe(episodes=0.4), 0).held_out == {}


def test_an_unknown_player_is_refused() -> None:
    """A held-out player of whom there is no recording is a mistake, and the known ones are named."""
    spans = [Span("e", "ann", 0, 9)]
    with pytest.raises(RecipeError) as caught:
        split_spans(spans, SplitRecipe(players=("anne",)), 0)
    assert str(caught.value) == ("split.players: no recording is of player 'anne'. Did you mean 'ann'? Known: 'ann'.")


@pytest.mark.parametrize("recipe", [SplitRecipe(players=("ann",)), SplitRecipe(tail=0.95), SplitRecipe(episodes=0.9)])
def test_a_split_that_leaves_nothing_is_refused(recipe: SplitRecipe) -> None:
    """Holding out all there is is refused, with what to change."""
    spans = [Span(f"e{index}", "ann", 20 * index, 20 * index + 20) for index in range(3)]
    with pytest.raises(RecipeError) as caught:
        split_spans(spans, recipe, 0)
    assert str(caught.value) == (
        "The split leaves nothing to train on; hold out fewer players or episodes, or record more."
    )


def test_blocks_are_spread_over_an_episode() -> None:
    """A fifth in two blocks is held out around the quarters of an episode, with gaps on both sides of each."""
    split = split_spans([Span("one", "a", 100, 1100)], SplitRecipe(blocks=0.2), 0)
    assert [(each.start, each.stop) for each in split.held_out["blocks"]] == [(300, 400), (800, 900)]
    gap = GAP_STEPS
    assert [(each.start, each.stop) for each in split.train] == [
        (100, 300 - gap),
        (400 + gap, 800 - gap),
        (900 + gap, 1100),
    ]


def test_rows_may_be_counted_from_nought_in_each_episode() -> None:
    """An episode is split alike whether its rows are counted on through all episodes or start again at nought."""
    recipe = SplitRecipe(blocks=0.2)
    on = split_spans([Span("one", "a", 0, 1000), Span("two", "a", 1000, 1500)], recipe, 0)
    again = split_spans([Span("one", "a", 0, 1000), Span("two", "a", 0, 500)], recipe, 0)
    firsts = {"one": 0, "two": 1000}
    assert [(each.name, each.start - firsts[each.name], len(each)) for each in on.train] == [
        (each.name, each.start, len(each)) for each in again.train
    ]


def test_the_end_of_a_recording_can_be_trimmed() -> None:
    """Trimmed steps are on no side, and a recording that is not there is named with a suggestion."""
    spans = [Span("one", "a", 0, 100), Span("two", "a", 100, 200)]
    split = split_spans(spans, SplitRecipe(trim={"one": 30, "two": 100}), 0)
    assert [(each.start, each.stop) for each in split.train] == [(0, 70)]
    with pytest.raises(RecipeError, match=r"there is no recording 'ones'\. Did you mean 'one'"):
        split_spans(spans, SplitRecipe(trim={"ones": 1}), 0)


def test_blocks_and_a_tail_exclude_each_other() -> None:
    """Both ways of holding out blocks at once are refused."""
    with pytest.raises(RecipeError, match="give one of them"):
        split_spans([Span("one", "a", 0, 100)], SplitRecipe(blocks=0.2, tail=0.2), 0)


@given(st.lists(st.integers(0, 60), max_size=8))
def test_cutting_loses_no_row_and_crosses_no_seam(cuts: list[int]) -> None:
    """The pieces hold the same rows in the same order, and none goes on over a cut."""
    spans = (Span("a", "p", 3, 20), Span("b", "p", 20, 50))
    split = Split(spans, {"players": (Span("c", "q", 50, 60),)}).cut_at(np.unique(np.array(cuts, np.int64)))
    rows = [row for span in split.train for row in range(span.start, span.stop)]
    assert rows == list(range(3, 50))
    for span in (*split.train, *split.held_out["players"]):
        assert not any(span.start < cut < span.stop for cut in cuts)
