from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from grid_world import GridWorld

from understudy.errors import PlaytestError
from understudy.playtest.run.moment import Ended
from understudy.playtest.runner import Results

Play = Callable[..., Results]
ENGINE = """
import sys
from grid_world import GridWorld, planted
from understudy.serving.client import Client

address, seed = sys.argv[1:]
world = GridWorld(planted("X", 2, 2), "exit")
client = Client(address)
client.wait(30)
stream = client.play(behavior=world.behavior)
stream.spawn(0, seed=int(seed))
seen, _ = world.reset(seed=int(seed))
for _ in range(30):
    done = stream.tick([0], {name: seen[name][None] for name in world.behavior.sensor_names})
    seen, _, over, _, _ = world.step({"move": done["move"][0]})
    if over:
        break
stream.close()
"""


def form(folder: Path, **keys: Any) -> dict[str, Any]:
    """A playtest of a program that plays through the server's protocol."""
    (folder / "engine.py").write_text(ENGINE)
    (folder / "grid.json").write_text(GridWorld().behavior.to_json())
    command = [sys.executable, str(folder / "engine.py"), "{address}", "{seed}"]
    args = {"behavior": str(folder / "grid.json"), "command": command}
    return {
        "game": {"id": "understudy/Engine-v0", "import": "understudy.playtest.engine", "args": args},
        "personas": [{"name": "monkey", "agent": "random", "runs": 3}],
        "budget": {"steps": 60},
        "oracles": [{"kind": "crash"}, {"kind": "timeout"}],
        "coverage": {"key": {"place": 10}},
        "replay": {"times": 1, "shrink": 0},
        "video": {"runs": 0},
        **keys,
    }


def test_an_engine_of_its_own_is_tested(play: Play, folder: Path) -> None:
    """An engine that connects to the playtest as to a server is played; where it dies is a finding that replays."""
    results = play(form(folder))
    crashed = [each for each in results.traces if each.sightings]
    ended = [each for each in results.traces if not each.sightings]
    assert crashed
    assert {each.ending.how for each in ended} <= {Ended.TERMINATED}
    (finding,) = results.findings
    assert finding.message.startswith("RuntimeError: The engine left with status 3. (engine.py, line ")
    assert finding.reproduced == 1
    assert all(len(each.actions) == 30 for each in ended)


def test_an_engine_of_another_build_is_told(play: Play, folder: Path) -> None:
    """An engine whose spec is not the one of the file is refused in words, and no bug of the game."""
    asked = form(folder)
    text = (folder / "grid.json").read_text()
    (folder / "grid.json").write_text(text.replace('"north"', '"up"'))
    with pytest.raises(PlaytestError, match=r"No run could be played\. .* the engine .*north"):
        play(asked)
