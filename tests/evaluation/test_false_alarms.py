from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import synthetic_play as synthetic

from understudy.evaluation.panel import Options, evaluate_play
from understudy.evaluation.result import GREEN, MEAN_KEY, RED
from understudy.evaluation.telemetry import read_telemetry
from understudy.recordings import open_recordings

_OPTIONS = Options(6, 60, 6, None, None)


@pytest.mark.slow
def test_players_in_the_bots_place_are_not_given_away(tmp_path: Path) -> None:
    """Over a dozen divisions of players who differ a little, the others are like them, and hardly ever red."""
    rng = np.random.default_rng(0)
    for index in range(32):
        habits = synthetic.Habits(speed=rng.normal(4, 0.2), turn=rng.normal(5, 0.4), aim=rng.normal(4, 0.3))
        synthetic.record(tmp_path, f"player-{index:02}", 5, habits)
    everyone = read_telemetry(open_recordings(tmp_path), synthetic.ground_of)
    names = sorted({each.player for each in everyone})
    means, rows = Counter[str](), Counter[str]()
    for seed in range(12):
        first = {names[index] for index in np.random.default_rng(seed).permutation(32)[:21]}
        sides = [[each for each in everyone if (each.player in first) == kind] for kind in (True, False)]
        found = evaluate_play(sides[0], {"bot": sides[1]}, _OPTIONS)
        rows.update(each.verdict for each in found.rows)
        means.update(each.verdict for each in found.rows if each.key == MEAN_KEY)
    assert means[GREEN] >= 10
    assert rows[RED] <= 0.02 * rows.total()
