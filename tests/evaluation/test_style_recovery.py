from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import synthetic_play as synthetic

from understudy.evaluation.panel import _ceiling
from understudy.evaluation.styles import StyleOptions, parse_style, recover_players, recover_styles
from understudy.evaluation.telemetry import Telemetry, read_telemetry
from understudy.recordings import open_recordings

QUICK = StyleOptions(window_s=6.0, updates=60, rounds=3)
STYLES = {"slow": synthetic.Habits(speed=2.0), "fast": synthetic.Habits(speed=4.9)}


@pytest.fixture(scope="module")
def demonstrations(tmp_path_factory: pytest.TempPathFactory) -> list[Telemetry]:
    """Two players of each of two styles."""
    folder = tmp_path_factory.mktemp("styles")
    for style, habits in STYLES.items():
        for index in range(2):
            synthetic.record(folder, f"{style}-{index}", 4, habits, persona=style)
    return read_telemetry(open_recordings(folder), synthetic.ground_of)


@pytest.fixture(scope="module")
def bots(tmp_path_factory: pytest.TempPathFactory) -> list[Telemetry]:
    """A bot in both styles and in a blend of them."""
    folder: Path = tmp_path_factory.mktemp("bots")
    for style, habits in STYLES.items():
        synthetic.record(folder, f"bot-{style}", 6, habits, persona=style)
    synthetic.record(folder, "bot-blend", 6, synthetic.Habits(speed=3.4), persona="slow:0.5+fast:0.5")
    return read_telemetry(open_recordings(folder), synthetic.ground_of)


def test_styles_that_differ_are_named(demonstrations: list[Telemetry], bots: list[Telemetry]) -> None:
    """A bot that plays the styles it is asked for is named rightly, in groups of rounds."""
    found = recover_styles(demonstrations, bots, QUICK)
    assert found is not None
    assert found.accuracy.mean == 1.0
    assert found.styles == ("fast", "slow")
    assert found.confusion.tolist() == [[2, 0], [0, 2]]


def test_a_blend_is_judged_apart(demonstrations: list[Telemetry], bots: list[Telemetry]) -> None:
    """A blend is in no row of the matrix; it has its place between the shares of its parents."""
    found = recover_styles(demonstrations, bots, QUICK)
    assert found is not None
    blend = found.blends["slow:0.5+fast:0.5"]
    assert blend.low < 0.5 < blend.high
    assert blend.between == (blend.low < blend.share < blend.high)


def test_a_bot_that_ignores_its_style_is_found_out(demonstrations: list[Telemetry], bots: list[Telemetry]) -> None:
    """If every style is played the same way, no more than one style is named rightly."""
    slow = [each for each in bots if each.persona == "slow"]
    posing = [replace(each, notes={**each.notes, "persona": "fast"}, player="posing") for each in slow]
    found = recover_styles(demonstrations, [*slow, *posing], QUICK)
    assert found is not None
    assert found.accuracy.mean == pytest.approx(0.5)


def test_players_are_the_ceiling(demonstrations: list[Telemetry]) -> None:
    """Held-out players of the same styles are named by a classifier that saw only the others."""
    found = recover_players(demonstrations, QUICK)
    assert found is not None
    assert found.accuracy.mean == 1.0


def test_the_ceiling_is_of_players_named_as_the_bot_is(demonstrations: list[Telemetry], bots: list[Telemetry]) -> None:
    """With demonstrations of others, held-out players are named by the same classifier, on their own levels."""
    players = [replace(each, map="elsewhere") for each in bots if each.persona in STYLES]
    found = _ceiling(players, demonstrations, QUICK)
    assert found is not None
    assert found.confusion.sum() == 4
    own = _ceiling(demonstrations, (), QUICK)
    assert own is not None
    assert own.confusion.sum() == 4


def test_one_style_is_nothing_to_recover(demonstrations: list[Telemetry], bots: list[Telemetry]) -> None:
    """With one style there is no result, and no error."""
    assert recover_styles(demonstrations, [each for each in bots if each.persona == "slow"], QUICK) is None
    assert recover_styles([each for each in demonstrations if each.persona == "slow"], bots, QUICK) is None


def test_weights_of_a_style_sum_to_one() -> None:
    """Blends are read in their order, and without weights all weigh the same."""
    assert parse_style("rusher") == {"rusher": 1.0}
    assert parse_style("rusher:3+anchor:1") == {"rusher": 0.75, "anchor": 0.25}
    assert np.isclose(sum(parse_style("a+b+c").values()), 1)
