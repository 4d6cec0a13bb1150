"""What is written for Rerun, read back with Rerun's own reader."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rerun", reason="the package 'rerun' is not installed")

import cv2
import pyarrow as pa
from gymnasium import spaces

from toys import TOY, sample_observation, write_episode
from understudy.errors import RecordingError
from understudy.recordings import Episode, EpisodeWriter, Provenance
from understudy.recordings.viewer import open_viewer, ray_strips, save_view
from understudy.sensors import RayFan
from understudy.spec import BehaviorSpec, SensorSpec

FAN = RayFan.even(5, 120, reach=100, types=("wall", "enemy"))
SEEN = BehaviorSpec(
    "seen",
    (*TOY.sensors, FAN.spec("fan"), SensorSpec("grid", spaces.Box(0, 1, (6, 7), np.float32))),
    TOY.actions,
    TOY.decision_hz,
)
STEPS = 25


@pytest.fixture
def shown(tmp_path: Path) -> tuple[Episode, dict[str, pa.RecordBatch]]:
    """An episode with every kind of sensor and action, and what Rerun reads of it, by entity and in order."""
    episode = Episode(write_episode(tmp_path, steps=STEPS, behavior=SEEN))
    save_view(episode, tmp_path / "view.rrd")
    return episode, read(tmp_path / "view.rrd")


def read(path: Path) -> dict[str, pa.Table]:
    """All chunks of a file by entity, sorted by step; what is static is left out."""
    from rerun.chunk import RrdReader

    chunks: dict[str, list[pa.RecordBatch]] = {}
    for chunk in RrdReader(path).stream():
        if not chunk.is_static:
            chunks.setdefault(chunk.entity_path, []).append(chunk.to_record_batch())
    tables = {}
    for where, batches in chunks.items():
        columns = [name for name in batches[0].schema.names if ":" in name or name in ("step", "tick", "game_time")]
        tables[where] = pa.concat_tables([pa.table(batch.select(columns)) for batch in batches]).sort_by("step")
    return tables


def values(table: pa.Table, suffix: str) -> list[object]:
    """The one column whose name ends so."""
    (name,) = (each for each in table.schema.names if each.endswith(suffix))
    return table.column(name).to_pylist()


def test_every_picture_comes_back_to_the_pixel(shown: tuple[Episode, dict[str, pa.Table]]) -> None:
    """Frames are PNGs on their steps, the final observation a step after the last."""
    episode, seen = shown
    table = seen["/sees/frame"]
    assert table.column("step").to_pylist() == list(range(STEPS + 1))
    assert set(map(tuple, values(table, ":media_type"))) == {("image/png",)}
    frames = [cv2.imdecode(np.array(blob, np.uint8), cv2.IMREAD_COLOR_RGB) for (blob,) in values(table, ":blob")]
    np.testing.assert_array_equal(frames[:-1], episode.observation("frame"))
    np.testing.assert_array_equal(frames[-1], sample_observation(SEEN, 0, STEPS)["frame"])


def test_numbers_are_lines(shown: tuple[Episode, dict[str, pa.Table]]) -> None:
    """Vectors, single numbers, action parts and known rewards come back as they were."""
    episode, seen = shown
    for where, expected in (("sees/rays", episode.observation("rays")), ("does/turn", episode.action("turn"))):
        np.testing.assert_array_equal(np.array(values(seen[f"/{where}"], ":scalars"), np.float32)[:STEPS], expected)
    health = np.array(values(seen["/sees/health"], ":scalars"), np.float32)[:STEPS, 0]
    np.testing.assert_array_equal(health, episode.observation("health"))
    known = ~np.isnan(episode.reward)
    assert seen["/reward"].column("step").to_pylist() == np.flatnonzero(known).tolist()
    np.testing.assert_array_equal(np.array(values(seen["/reward"], ":scalars"))[:, 0], episode.reward[known])


def test_choices_and_buttons_are_lanes_of_changes(shown: tuple[Episode, dict[str, pa.Table]]) -> None:
    """Holding the last state gives each choice by its label and each button at every step."""
    episode, seen = shown
    lanes = {"move": [("back", "none", "forward")[choice] for choice in episode.action("move")]}
    for index, button in enumerate(("fire", "use")):
        lanes[f"buttons/{button}"] = [("up", "down")[pressed] for pressed in episode.action("buttons")[:, index]]
    for where, expected in lanes.items():
        table = seen[f"/does/{where}"]
        changes = dict(zip(table.column("step").to_pylist(), values(table, ":state"), strict=True))
        held, found = None, []
        for step in range(STEPS):
            held = changes.get(step, held)
            found.append(held)
        assert found == [[word] for word in expected]
        assert len(changes) == 1 + sum(one != other for one, other in pairwise(expected))


def test_events_and_the_end_are_told(shown: tuple[Episode, dict[str, pa.Table]]) -> None:
    """Each word is a line on its step, and how the episode ended a step after the last."""
    episode, seen = shown
    expected = [(step, [word]) for step, words in enumerate(episode.events) for word in words]
    table = seen["/events"]
    found = list(zip(table.column("step").to_pylist(), values(table, ":text"), strict=True))
    assert found == [*expected, (STEPS, ["terminated"])]


def test_clocks_agree(shown: tuple[Episode, dict[str, pa.Table]]) -> None:
    """Ticks are the game's own, game time is steps over the rate, and a clock from nought is no wall clock."""
    episode, seen = shown
    table = seen["/sees/frame"]
    assert table.column("tick").to_pylist()[:STEPS] == episode.tick.tolist()
    seconds = [time.total_seconds() for time in table.column("game_time").to_pylist()]
    np.testing.assert_allclose(seconds, np.arange(STEPS + 1) / 10)


def test_tensors_are_whole(shown: tuple[Episode, dict[str, pa.Table]]) -> None:
    """A grid too large for lines is a tensor at each step."""
    assert shown[1]["/sees/grid"].column("step").to_pylist() == list(range(STEPS + 1))


def test_a_real_clock_is_a_time_line(tmp_path: Path) -> None:
    """An episode recorded live also lies on the wall clock."""
    from rerun.chunk import RrdReader

    writer = EpisodeWriter(tmp_path, TOY, Provenance("toy"), name="live")
    with writer:
        for step in range(3):
            action = {"move": 1, "buttons": np.zeros(2, np.int8), "turn": np.zeros(1, np.float32)}
            writer.append(sample_observation(TOY, 0, step), action)
        writer.finish(truncated=True)
    save_view(Episode(writer.path), tmp_path / "live.rrd")
    times = {name for chunk in RrdReader(tmp_path / "live.rrd").stream() for name in chunk.timeline_names}
    assert times >= {"step", "tick", "game_time", "wall_clock"}


def test_rays_point_where_the_fan_says() -> None:
    """The middle ray goes up the page, the left one left, each as far as it reads; colours tell what was hit."""
    fan = RayFan((-90.0, 0.0, 90.0), reach=10, types=("wall", "enemy"))
    readings = np.array([[[4, 1, 0], [10, 0, 0], [2, 0, 1]]], np.float32)
    strips, colors = ray_strips(fan.spec("fan"), readings)
    np.testing.assert_allclose(strips[0, :, 0], 0)
    np.testing.assert_allclose(strips[0, :, 1], [[-4, 0], [0, -10], [2, 0]], atol=1e-5)
    assert len({tuple(each) for each in colors[0].tolist()}) == 3


def test_an_episode_without_a_step_is_refused(tmp_path: Path) -> None:
    """There is nothing to look at, and the sentence says so."""
    path = write_episode(tmp_path, "empty", steps=3)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(RecordingError, match="'empty' holds no step"):
        save_view(Episode(path), tmp_path / "empty.rrd")


def test_without_a_display_there_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A viewer that cannot start says what to do instead."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"):
        monkeypatch.delenv(name, raising=False)
    save_view(Episode(write_episode(tmp_path, steps=3)), tmp_path / "view.rrd")
    with pytest.raises(RecordingError, match=r"it needs a display\. Without one, write files with --save"):
        open_viewer([tmp_path / "view.rrd"])
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.display
def test_the_viewer_draws_it(tmp_path: Path) -> None:
    """Rerun's own viewer opens a file, draws it and saves a picture that is not of one colour."""
    if "VK_ICD_FILENAMES" not in os.environ and not list(Path("/usr/share/vulkan/icd.d").glob("*.json")):
        pytest.skip("Rerun draws with Vulkan, and there is no driver (on Debian: mesa-vulkan-drivers)")
    save_view(Episode(write_episode(tmp_path, steps=STEPS, behavior=SEEN)), tmp_path / "view.rrd")
    picture = tmp_path / "view.png"
    open_viewer([tmp_path / "view.rrd"], ["--headless", "--screenshot-to", str(picture), "--window-size", "800x600"])
    image = cv2.imread(str(picture))
    assert image.shape[0] >= 600
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 100
