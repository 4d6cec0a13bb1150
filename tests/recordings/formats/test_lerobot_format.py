"""LeRobot data sets: what others wrote is read as it was meant, and what is exported comes back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from gymnasium import spaces
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lerobot_files import CAMERA, FPS, HEIGHT, TASK, WIDTH, Foreign, action, picture, png, state, write_dataset
from matrix_toys import PIXELS, PLAIN, VECTOR, record

from toys import TOY
from understudy.errors import RecordingError
from understudy.recordings import Recordings
from understudy.recordings.formats.lerobot import LerobotExporter, LerobotImporter
from understudy.recordings.formats.protocol import ExportOptions, Importer, ImportOptions, LogEpisode, Rows
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

GREY = BehaviorSpec(
    "grey",
    (
        SensorSpec("grey", spaces.Box(0, 255, (15, 21, 1), np.uint8)),
        SensorSpec("n", spaces.Box(0, 9, (2, 3), np.int16)),
    ),
    (ActionSpec("many", spaces.Discrete(300)), ActionSpec("keys", spaces.MultiBinary(3))),
    17.5,
)
VIDEO_ERROR = 8.0  # mean over a video's pixels; half the colours' resolution is not kept


def options(salvage: bool = True, **given: str) -> ImportOptions:
    """What a user asks for."""
    return ImportOptions(LerobotImporter.Settings.model_validate_strings(given), salvage=salvage)


def read(root: Path, salvage: bool = True) -> list[tuple[LogEpisode, list[Rows]]]:
    """Every episode of a data set with all of its rows."""
    return [(each, list(each.rows)) for each in LerobotImporter().iter_episodes(root, options(salvage))]


def column(rows: list[Rows], name: str) -> np.ndarray:
    """A sensor or part over all rows."""
    return np.concatenate([{**each.observations, **each.actions}[name] for each in rows])


def export(recordings: Recordings, out: Path, **given: Any) -> list[Path]:
    """Write a data set."""
    exporter, asked = LerobotExporter(), ExportOptions(LerobotExporter.Settings(**given))
    exporter.check(recordings.behavior, asked)
    out.mkdir()
    return list(exporter.write(recordings, out, asked, lambda _what, _done, _total: None))


def assert_same(root: Path, recordings: Recordings, *, lossy: bool) -> None:
    """Assert that a data set holds the recordings; pictures only nearly, if `lossy`."""
    found = read(root)
    assert [each.name for each, _ in found] == [each.name for each in recordings]
    for (log, rows), source in zip(found, recordings, strict=True):
        assert (log.behavior, log.provenance, log.losses) == (source.behavior, source.provenance, [])
        for each in source.behavior.sensors:
            values, expected = column(rows, each.name), source.observation(each.name)
            assert values.dtype == expected.dtype
            if lossy and each.space.dtype == np.uint8:
                assert np.abs(values.astype(float) - expected).mean() < VIDEO_ERROR
            else:
                np.testing.assert_array_equal(values, expected)
        for name in source.behavior.action_names:
            np.testing.assert_array_equal(column(rows, name), source.action(name))
        assert_same_aftermath(rows, source)


def assert_same_aftermath(rows: list[Rows], source: Any) -> None:
    """Assert that rewards, ticks, times, events and the ending came back."""
    for key, expected in (("rewards", source.reward), ("ticks", source.tick), ("times_ns", source.time_ns)):
        np.testing.assert_array_equal(np.concatenate([getattr(each, key) for each in rows]), expected)
    assert [words for each in rows for words in each.events or [[]] * len(each)] == source.events
    ending, final = rows[-1].ending, source.final_observation()
    assert (ending.terminated, ending.truncated) == (source.terminated, source.truncated)
    assert all(each.ending is None for each in rows[:-1])
    assert set(ending.final_observation) == set(final)
    for name, value in final.items():
        np.testing.assert_array_equal(ending.final_observation[name], value)


def test_it_is_an_importer() -> None:
    """The classes are what the entry points promise."""
    assert isinstance(LerobotImporter(), Importer)
    assert LerobotExporter.name == LerobotImporter.name == "lerobot"


@pytest.mark.parametrize("behavior", [VECTOR, PLAIN, PIXELS, TOY, GREY], ids=lambda each: each.name)
@pytest.mark.parametrize("pictures", ["video", "png"])
def test_what_is_exported_comes_back(behavior: BehaviorSpec, pictures: str, tmp_path: Path) -> None:
    """Every aspect of a recording is exact, but for pictures in a video."""
    recordings = record(tmp_path / "logs", behavior)
    export(recordings, tmp_path / "out", pictures=pictures)
    assert_same(tmp_path / "out", recordings, lossy=pictures == "video")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lengths=st.lists(st.integers(1, 150), min_size=1, max_size=5),
    behavior=st.sampled_from([VECTOR, TOY, GREY]),
    discrete=st.sampled_from(["one_hot", "index"]),
    pictures=st.sampled_from(["png", "video"]),
    data_mb=st.sampled_from([0.001, 0.02, 100]),
    files_per_chunk=st.integers(1, 3),
)
def test_the_round_trip_is_exact_whatever_the_files(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], behavior: BehaviorSpec, pictures: str, **given: Any
) -> None:
    """However long episodes are, and however they share files and folders, the same comes back."""
    home = tmp_path_factory.mktemp("trip")
    recordings = record(home / "logs", behavior, lengths=tuple(lengths))
    export(recordings, home / "out", pictures=pictures, video_mb=given["data_mb"], **given)
    assert_same(home / "out", recordings, lossy=pictures == "video")


def test_small_limits_make_many_files(tmp_path: Path) -> None:
    """A file is followed by the next once it is large enough, and a folder once it holds enough files."""
    recordings = record(tmp_path / "logs", PIXELS, lengths=(20, 20, 20, 20, 20))
    written = export(recordings, tmp_path / "out", data_mb=0.0001, video_mb=0.0001, files_per_chunk=2)
    names = {str(path.relative_to(tmp_path / "out")) for path in written}
    for chunk, file in ((0, 0), (0, 1), (1, 0), (1, 1), (2, 0)):
        place = f"chunk-{chunk:03d}/file-{file:03d}"
        assert {f"data/{place}.parquet", f"videos/observation.images.frame/{place}.mp4"} <= names
    assert all(path.is_file() for path in written)


@pytest.mark.parametrize("version", ["v3.0", "v2.1", "v2.0"])
@pytest.mark.parametrize("pictures", ["video", "image"])
def test_others_data_sets_are_read(version: str, pictures: str, tmp_path: Path) -> None:
    """Numbers are exact, each step has its own picture, and the last action's `next.done` ends the episode."""
    foreign = Foreign(version, pictures=pictures)
    write_dataset(tmp_path / "cubes", foreign)
    found = read(tmp_path / "cubes")
    assert [each.name for each, _ in found] == ["cubes-000000", "cubes-000001"]
    for (log, rows), start, length in zip(found, foreign.starts, foreign.lengths, strict=True):
        steps = range(start, start + length)
        np.testing.assert_array_equal(column(rows, "state"), np.stack([state(step) for step in steps]))
        np.testing.assert_array_equal(column(rows, "action"), np.stack([action(step) for step in steps]))
        np.testing.assert_array_equal(np.concatenate([each.rewards for each in rows]), np.float32(steps))
        errors = np.abs(column(rows, "top").astype(float)[:, None] - np.stack([picture(step) for step in steps]))
        assert (errors.mean(axis=(2, 3, 4)).argmin(axis=1) == np.arange(length)).all()
        assert errors.mean(axis=(2, 3, 4)).min(axis=1).max() < (VIDEO_ERROR if pictures == "video" else 1e-9)
        assert (rows[-1].ending.terminated, rows[-1].ending.truncated) == (True, False)
        assert (log.num_steps, log.losses, log.provenance.map) == (length, [], TASK)


def test_features_become_sensors_and_parts(tmp_path: Path) -> None:
    """Names, shapes, the rate, labels and the range that the actions reach are in the spec."""
    write_dataset(tmp_path / "cubes", Foreign())
    behavior = read(tmp_path / "cubes")[0][0].behavior
    assert (behavior.name, behavior.decision_hz) == ("arm", FPS)
    assert behavior.sensor_names == ("state", "top")
    assert behavior.sensor("top").space.shape == (HEIGHT, WIDTH, 3)
    assert behavior.sensor("state").computed["names"] == ["waist", "shoulder", "elbow", "grip"]
    part = behavior.action("action")
    assert part.labels == ("x", "y")
    reached = np.stack([action(step) for step in range(29)])
    np.testing.assert_allclose(part.space.low, reached.min(axis=0))
    np.testing.assert_allclose(part.space.high, [reached[:, 0].max(), 4.0])  # a number that never moved gets room


def test_the_range_of_actions_can_be_set(tmp_path: Path) -> None:
    """Data sets of one robot become one behaviour if the range is given, whatever each of them reaches."""
    write_dataset(tmp_path / "short", Foreign(pictures="none", lengths=(3,)))
    write_dataset(tmp_path / "long", Foreign(pictures="none", lengths=(40,)))

    def behavior(name: str, **given: str) -> BehaviorSpec:
        return next(iter(LerobotImporter().iter_episodes(tmp_path / name, options(**given)))).behavior

    assert behavior("short") != behavior("long")
    assert behavior("short", low="-5", high="5") == behavior("long", low="-5", high="5")
    assert behavior("long", low="-5", high="5").action("action").space == spaces.Box(-5, 5, (2,), np.float32)
    with pytest.raises(RecordingError, match="low must be below high"):
        behavior("long", low="5", high="-5")


def test_whole_and_boolean_actions_are_choices_and_buttons(tmp_path: Path) -> None:
    """One whole number is a choice among as many as the data reaches; booleans are buttons."""
    keys = {"dtype": "bool", "shape": [3], "names": ["w", "a", "d"]}
    foreign = Foreign(
        pictures="none",
        changes={"action": {"dtype": "int64", "shape": [1], "names": None}, "action.keys": keys},
        columns={"action": pa.array([step % 5 for step in range(29)]), "action.keys": [True, False, True]},
    )
    log, rows = read(write_dataset(tmp_path / "cubes", foreign))[1]
    assert log.behavior.action("action").space == spaces.Discrete(5)
    assert log.behavior.action("keys").labels == ("w", "a", "d")
    np.testing.assert_array_equal(column(rows, "action"), np.arange(12, 29) % 5)
    assert (column(rows, "keys") == [1, 0, 1]).all()


def test_success_and_truncation_are_told(tmp_path: Path) -> None:
    """`next.success` is an event; an episode that is done and truncated was truncated."""
    flag = {"dtype": "bool", "shape": [1], "names": None}
    foreign = Foreign(
        pictures="none",
        changes={"next.success": flag, "next.truncated": flag},
        columns={"next.success": pa.array([step == 11 for step in range(29)]), "next.truncated": True},
    )
    (_, rows), (_, others) = read(write_dataset(tmp_path / "cubes", foreign))
    assert [words for each in rows for words in each.events] == [[]] * 11 + [["success"]]
    assert not any(words for each in others for words in each.events)
    assert (rows[-1].ending.terminated, rows[-1].ending.truncated) == (False, True)


def test_times_off_the_frame_rate_are_told_not_refused(tmp_path: Path) -> None:
    """Steps keep their times and pictures, and the episode says how far off they are."""
    write_dataset(tmp_path / "cubes", Foreign(late_s=0.03))
    log, rows = read(tmp_path / "cubes", salvage=False)[0]
    assert [each.steps for each in log.losses] == [0]
    assert "the times of 11 steps are off the frame rate, by up to 30 ms" in log.losses[0].what
    np.testing.assert_allclose(np.concatenate([each.times_ns for each in rows])[:2], [0, 130_000_000], atol=10)
    assert len(column(rows, "top")) == 12


def test_pictures_in_files_of_their_own_are_read(tmp_path: Path) -> None:
    """A table may name a picture's file instead of holding it."""
    cells = [{"bytes": None, "path": f"images/{step}.png"} for step in range(29)]
    foreign = Foreign("v2.0", pictures="image", columns={CAMERA: pa.array(cells[:12])}, lengths=(12,))
    write_dataset(tmp_path / "cubes", foreign)
    (tmp_path / "cubes/images").mkdir()
    for step in range(12):
        (tmp_path / f"cubes/images/{step}.png").write_bytes(png(picture(step)))
    (_, rows), *_ = read(tmp_path / "cubes", salvage=False)
    np.testing.assert_array_equal(column(rows, "top"), np.stack([picture(step) for step in range(12)]))


def test_episodes_may_be_left_unread(tmp_path: Path) -> None:
    """The next episode comes all the same, whether the one before was begun or not."""
    write_dataset(tmp_path / "cubes", Foreign(lengths=(200, 70, 150, 9)))
    for taken in range(3):
        for index, log in enumerate(LerobotImporter().iter_episodes(tmp_path / "cubes", options())):
            if index == 3:
                np.testing.assert_array_equal(column(list(log.rows), "state")[:, 0], np.arange(420, 429))
            for _, _rows in zip(range(taken), log.rows, strict=False):
                pass


def test_the_description_says_what_is_inside(tmp_path: Path) -> None:
    """Counts, files and what will be left out are known before reading."""
    foreign = Foreign(
        changes={"annotation": {"dtype": "string", "shape": [1], "names": None}}, columns={"annotation": "x"}
    )
    write_dataset(tmp_path / "cubes", foreign)
    found = LerobotImporter().describe(tmp_path / "cubes", options())
    assert (found.num_episodes, found.num_steps) == (2, 29)
    assert found.notes == ("version 3.0, 10 steps a second", "left out: annotation")
    assert found.files[0].name == "info.json"
    assert {path.suffix for path in found.files} == {".json", ".parquet", ".mp4"}


def test_only_data_sets_are_recognised(tmp_path: Path) -> None:
    """A folder above or inside one, its files, another `info.json`: none of them is taken for one."""
    root = write_dataset(tmp_path / "many/cubes", Foreign(pictures="none"))
    sniff = LerobotImporter().sniff
    assert sniff(root)
    (tmp_path / "other/meta").mkdir(parents=True)
    (tmp_path / "other/meta/info.json").write_text('{"version": "v3.0", "fps": 3}')
    files = [path for path in root.rglob("*") if path.is_file()]
    assert not any(
        sniff(path) for path in (tmp_path / "many", root / "meta", tmp_path / "other", tmp_path / "no", *files)
    )


def _damage_video(root: Path) -> None:
    (path,) = root.glob("videos/**/*.mp4")
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + len(data) // 2
    data[start : start + 400] = bytes(400)
    path.write_bytes(data)


def _cut_table(root: Path) -> None:
    (path,) = root.glob("data/**/*.parquet")
    pq.write_table(pq.read_table(path).slice(0, 20), path)


def _not_a_number(root: Path) -> None:
    (path,) = root.glob("data/**/*.parquet")
    table = pq.read_table(path)
    values = table.column("observation.state").to_pylist()
    values[15][2] = float("nan")
    at = table.schema.get_field_index("observation.state")
    pq.write_table(table.set_column(at, "observation.state", pa.array(values, pa.list_(pa.float32()))), path)


def _too_long(root: Path) -> None:
    (path,) = root.glob("meta/episodes/**/*.parquet")
    table = pq.read_table(path)
    at = table.schema.get_field_index("length")
    pq.write_table(table.set_column(at, "length", pa.array([12, 170])), path)


DAMAGES = {
    "no video": (lambda root: next(root.glob("videos/**/*.mp4")).unlink(), r"file-000\.mp4 is not there", 0, 0),
    "no table": (lambda root: next(root.glob("data/**/*.parquet")).unlink(), r"file-000\.parquet is not there", 0, 0),
    "table cut": (_cut_table, r"holds 8 of its steps; 17 were announced", 12, 8),
    "not a number": (_not_a_number, r"'observation\.state' holds what is no number, at step 3", 12, 3),
    "too long": (_too_long, r"holds 17 of its steps; 170 were announced", 12, 17),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_leaves_what_is_whole(name: str, tmp_path: Path) -> None:
    """Of a damaged episode the steps before the damage come in, truncated, and the loss says what and how many."""
    damage, message, first, second = DAMAGES[name]
    root = write_dataset(tmp_path / "cubes", Foreign())
    damage(root)
    found = read(root)
    assert [sum(len(each) for each in rows) for _, rows in found] == [first, second]
    log, rows = found[1]
    assert [loss.where for loss in log.losses] == [f"{root}, episode 1"]
    assert log.losses[0].steps == (170 if name == "too long" else 17) - second
    assert not rows or (rows[-1].ending.truncated and not rows[-1].ending.terminated)
    with pytest.raises(RecordingError, match=message):
        read(root, salvage=False)


def test_a_damaged_video_is_never_wrong_silently(tmp_path: Path) -> None:
    """With the middle of a video gone, an episode is told as damaged, or its pictures are those of its steps."""
    root = write_dataset(tmp_path / "cubes", Foreign(lengths=(60,)))
    _damage_video(root)
    ((log, rows),) = read(root)
    steps = sum(len(each) for each in rows)
    assert 10 < steps < 60
    expected = np.stack([picture(step) for step in range(steps)])
    assert np.abs(column(rows, "top").astype(float) - expected).mean(axis=(1, 2, 3)).max() < VIDEO_ERROR
    assert "is damaged at step" in log.losses[0].what or "has no picture" in log.losses[0].what
    assert log.losses[0].steps == 60 - steps


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, dict[str, bytes]]]:
    """Data sets of every kind with the bytes of their files: others' of either version, and one of ours."""
    home = tmp_path_factory.mktemp("whole")
    roots = {
        "v3": write_dataset(home / "v3", Foreign()),
        "v2": write_dataset(home / "v2", Foreign("v2.1", pictures="image")),
        "ours": home / "ours",
    }
    export(record(home / "logs", TOY, lengths=(12, 5)), roots["ours"])
    return {
        name: (root, {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()})
        for name, root in roots.items()
    }


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(["v3", "v2", "ours"]),
    number=st.integers(0, 9),
    share=st.floats(0, 1, exclude_max=True),
    junk=st.none() | st.binary(min_size=1, max_size=8),
)
def test_any_damage_gives_episodes_or_one_sentence(
    whole: dict[str, Any], kind: str, number: int, share: float, junk: bytes | None
) -> None:
    """Whatever bytes of whatever file are changed or cut off, nothing but episodes and RecordingErrors comes out."""
    root, files = whole[kind]
    name = sorted(files)[number % len(files)]
    place = int(share * len(files[name]))
    changed = files[name][:place] + (b"" if junk is None else junk + files[name][place + len(junk) :])
    try:
        (root / name).write_bytes(changed)
        for salvage in (True, False):
            try:
                LerobotImporter().sniff(root)
                LerobotImporter().describe(root, options(salvage))
                _check_rows(read(root, salvage))
            except RecordingError:
                continue
    finally:
        (root / name).write_bytes(files[name])


def _check_rows(found: list[tuple[LogEpisode, list[Rows]]]) -> None:
    for log, rows in found:
        for each in rows:
            for sensor in log.behavior.sensors:
                values = each.observations[sensor.name]
                assert (values.shape, values.dtype) == ((len(each), *sensor.space.shape), sensor.space.dtype)


def _info(root: Path, **changes: Any) -> None:
    path = root / "meta/info.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


BAD_INFOS = {
    "leads out": ({"data_path": "../{chunk_index}{file_index}.parquet"}, "lies outside of it; it is not read"),
    "absolute": ({"video_path": "/etc/{video_key}{chunk_index}{file_index}"}, "lies outside of it; it is not read"),
    "endless": ({"data_path": "{chunk_index:>1000000000000}"}, "is not of a form known here"),
    "attributes": ({"data_path": "{chunk_index.__class__}"}, "is not of a form known here"),
    "no path": ({"data_path": 3}, "has no 'data_path'"),
    "rate": ({"fps": float("nan")}, "says nan frames a second"),
    "version": ({"codebase_version": "v4.0"}, "is of codebase version 'v4.0'; versions 2 and 3 are read"),
    "features": ({"features": []}, "names no features"),
    "shape": ({"features": {"action": {"dtype": "float32", "shape": [1 << 40]}}}, "has the shape .* which cannot be"),
    "pixels": (
        {"features": {CAMERA: {"dtype": "video", "shape": [90000, 90000, 3]}}},
        "the pictures 'observation.images.top' have the shape|has the shape .* which cannot be",
    ),
    "nothing seen": ({"features": {"action": {"dtype": "float32", "shape": [2]}}}, "holds nothing that was seen"),
    "nothing done": ({"features": {"observation.x": {"dtype": "float32", "shape": [2]}}}, "holds no action"),
}


@pytest.mark.parametrize("name", BAD_INFOS)
def test_a_bad_description_is_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    """What `info.json` asks for is not done where it leads out of the folder, has no end, or cannot be."""
    changes, message = BAD_INFOS[name]
    root = write_dataset(tmp_path / "cubes", Foreign())
    _info(root, **changes)
    with pytest.raises(RecordingError, match=message):
        read(root)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    """A table that is a link to a file elsewhere is refused, and not among the files of the log."""
    root = write_dataset(tmp_path / "cubes", Foreign(pictures="none"))
    table = root / "data/chunk-000/file-000.parquet"
    table.rename(tmp_path / "elsewhere.parquet")
    table.symlink_to(tmp_path / "elsewhere.parquet")
    with pytest.raises(RecordingError, match="lies outside of it; it is not read"):
        read(root)
    assert table not in LerobotImporter().describe(root, options()).files


def test_bombs_are_refused(tmp_path: Path) -> None:
    """A picture that says it is huge, and a table whose step unpacks to hundreds of megabytes, are not unpacked."""
    bomb = bytearray(png(np.zeros((24, 32, 3), np.uint8)))
    bomb[16:24] = (60000).to_bytes(4, "big") * 2
    cells = pa.array([{"bytes": bytes(bomb), "path": None}] * 29)
    root = write_dataset(tmp_path / "picture", Foreign(pictures="image", columns={CAMERA: cells}))
    with pytest.raises(RecordingError, match="says it is 60000 × 60000 pixels"):
        read(root, salvage=False)
    zeros = pa.array([{"bytes": bytes(200 << 20), "path": None}])
    root = write_dataset(tmp_path / "table", Foreign(pictures="image", columns={CAMERA: zeros}, lengths=(1,)))
    assert next(root.glob("data/**/*.parquet")).stat().st_size < 20 << 20
    with pytest.raises(RecordingError, match=r"unpacks to .* bytes in 1 steps; that is not read"):
        read(root, salvage=False)


def test_a_video_that_is_a_playlist_leads_nowhere(tmp_path: Path) -> None:
    """A file that asks the decoder to open others is not an MP4, whatever its name."""
    root = write_dataset(tmp_path / "cubes", Foreign())
    (path,) = root.glob("videos/**/*.mp4")
    path.rename(tmp_path / "secret.mp4")
    path.write_text(f"ffconcat version 1.0\nfile '{tmp_path}/secret.mp4'\n")
    with pytest.raises(RecordingError, match="is not an MP4 video"):
        read(root, salvage=False)


def test_our_own_spec_is_only_believed_where_it_fits(tmp_path: Path) -> None:
    """An export whose features were changed since, or whose behaviour's name is a path, is read as anyone's."""
    export(record(tmp_path / "logs", VECTOR), tmp_path / "out")
    info = json.loads((tmp_path / "out/meta/info.json").read_text())
    ours = info["understudy"]
    for behavior in (
        PLAIN.to_dict(),
        {**VECTOR.to_dict(), "name": "../../out"},
        {**VECTOR.to_dict(), "decision_hz": 3.0},
    ):
        _info(tmp_path / "out", understudy={**ours, "behavior": behavior})
        log, rows = read(tmp_path / "out")[0]
        assert (log.behavior.name, log.behavior.action_names, log.losses) == ("vector", ("action",), [])
        assert log.behavior.action("action").labels == (
            "move.back",
            "move.none",
            "move.forward",
            "aim.yaw",
            "aim.pitch",
        )
        assert len(column(rows, "state")) == 23


def test_an_action_vector_that_is_no_choice_is_damage(tmp_path: Path) -> None:
    """An export edited so that a choice is none, or two, ends its episode there."""
    export(record(tmp_path / "logs", VECTOR, lengths=(20,)), tmp_path / "out")
    (path,) = (tmp_path / "out").glob("data/**/*.parquet")
    table = pq.read_table(path)
    values = table.column("action").to_pylist()
    values[7][:3] = [1.0, 1.0, 0.0]
    at = table.schema.get_field_index("action")
    pq.write_table(table.set_column(at, "action", pa.array(values, table.schema.field("action").type)), path)
    ((log, rows),) = read(tmp_path / "out")
    assert sum(len(each) for each in rows) == 7
    assert log.losses[0].what.endswith("'action' is not of the action part 'move', at step 7")


def _with(sensor: SensorSpec | None = None, part: ActionSpec | None = None) -> BehaviorSpec:
    return BehaviorSpec("odd", (sensor or VECTOR.sensors[0],), (part or PLAIN.actions[0],), 10.0)


UNFIT = {
    "empty": (_with(SensorSpec("e", spaces.Box(0, 1, (0,), np.float32))), {}, r"Sensor 'e' has the shape \(0,\)"),
    "small": (
        _with(SensorSpec("s", spaces.Box(0, 255, (32, 32, 3), np.uint8))),
        {"codec": "av1"},
        "Sensor 's' .* av1 takes at least 64 × 64. Set codec=h264 or pictures=png",
    ),
    "many": (_with(part=ActionSpec("m", spaces.Discrete(10_000))), {}, "Action part 'm' has 10,000 .* discrete=index"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_what_does_not_fit_is_named(name: str) -> None:
    """`check` names the sensor or part, and what to do."""
    behavior, given, message = UNFIT[name]
    with pytest.raises(RecordingError, match=message):
        LerobotExporter().check(behavior, ExportOptions(LerobotExporter.Settings(**given)))


def test_statistics_are_those_of_the_data(tmp_path: Path) -> None:
    """`stats.json` holds each number's range, mean and spread over all steps, and the pictures' in [0, 1]."""
    recordings = record(tmp_path / "logs", TOY, lengths=(300, 40))
    export(recordings, tmp_path / "out")
    stats = json.loads((tmp_path / "out/meta/stats.json").read_text())
    rays = np.concatenate([each.observation("rays") for each in recordings]).astype(np.float64)
    found = stats["observation.rays"]
    for name, expected in (("min", rays.min(0)), ("max", rays.max(0)), ("mean", rays.mean(0)), ("std", rays.std(0))):
        np.testing.assert_allclose(found[name], expected, rtol=1e-6)
    np.testing.assert_allclose(found["q50"], np.median(rays, axis=0), atol=5)
    frames = np.concatenate([each.observation("frame") for each in recordings]) / 255
    np.testing.assert_allclose(np.ravel(stats["observation.images.frame"]["mean"]), frames.mean((0, 1, 2)), atol=0.01)
    assert found["count"] == [340]


def test_pictures_keep_their_colours(tmp_path: Path) -> None:
    """A red picture comes back red, from a video and from a PNG."""
    red = np.zeros((24, 32, 3), np.uint8)
    red[..., 0] = 200
    assert cv2.imdecode(np.frombuffer(png(red), np.uint8), cv2.IMREAD_COLOR)[0, 0].tolist() == [0, 0, 200]
    foreign = Foreign("v2.1", pictures="image", columns={CAMERA: pa.array([{"bytes": png(red), "path": None}] * 12)})
    (_, rows), *_ = read(write_dataset(tmp_path / "cubes", foreign.but(lengths=(12,))))
    assert (column(rows, "top") == red).all()
