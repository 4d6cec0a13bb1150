"""What a coverage map of a park tells of a preference."""

from __future__ import annotations

import numpy as np
import pytest
from parkland_toys import park

from understudy.envs.parkland.traits import TRAITS, traits


@pytest.mark.parametrize("name", ["golden", "perimeter"])
def test_a_trail_is_told(name: str) -> None:
    """Who walks a trail is on it, and hardly on the other."""
    found = dict(zip(TRAITS, traits(park(1), park(1).trail(name).points), strict=True))
    other = {"golden": "perimeter", "perimeter": "golden"}[name]
    assert found[name] > 0.9
    assert found[other] < 0.3
    assert found["spread"] > 0.5


def test_rooms_are_told() -> None:
    """Who stands in the rooms of houses is indoors, and off the country."""
    rooms = [room for building in park(1).buildings for room in building.rooms]
    middles = [((r.bounds[0] + r.bounds[2]) / 2, (r.bounds[1] + r.bounds[3]) / 2, r.z) for r in rooms]
    found = dict(zip(TRAITS, traits(park(1), np.array(middles)), strict=True))
    assert found["indoors"] == 1.0
    assert found["wild"] == 0.0


def test_time_does_not_count() -> None:
    """Standing still adds nothing to a map."""
    walk = park(1).trail("golden").points
    waiting = np.concatenate([walk, np.repeat(walk[:1], 500, axis=0)])
    np.testing.assert_allclose(traits(park(1), waiting), traits(park(1), walk))
