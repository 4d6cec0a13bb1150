"""The cache is what the recordings hold, decoded once, and never half of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from toys import TOY, sample_action, sample_observation, write_episode
from understudy.errors import RecordingError
from understudy.recordings import Cache, EpisodeWriter, Provenance, Recordings, open_recordings
from understudy.recordings.cache import Transform
from understudy.recordings.layout import CUT_EVENT
from understudy.sensors import Pixels

SMALLER = Pixels(source=(12, 16, 3), size=(6, 8), channels="grey")


def build(logs: Path, folder: Path, sensors: tuple[str, ...] = TOY.sensor_names, **transforms: Transform) -> Cache:
    """Build the cache of a folder of recordings."""
    return Cache.build(open_recordings(logs), folder, sensors=sensors, transforms=transforms)


def column(recordings: Recordings, name: str) -> np.ndarray:
    """A sensor or action part of all episodes, one after the other."""
    kind = "observation" if name in TOY.sensor_names else "action"
    return np.concatenate([getattr(each, kind)(name) for each in recordings])


def test_a_cache_equals_its_recordings(toy_logs: Path, tmp_path: Path) -> None:
    """Every column holds every step of every episode in order, and the spans say which is whose."""
    cache, recordings = build(toy_logs, tmp_path / "cache"), open_recordings(toy_logs)
    assert cache.num_rows == sum(each.num_steps for each in recordings)
    for name in (*TOY.sensor_names, *TOY.action_names):
        key = f"{'observation' if name in TOY.sensor_names else 'action'}.{name}"
        np.testing.assert_array_equal(cache.arrays[key], column(recordings, name))
    assert [(span.name, span.player, len(span)) for span in cache.spans] == [
        (each.name, each.provenance.player, each.num_steps) for each in recordings
    ]
    assert [span.start for span in cache.spans[1:]] == [span.stop for span in cache.spans[:-1]]


def test_only_what_is_asked_for_is_kept_and_transformed(toy_logs: Path, tmp_path: Path) -> None:
    """The cache holds the named sensors, after their transforms, and all action parts."""
    cache = build(toy_logs, tmp_path / "cache", ("frame",), frame=SMALLER)
    assert set(cache.arrays) == {"observation.frame", "action.move", "action.buttons", "action.turn"}
    frames = column(open_recordings(toy_logs), "frame")
    np.testing.assert_array_equal(cache.arrays["observation.frame"], np.stack([SMALLER(each) for each in frames]))


def test_windows_and_gather_equal_slicing(toy_logs: Path, tmp_path: Path) -> None:
    """Gathering rows of any shape, and windows of consecutive rows, equals indexing the recordings."""
    cache, recordings = build(toy_logs, tmp_path / "cache"), open_recordings(toy_logs)
    rows = np.random.default_rng(0).integers(cache.num_rows, size=(3, 4))
    starts = np.array([0, 17, cache.num_rows - 8])
    gathered, windows = cache.gather(rows), cache.windows(starts, 8)
    for name in TOY.sensor_names:
        whole = column(recordings, name)
        np.testing.assert_array_equal(gathered[f"observation.{name}"], whole[rows])
        expected = np.stack([whole[start : start + 8] for start in starts])
        np.testing.assert_array_equal(windows[f"observation.{name}"], expected)
    with pytest.raises(IndexError):
        cache.windows(np.array([cache.num_rows - 3]), 8)


def test_a_cache_is_built_once(toy_logs: Path, tmp_path: Path) -> None:
    """The same recordings give the same folder, which is opened as it is."""
    first = build(toy_logs, tmp_path / "cache")
    times = {path: path.stat().st_mtime_ns for path in first.folder.iterdir()}
    again = build(toy_logs, tmp_path / "cache")
    assert again.folder == first.folder
    assert {path: path.stat().st_mtime_ns for path in again.folder.iterdir()} == times


def test_a_cache_is_built_anew_when_its_inputs_change(toy_logs: Path, tmp_path: Path) -> None:
    """Another episode, the same episode with other steps, another sensor or transform: each has a cache of its own."""
    caches = [build(toy_logs, tmp_path / "cache")]
    caches.append(build(toy_logs, tmp_path / "cache", ("frame",)))
    caches.append(build(toy_logs, tmp_path / "cache", ("frame",), frame=SMALLER))
    write_episode(toy_logs, "late", steps=11, seed=9)
    caches.append(build(toy_logs, tmp_path / "cache"))
    (toy_logs / "late.arrows").unlink()
    write_episode(toy_logs, "late", steps=11, seed=10)
    caches.append(build(toy_logs, tmp_path / "cache"))
    assert len({cache.folder for cache in caches}) == len(caches)
    np.testing.assert_array_equal(
        caches[-1].arrays["action.turn"], column(open_recordings(toy_logs), "turn"), "the newest holds the newest"
    )


def test_a_killed_build_leaves_nothing_half_done(toy_logs: Path, tmp_path: Path) -> None:
    """A build that dies at any episode is not taken for a cache; the next one starts anew and is whole."""

    def die(what: str, done: int, total: int) -> None:
        assert (what, total) == ("Decoding recordings", 210)
        if done > 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Cache.build(open_recordings(toy_logs), tmp_path / "cache", sensors=TOY.sensor_names, progress=die)
    assert not list((tmp_path / "cache").glob("*/index.json"))
    cache = build(toy_logs, tmp_path / "cache")
    np.testing.assert_array_equal(cache.arrays["action.turn"], column(open_recordings(toy_logs), "turn"))
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [cache.folder.name]


def test_a_damaged_recording_is_not_learned_from(toy_logs: Path, tmp_path: Path) -> None:
    """A changed byte inside an old batch stops the build, with the name of the file."""
    path = toy_logs / "episode-1.arrows"
    value = open_recordings(path)[0].observation("rays")[0].tobytes()
    data = path.read_bytes()
    path.write_bytes(data.replace(value, value[::-1], 1))
    with pytest.raises(RecordingError, match=r"episode-1\.arrows: record batch 1 of \d+ does not match its checksum"):
        build(toy_logs, tmp_path / "cache")


def test_recordings_without_a_step_are_refused(tmp_path: Path) -> None:
    """There is nothing to learn from no recording at all."""
    with pytest.raises(RecordingError, match=r"^The recordings hold no step to learn from\.$"):
        Cache.build(Recordings([]), tmp_path, sensors=("frame",))


def test_the_cache_knows_where_episodes_were_cut(tmp_path: Path) -> None:
    """A step with the event `cut` is a row that does not follow the one before."""
    for name in ("a", "b"):
        with EpisodeWriter(tmp_path / "logs", TOY, Provenance("toy"), name=name) as writer:
            for step in range(25):
                events = [CUT_EVENT] if name == "b" and step in (4, 17) else ["kill"]
                writer.append(sample_observation(TOY, 0, step), sample_action(TOY, 0, step), events=events)
            writer.finish(truncated=True)
    episodes = open_recordings(tmp_path / "logs")
    assert episodes[1].steps_with(CUT_EVENT).tolist() == [4, 17]
    cache = Cache.build(episodes, tmp_path / "cache", sensors=("rays",))
    assert Cache(cache.folder).cuts.tolist() == [29, 42]
