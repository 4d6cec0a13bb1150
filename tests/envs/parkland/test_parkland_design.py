"""The checks of what a park's designers meant."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from parkland_toys import park

from understudy.envs.parkland.design import Design


@pytest.fixture(scope="module")
def design() -> Design:
    """The small park's."""
    return Design(1)


def _moment(tick: int, position: tuple[float, ...], **more: Any) -> dict[str, Any]:
    return {"tick": tick, "position": position, "action": {"move": np.int64(1)}, "quest": [0] * 9, **more}


def test_being_inside_a_thing_is_told(design: Design) -> None:
    """The middle of a statue is no place for a player; the start is."""
    statue = next(each for each in park(1).props if each.kind == "statue")
    assert design.things_are_solid(_moment(1, (statue.x, statue.y, statue.z)))
    assert design.things_are_solid(_moment(1, park(1).start[:3])) is None


def test_being_held_by_nothing_is_told_when_it_is_over(design: Design) -> None:
    """Who asks to walk in the open, stays, and gets away was held; who cannot get away at all is the stuck oracle's."""
    x, y, z = park(1).start[:3]
    assert all(design.nothing_holds(_moment(tick, (x, y, z))) is None for tick in range(9))
    assert design.nothing_holds(_moment(9, (x + 0.3, y, z)))
    assert design.nothing_holds(_moment(10, (x + 0.6, y, z))) is None


def test_a_stage_that_does_not_count_is_told(design: Design) -> None:
    """Standing at a quest's next stage is told after a moment; standing at a later one is not."""
    quest = next(each for each in park(1).quests if len(each.stages) > 1)
    done = np.zeros(len(park(1).quests), int)
    first, second = (each[:3] for each in quest.stages[:2])
    assert any(design.quests_count(_moment(tick, first, quest=done)) for tick in range(6))
    assert not any(design.quests_count(_moment(tick, second, quest=done)) for tick in range(6))
