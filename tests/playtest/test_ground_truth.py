"""Scoring findings against bugs that are known to be there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from understudy.playtest.findings.finding import Finding
from understudy.playtest.ground_truth import KnownBug, score
from understudy.playtest.oracles.endings import CrashSpec
from understudy.playtest.persona import PersonaSpec
from understudy.playtest.spec import GameSpec

HOLE = KnownBug("hole-0", ((10.0, 10.0, 3.0),), 5.0, frozenset({"falling", "stuck"}))
LEAK = KnownBug("leak-1", (), 0.0, frozenset({"memory"}))
GHOST = KnownBug("clipping-2", ((50.0, 10.0, 0.0),), 5.0, frozenset({"invariant"}), (":solid",))


def _finding(kind: str, position: tuple[float, ...] | None, **more: Any) -> Finding:
    given: dict[str, Any] = {"id": f"{kind}-1", "kind": kind, "message": "", "seed": 0, "tick": 1, "seconds": 0.1}
    given |= {"cell": None, "cell_size": 1.0, "seen": (), "spec_digest": "", "folder": Path(), "position": position}
    persona = PersonaSpec(name="monkey", agent="random")
    return Finding(**given, persona=persona, game=GameSpec(id="x"), oracle=CrashSpec(), **more)


@pytest.mark.parametrize(
    ("finding", "of"),
    [
        (_finding("falling", (12.0, 10.0, -900.0)), "hole-0"),
        (_finding("falling", (20.0, 10.0, 3.0)), None),
        (_finding("falling", (20.0, 10.0, 3.0), reach=6.0), "hole-0"),
        (_finding("crash", (10.0, 10.0, 3.0)), None),
        (_finding("stuck", None), "hole-0"),
        (_finding("memory", (400.0, 1.0, 0.0)), "leak-1"),
        (_finding("invariant", (50.0, 9.0, 0.0), key="checks:solid"), "clipping-2"),
        (_finding("invariant", (50.0, 9.0, 0.0), key="checks:quests"), None),
    ],
)
def test_a_finding_is_of_the_bug_of_its_kind_at_its_place(finding: Finding, of: str | None) -> None:
    """A kind of the bug's, within reach on the level, and its key where there is one; everything else is false."""
    scored = score([finding], [HOLE, LEAK, GHOST])
    assert [name for name, ids in scored.found.items() if ids] == ([of] if of else [])
    assert scored.false == (() if of else (finding.id,))
    assert scored.share == pytest.approx(1 / 3 if of else 0)


def test_a_clean_build_has_nothing_to_find() -> None:
    """Where no bugs are known, all that could be found was found, and every finding is false."""
    assert score([], []).share == 1.0
    assert score([_finding("stuck", (0.0, 0.0))], []).false == ("stuck-1",)
