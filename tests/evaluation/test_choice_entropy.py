from __future__ import annotations

import numpy as np
import pytest
import synthetic_play as synthetic

from understudy.evaluation.entropy import Choice, choice_distances, choice_entropy, choice_of, choices_of, variety
from understudy.evaluation.telemetry import Telemetry


def choices(*labels: str, won: bool | None = None) -> list[Choice]:
    """Choices of attackers."""
    return [Choice("attack", label, "site", won) for label in labels]


@pytest.mark.parametrize(("labels", "bits"), [("aaaa", 0), ("aabb", 1), ("abcd", 2), ("aaab", 0.8112781)])
def test_entropy_is_known(labels: str, bits: float) -> None:
    """Equal shares of n routes are log2 n bits, one route is none."""
    assert choice_entropy(choices(*labels)) == pytest.approx(bits)


def test_sides_are_no_choice() -> None:
    """Who always takes lane a, on either side, has no variety: sides are swapped by the rules."""
    assert choice_entropy([Choice("attack", "a", "s", None), Choice("defend", "a", "s", None)]) == 0


def test_variety_tells_success_beside_entropy() -> None:
    """The share won is told, and the entropy of what was won alone."""
    found = variety([*choices("a", "b", won=True), *choices("c", "c", won=False)])
    assert found.by_side == {"attack": 0.5}
    assert found.success == 0.5
    assert found.bits == pytest.approx(1.5)
    assert found.bits_won == pytest.approx(1)
    assert np.isnan(variety(choices("a")).success)


def test_distances_are_nought_for_the_same_choices() -> None:
    """Divergence and difference of entropy are nought for the same shares, and known for others."""
    np.testing.assert_allclose(choice_distances(choices("a", "b"), choices("a", "a", "b", "b")), 0, atol=1e-12)
    np.testing.assert_allclose(choice_distances(choices("a"), choices("b", "c")), [1, 1])


def test_lane_and_site_are_read_from_positions(hasty: list[Telemetry]) -> None:
    """The hasty bot takes lane a to site a in nearly all of its rounds, as it was made to."""
    found = [choice_of(each) for each in hasty]
    assert sum(each is not None and each.lane == "a" for each in found) >= 10
    assert {each.site for each in found if each is not None and each.lane == "a"} <= {"site_a", "none"}


def test_where_the_bomb_was_planted_is_the_site() -> None:
    """A planted bomb names the site, wherever else time was spent."""
    positions = np.tile([4.0, 28.0], (100, 1))
    positions[40] = [28, 28]
    one = Telemetry("a", "a", "square", {"side": "attack"}, 16.0, {}, {}, positions, planted=40)
    ground = synthetic.ground_of("square")
    found = choice_of(Telemetry(**{**vars(one), "ground": ground}))
    assert found is not None
    assert found.site == "site_b"


def test_an_unknown_level_is_cut_in_coarse_cells() -> None:
    """Without a plan, a route is the cells where the player was early and late."""
    there = np.linspace([0, 0], [40, 40], 60)
    back = there[::-1]
    found = choices_of([Telemetry(name, name, "m", {}, 10.0, {}, {}, p) for name, p in (("a", there), ("b", back))])
    assert [each and (each.lane, each.site) for each in found] == [("B2", "D4"), ("C3", "A1")]
    assert choices_of([Telemetry("a", "a", "m", {}, 10.0, {}, {})]) == [None]
