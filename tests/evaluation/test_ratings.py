from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.evaluation.ratings import Game, mean_ratings, rate, rows_of, win_table
from understudy.evaluation.skill import skill_curve, spearman


def league(strengths: dict[str, float], rounds: int, seed: int = 0) -> list[Game]:
    """A round robin in which the stronger wins by the odds of their strengths."""
    rng = np.random.default_rng(seed)
    names = list(strengths)
    return [
        Game((a, b), int(rng.random() > strengths[a] / (strengths[a] + strengths[b])))
        for _ in range(rounds)
        for a in names
        for b in names
        if a != b
    ]


def test_the_stronger_is_rated_higher() -> None:
    """Ratings come in the order of strength, with the shares of games won beside them."""
    found = rate(league({"weak": 0.2, "strong": 5.0, "middling": 1.0}, 12))
    assert list(found) == ["strong", "middling", "weak"]
    strong = found["strong"]
    assert strong.games == 48
    assert strong.wins.low <= strong.wins.mean <= strong.wins.high
    assert strong.ordinal < strong.rating.mean
    assert rows_of(found)[0]["name"] == "strong"


def test_a_draw_counts_half() -> None:
    """Draws give both half a win, and a game against oneself rates nobody."""
    games = [Game(("a", "b"), -1), Game(("a", "b"), 0), Game(("a", "a"), 1)]
    assert win_table(games) == {("a", "b"): 0.75, ("b", "a"): 0.25}
    assert mean_ratings(games)["a"] > mean_ratings(games)["b"]


@given(st.lists(st.integers(-100, 100), min_size=3, max_size=8, unique=True))
def test_spearman_is_of_ranks_alone(values: list[int]) -> None:
    """Any rising function of the values gives one, any falling one gives minus one."""
    assert spearman(values, [3 * value + 1 for value in values]) == pytest.approx(1)
    assert spearman(values, [-value for value in values]) == pytest.approx(-1)


def test_a_dial_that_works_is_seen_to() -> None:
    """The dial's rank correlation with rating is one where each position is stronger, and has an interval."""
    dials = {"bot 0": 0.0, "bot 0.5": 0.5, "bot 1": 1.0}
    found = skill_curve(league({"bot 0": 0.1, "bot 0.5": 1, "bot 1": 10, "other": 1}, 10), dials)
    assert found is not None
    assert found.dials == (0.0, 0.5, 1.0)
    assert found.spearman.mean == pytest.approx(1)
    assert found.spearman.low <= 1
    assert skill_curve(league({"bot 0": 1, "bot 1": 1}, 2), {"bot 0": 0.0, "bot 1": 1.0}) is None


def test_a_dial_that_does_nothing_is_seen_to() -> None:
    """Equal strengths at all positions give an interval that is wide."""
    dials = {f"bot {index}": index / 4 for index in range(5)}
    found = skill_curve(league(dict.fromkeys(dials, 1.0), 4), dials)
    assert found is not None
    assert found.spearman.low < 0.7
