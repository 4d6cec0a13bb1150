"""VPT logs come in by the rules of VPT's own training, without its public loader's mistakes, and go out again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import vpt_logs
from hypothesis import given
from hypothesis import strategies as st
from vpt_logs import line, write_log

from understudy.errors import RecordingError
from understudy.recordings import Episode, EpisodeWriter, Provenance, open_recordings
from understudy.recordings.formats import ImportOptions, LogEpisode, Rows, export_logs, import_logs
from understudy.recordings.formats.testing import check_importer
from understudy.recordings.formats.vpt import MINECRAFT, VptExporter, VptImporter
from understudy.recordings.formats.vpt.behavior import BUTTONS, minecraft
from understudy.recordings.formats.vpt.cursor import draw_cursor
from understudy.recordings.formats.vpt.exporter import VptExportSettings
from understudy.recordings.formats.vpt.importer import VptSettings
from understudy.recordings.formats.vpt.inputs import InputReader, Inputs
from understudy.recordings.formats.vpt.lines import parse_line
from understudy.recordings.formats.vpt.writing import LineMaker, Step
from understudy.spec import ActionSpec, BehaviorSpec

SMALL = {"height": 90, "width": 160}


def read(path: Path, settings: dict[str, Any] | None = None, **options: Any) -> tuple[LogEpisode, list[Rows]]:
    """Read a log: its episode and all its rows."""
    options_ = ImportOptions(VptSettings.model_validate(settings or {}), **options)
    (episode,) = VptImporter().iter_episodes(path, options_)
    return episode, list(episode.rows)


def column(rows: list[Rows], kind: str, name: str) -> np.ndarray:
    """A column over all rows."""
    return np.concatenate([getattr(each, kind)[name] for each in rows])


def inputs_of(*lines: dict[str, Any], **settings: Any) -> list[Inputs]:
    """What the lines of one log mean."""
    reader = InputReader(**settings)
    return [reader.read(parse_line(json.dumps(each).encode())) for each in lines]


def pressed(inputs: Inputs) -> set[str]:
    """The buttons that are down."""
    return {name for name, held in zip(BUTTONS, inputs.buttons, strict=True) if held}


# Rules of the inputs.


def test_camera_keeps_single_pixels() -> None:
    """One pixel is 0.15 degrees, and pitch comes first; the public loader makes nought of it."""
    (found,) = inputs_of(line(dx=1.0, dy=-2.0))
    assert found.camera == pytest.approx((-0.30, 0.15))
    assert not found.null


def test_keys_and_mouse_buttons_have_minerl_names() -> None:
    """Held keys and mouse buttons are the buttons of MineRL; other keys are none."""
    (found,) = inputs_of(line(buttons=[0, 2, 7], keys=["w", "left.control", "f", "escape", "t"]))
    assert pressed(found) == {"attack", "pickItem", "forward", "sprint", "swapHands", "ESC"}


def test_stuck_attack_is_dropped_until_pressed_afresh() -> None:
    """Attack that is down from the first line on counts only once it is pressed anew."""
    held = {"buttons": [0]}
    found = inputs_of(line(new_buttons=[0], **held), line(**held), line(), line(new_buttons=[0], **held), line(**held))
    assert ["attack" in pressed(each) for each in found] == [False, False, False, True, True]
    assert [each.events for each in found[:2]] == [["null", "attack stuck"]] * 2


def test_attack_pressed_with_something_else_is_not_stuck() -> None:
    """Only attack alone on the first line is the recorder's fault."""
    found = inputs_of(line(buttons=[0, 1], new_buttons=[0, 1]), line(buttons=[0]))
    assert all("attack" in pressed(each) for each in found)


def test_wheel_is_recovered_from_the_selected_slot() -> None:
    """A slot that changes without a key was chosen by the wheel, and that is no null action."""
    found = inputs_of(line(hotbar=4), line(hotbar=4), line(hotbar=5), line(hotbar=5, keys=["3"]), line(hotbar=2))
    assert [each.slot for each in found] == [0, 0, 6, 3, 3]
    assert [each.null for each in found] == [True, True, False, False, False]


def test_recorders_before_6_11_have_no_slot() -> None:
    """A log without the field still has the keys of the slots."""
    old = [line(keys=["2"]), line()]
    for each in old:
        del each["hotbar"]
    assert [each.slot for each in inputs_of(*old)] == [2, 0]


def test_escape_is_inventory_in_a_gui_if_asked() -> None:
    """With the setting, ESC in a GUI is the inventory key; without a GUI it stays."""
    escape = {"keys": ["escape"]}
    found = inputs_of(line(isGuiOpen=True, **escape), line(**escape), esc_as_inventory=True)
    assert [pressed(each) for each in found] == [{"inventory"}, {"ESC"}]
    assert pressed(inputs_of(line(isGuiOpen=True, **escape))[0]) == {"ESC"}


@pytest.mark.parametrize(("version", "factor"), [("5.8", 0.5), ("6.9", 2.0), ("6.13", 1.0), ("10.0", 1.0)])
def test_mouse_in_a_gui_is_scaled_by_recorder_version(tmp_path: Path, version: str, factor: float) -> None:
    """The folder's name is the recorder's version, and only in a GUI it matters."""
    path = write_log(tmp_path / version, [line(dx=10.0, isGuiOpen=True), line(dx=10.0)], **SMALL)
    episode, rows = read(path)
    assert column(rows, "actions", "camera")[:, 1].tolist() == pytest.approx([1.5 * factor, 1.5])
    assert episode.provenance.source == f"vpt (recorder {version})"


def test_version_can_be_said(tmp_path: Path) -> None:
    """A setting names the version where the folder does not."""
    path = write_log(tmp_path, [line(dx=10.0, isGuiOpen=True)], **SMALL)
    _, rows = read(path, {"recorder_version": "6.9"})
    assert column(rows, "actions", "camera")[0, 1] == pytest.approx(3.0)


# Frames.


def test_each_line_has_its_frame(tmp_path: Path) -> None:
    """The frame of a step is the one before its action, at the size that VPT trains on."""
    path = write_log(tmp_path, [line(step, hotbar=step % 9) for step in range(150)])
    episode, rows = read(path)
    frames = column(rows, "observations", "frame")
    assert frames.shape == (150, 128, 128, 3)
    assert [vpt_logs.frame_number(each) for each in frames] == [step % 20 for step in range(150)]
    assert [len(each) for each in rows] == [64, 64, 22]
    assert episode.behavior == MINECRAFT
    assert np.concatenate([each.ticks for each in rows]).tolist() == list(range(150))
    assert rows[0].times_ns[1] - rows[0].times_ns[0] == 50_000_000


def test_frames_are_resized_as_in_training(tmp_path: Path) -> None:
    """Bilinear interpolation of the RGB picture, and nothing else."""
    from understudy.recordings.video import VideoReader

    path = write_log(tmp_path, vpt_logs.sample_lines(1, 3))
    _, rows = read(path)
    with VideoReader(path.with_suffix(".mp4")) as video:
        first = next(iter(video))
    expected = cv2.resize(first, (128, 128), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(rows[0].observations["frame"][0], expected)


@pytest.mark.parametrize(("size", "shape"), [("64x32", (32, 64, 3)), ("video", (90, 160, 3))])
def test_size_is_a_setting(tmp_path: Path, size: str, shape: tuple[int, ...]) -> None:
    """Frames come at the size asked for."""
    episode, rows = read(write_log(tmp_path, [line()], **SMALL), {"size": size})
    assert rows[0].observations["frame"][0].shape == shape
    assert episode.behavior == minecraft(shape[:2])


def test_size_has_a_limit(tmp_path: Path) -> None:
    """Frames too large to keep are refused before they are made."""
    with pytest.raises(RecordingError, match="9999 × 9999"):
        read(write_log(tmp_path, [line()], **SMALL), {"size": "9999x9999"})


def test_cursor_is_drawn_where_the_log_says(tmp_path: Path) -> None:
    """In a GUI the cursor's white body is in the frame, at half of the window's coordinates; else it is not."""
    path = write_log(tmp_path, [line(isGuiOpen=True, x=200.0, y=100.0), line(1, x=200.0, y=100.0)])
    _, rows = read(path, {"size": "video"})
    in_gui, in_game = rows[0].observations["frame"]
    assert (in_gui[55, 102] > 240).all()
    assert not (in_game[55, 102] > 240).any()
    assert rows[0].events == [["gui", "null"], ["null"]]
    assert rows[0].extras["cursor"][0].tolist() == [200.0, 100.0]


@given(x=st.floats(-4000, 4000), y=st.floats(-4000, 4000))
def test_cursor_stays_inside_its_square(x: float, y: float) -> None:
    """Wherever the cursor is, at most its own 16 × 16 pixels change, and nothing breaks."""
    before = vpt_logs.frame(3)
    after = before.copy()
    draw_cursor(after, x, y)
    changed = np.argwhere((before != after).any(-1))
    if len(changed):
        assert (changed.min(0) >= (max(0, int(y / 2)), max(0, int(x / 2)))).all()
        assert (changed.max(0) < (int(y / 2) + 16, int(x / 2) + 16)).all()


# The import as a whole.


def test_import_hides_the_player_and_what_was_typed(tmp_path: Path) -> None:
    """Neither the alias nor the typed text is anywhere in the recording; the hash and the session are."""
    write_log(tmp_path / "log", [line(step, chars="secret words") for step in range(5)], **SMALL)
    report = import_logs([tmp_path / "log"], tmp_path / "out", format_name="vpt")
    (path,) = report.written
    assert path.name == f"{vpt_logs.NAME}.arrows"
    assert vpt_logs.ALIAS.encode() not in path.read_bytes()
    assert b"secret" not in path.read_bytes()
    episode = Episode(path)
    assert episode.provenance.player
    assert episode.provenance.started == "2022-04-21T09:26:39+00:00"
    assert episode.provenance.notes["session"] == "02e496ce4abb"
    assert episode.truncated
    assert not report.losses


def test_text_is_kept_if_asked(tmp_path: Path) -> None:
    """With --keep-text, what was typed is an event."""
    path = write_log(tmp_path, [line(chars="hello")], **SMALL)
    assert read(path, keep_text=True)[1][0].events == [["null", "typed: hello"]]


def test_half_characters_can_be_stored(tmp_path: Path) -> None:
    """What JSON and file names can spell but UTF-8 cannot is replaced, not a crash."""
    lines = [line(chars="a\ud800"), line(1) | {"understudy": {"events": ["\ud800"]}}]
    path = write_log(tmp_path / "log", lines, stem=f"\udcff{vpt_logs.STEM}", **SMALL)
    assert read(path)[0].provenance.player == f"?{vpt_logs.ALIAS}"
    write_log(tmp_path / "plain", lines, **SMALL)
    asked = ImportOptions(keep_text=True)
    report = import_logs([tmp_path / "plain"], tmp_path / "out", format_name="vpt", options=asked)
    assert Episode(report.written[0]).events == [["null", "typed: a?"], ["?"]]


def test_a_folder_of_logs_leaves_nothing_unknown(tmp_path: Path) -> None:
    """The log is recognised by itself, and its video, options and world are known with it."""
    path = write_log(tmp_path / "log", [line()], **SMALL)
    path.with_suffix(".zip").write_bytes(b"PK")
    (tmp_path / "log" / f"{vpt_logs.STEM}-options.json").write_text("{}")
    report = import_logs([tmp_path / "log"], tmp_path / "out")
    assert (len(report.written), report.unknown, report.losses) == (1, [], [])


def test_other_file_names_are_no_player(tmp_path: Path) -> None:
    """A name of another form may hold anything, so the episode's name is a digest, the same each time."""
    path = write_log(tmp_path, [line()], stem="Anna Smith's first try", **SMALL)
    episode, _ = read(path)
    assert episode.provenance.player == ""
    assert episode.name.startswith("vpt-")
    assert "anna" not in episode.name.lower()
    assert episode.name == read(path)[0].name


def test_null_actions_are_marked_or_dropped(tmp_path: Path) -> None:
    """Null actions stay, marked; with the setting they go, and the ticks show the gaps."""
    lines = [line(step, keys=["w"] if step % 3 == 0 else []) for step in range(10)]
    path = write_log(tmp_path, lines, **SMALL)
    _, kept = read(path)
    assert [each == ["null"] for each in kept[0].events] == [step % 3 != 0 for step in range(10)]
    _, dropped = read(path, {"drop_null": True})
    assert dropped[-1].ticks.tolist() == [0, 3, 6, 9]
    assert dropped[-1].ending.truncated


def test_escape_ends_an_episode(tmp_path: Path) -> None:
    """Somebody who presses ESC outside a GUI in the last line has left by themselves, as BASALT asks for."""
    _, rows = read(write_log(tmp_path / "1", [line(), line(1, keys=["escape"])], **SMALL))
    assert (rows[-1].ending.terminated, rows[-1].ending.truncated) == (True, False)
    _, rows = read(write_log(tmp_path / "2", [line(), line(1, keys=["escape"], isGuiOpen=True)], **SMALL))
    assert (rows[-1].ending.terminated, rows[-1].ending.truncated) == (False, True)


def test_logs_without_pose_have_no_pose_sensors(tmp_path: Path) -> None:
    """What the recorder did not log is no sensor; what it did log is privileged, as only the debug screen shows it."""
    lines = [line(step) for step in range(3)]
    for each in lines:
        del each["xpos"]
    assert read(write_log(tmp_path, lines, **SMALL))[0].behavior.sensor_names == ("frame",)
    assert [each.privileged for each in MINECRAFT.sensors] == [False, True, True]


def test_describe_names_all_files(tmp_path: Path) -> None:
    """The video, the options and the world belong to the log."""
    path = write_log(tmp_path, [line(step) for step in range(4)], **SMALL)
    path.with_suffix(".zip").write_bytes(b"PK")
    (tmp_path / f"{vpt_logs.STEM}-options.json").write_text("{}")
    about = VptImporter().describe(path, ImportOptions(VptSettings()))
    assert {each.name for each in about.files} == {each.name for each in tmp_path.iterdir()}
    assert (about.num_episodes, about.num_steps) == (1, 4)


@pytest.mark.parametrize(
    "text",
    [b"", b"\n", b"[1]\n", b'{"mouse": 3}\n', b'{"obs": [1], "act": 2}\n', b"\x00" * 99, b"[" * 60000, b"{" * 70000],
)
def test_other_files_are_not_claimed(tmp_path: Path, text: bytes) -> None:
    """Lines of other tools are not VPT's, nor is a folder."""
    (tmp_path / "a.jsonl").write_bytes(text)
    assert not VptImporter().sniff(tmp_path / "a.jsonl")
    assert not VptImporter().sniff(tmp_path)
    assert not VptImporter().sniff(tmp_path / "absent.jsonl")


# Damage.


def test_half_a_last_line_is_a_loss(tmp_path: Path) -> None:
    """A recorder that was killed leaves half a line: the steps before it are whole."""
    path = write_log(tmp_path, [*(line(step) for step in range(5)), json.dumps(line(5)).encode()[:300]], **SMALL)
    episode, rows = read(path)
    assert sum(map(len, rows)) == 5
    assert rows[-1].ending.truncated
    (loss,) = episode.losses
    assert "line 6" in loss.what
    assert loss.steps == 1
    with pytest.raises(RecordingError, match="line 6"):
        read(path, salvage=False)


@pytest.mark.parametrize(
    "bad",
    [
        *(
            b"not json\n",
            b"\x00\x00\n",
            b"[" * 5000 + b"\n",
            b"{}\n",
            b'{"mouse": {}}\n',
            b"\xff\xfe\n",
            b"1" * 5000 + b"\n",
        ),
        json.dumps(line(dx=float("nan"))).encode() + b"\n",
        json.dumps(line(hotbar=99)).encode() + b"\n",
        json.dumps(line(tick=2**70)).encode() + b"\n",
        json.dumps(line(tick="3")).encode() + b"\n",
        json.dumps({**line(), "milli": None}).encode() + b"\n",
        b'{"a": "' + b"x" * (1 << 20) + b'"}\n',
    ],
)
def test_a_bad_line_ends_the_episode(tmp_path: Path, bad: bytes) -> None:
    """What comes before an unreadable line is whole; it and what follows it is lost, and counted."""
    path = write_log(tmp_path, [line(), line(1), bad, line(3)], **SMALL)
    episode, rows = read(path)
    assert sum(map(len, rows)) == 2
    assert episode.losses[0].steps >= 2


def test_a_video_that_ends_early_ends_the_episode(tmp_path: Path) -> None:
    """Lines without frames are lost, and counted."""
    path = write_log(tmp_path, [line(step) for step in range(9)], num_frames=6, **SMALL)
    episode, rows = read(path)
    assert sum(map(len, rows)) == 6
    assert (episode.losses[0].steps, "ends before" in episode.losses[0].what) == (3, True)
    with pytest.raises(RecordingError, match="frame 7"):
        read(path, salvage=False)


def test_frames_without_lines_are_told(tmp_path: Path) -> None:
    """A video that goes on after the log is told, though no step is lost."""
    episode, rows = read(write_log(tmp_path, [line(step) for step in range(4)], num_frames=7, **SMALL))
    assert sum(map(len, rows)) == 4
    assert "3 frames" in episode.losses[0].what


def test_a_missing_video_is_told_and_the_others_come(tmp_path: Path) -> None:
    """A log without video is a loss; the next one is read."""
    write_log(tmp_path / "log", [line()], stem="a-000000000001-20220421-092639", **SMALL).with_suffix(".mp4").unlink()
    write_log(tmp_path / "log", [line()], stem="b-000000000002-20220421-092639", **SMALL)
    report = import_logs([tmp_path / "log"], tmp_path / "out", format_name="vpt")
    assert len(report.written) == 1
    assert "has no video" in report.losses[0].what


def test_a_video_behind_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    """A video that is a link to another folder is not followed."""
    path = write_log(tmp_path / "log", [line()], **SMALL)
    path.with_suffix(".mp4").rename(tmp_path / "elsewhere.mp4")
    path.with_suffix(".mp4").symlink_to(tmp_path / "elsewhere.mp4")
    with pytest.raises(RecordingError, match="lies outside"):
        read(path)


def test_a_playlist_is_no_video(tmp_path: Path) -> None:
    """FFmpeg's other formats, some of which open further files, are not taken for a video."""
    path = write_log(tmp_path, [line()], **SMALL)
    path.with_suffix(".mp4").write_text("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n")
    with pytest.raises(RecordingError, match="cannot be opened"):
        read(path)


@given(cut=st.floats(0, 1), flips=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=6))
def test_damaged_logs_give_episodes_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, cut: float, flips: list[tuple[float, int]]
) -> None:
    """Cut or changed anywhere, a log gives steps of which each is whole, or a `RecordingError`."""
    path = vpt_logs.sample_log(tmp_path_factory.mktemp("log"), 1)
    for file in (path, path.with_suffix(".mp4")):
        data = bytearray(file.read_bytes())
        for place, value in flips:
            data[int(place * len(data))] = value
        file.write_bytes(data[: int(cut * len(data))] if cut < 0.9 else data)
    try:
        _, rows = read(path)
    except RecordingError:
        return
    for each in rows:
        assert np.isfinite(each.actions["camera"]).all()
        assert each.observations["frame"].shape[1:] == (128, 128, 3)


# The way out.

BUTTON_STATES = st.lists(st.integers(0, 1), min_size=len(BUTTONS), max_size=len(BUTTONS))
ACTIONS = st.tuples(
    st.tuples(st.floats(-180, 180, width=32), st.floats(-180, 180, width=32)), BUTTON_STATES, st.integers(0, 9)
)


@given(actions=st.lists(ACTIONS, min_size=1, max_size=12))
def test_actions_come_back_from_their_lines(actions: list[tuple[Any, list[int], int]]) -> None:
    """Whatever was done, the lines that are written say the same again: camera, buttons and slot."""
    maker, reader = LineMaker(), InputReader()
    for step, (camera, buttons, slot) in enumerate(actions):
        action = {
            "camera": np.array(camera, np.float32),
            "buttons": np.array(buttons, np.int8),
            "hotbar": np.array(slot),
        }
        made = maker.line(Step((0.0,) * 5, action, (0.0, 0.0), step, 50_000_000 * step, 1.0, []))
        found = reader.read(parse_line(json.dumps(made).encode()))
        np.testing.assert_array_equal(np.array(found.camera, np.float32), action["camera"])
        assert (found.buttons, found.slot) == (buttons, slot)


def record(folder: Path, behavior: BehaviorSpec, steps: int = 70) -> Path:
    """Write a recording of a behaviour whose frames tell their number."""
    rng = np.random.default_rng(3)
    height, width, _ = behavior.sensor("frame").space.shape

    def seen(step: int) -> dict[str, np.ndarray]:
        values = {"frame": vpt_logs.frame(step, height=height, width=width)}
        values |= {"position": np.float32([step, 63.1, -step]), "view": np.float32([8.1, -112.35])}
        return {name: values[name] for name in behavior.sensor_names}

    provenance = Provenance("minecraft", map="plains", seed=7, player="ann", started="2024-01-01T00:00:00+00:00")
    with EpisodeWriter(folder, behavior, provenance, name="session-1") as writer:
        for step in range(steps):
            action = {
                "camera": rng.uniform(-20, 20, 2).astype(np.float32),
                "buttons": rng.integers(0, 2, len(BUTTONS)).astype(np.int8),
                "hotbar": rng.integers(0, 10),
            }
            action = {name: action[name] for name in behavior.action_names}
            reward = None if step % 2 else 0.1 * step
            writer.append(seen(step), action, reward=reward, events=["gui"] if step % 9 == 0 else [], tick=3 * step)
        writer.finish(terminated=True, final_observation=seen(steps))
        return writer.path


def test_exports_come_back_as_they_were(tmp_path: Path) -> None:
    """All but the pictures is exact, and the pictures are close."""
    original = Episode(record(tmp_path / "logs", MINECRAFT))
    export_logs(open_recordings(tmp_path / "logs"), tmp_path / "vpt", "vpt")
    report = import_logs([tmp_path / "vpt"], tmp_path / "again", format_name="vpt")
    assert not report.losses
    found = Episode(report.written[0])
    assert (found.name, found.behavior) == (original.name, original.behavior)
    for name in MINECRAFT.action_names:
        np.testing.assert_array_equal(found.action(name), original.action(name))
    for name in ("position", "view"):
        np.testing.assert_array_equal(found.observation(name), original.observation(name))
    for name in ("reward", "tick", "time_ns"):
        np.testing.assert_array_equal(getattr(found, name), getattr(original, name))
    assert (found.events, found.terminated, found.truncated) == (original.events, True, False)
    assert (found.provenance.map, found.provenance.seed) == ("plains", 7)
    close = {"rtol": 0, "atol": 12}
    np.testing.assert_allclose(
        found.observation("frame").astype(int), original.observation("frame").astype(int), **close
    )
    assert vpt_logs.frame_number(found.final_observation()["frame"]) == 70 % 20
    assert found.final_observation()["position"].tolist() == original.final_observation()["position"].tolist()


def test_parts_of_the_behaviour_come_back_too(tmp_path: Path) -> None:
    """A recording with a frame of another size, and only some sensors and parts, comes back as that."""
    whole = minecraft((48, 64))
    part = BehaviorSpec("builder", whole.select(["frame"]).sensors, whole.actions[:2], 20.0)
    original = Episode(record(tmp_path / "logs", part, steps=5))
    export_logs(open_recordings(tmp_path / "logs"), tmp_path / "vpt", "vpt", settings={"size": "640x360"})
    found = Episode(import_logs([tmp_path / "vpt"], tmp_path / "again", format_name="vpt").written[0])
    assert found.behavior == part
    np.testing.assert_array_equal(found.action("buttons"), original.action("buttons"))
    assert [vpt_logs.frame_number(each) for each in found.observation("frame")] == list(range(5))


def test_recordings_of_one_name_are_exported_apart(tmp_path: Path) -> None:
    """Two recordings of the same name, in different folders, are two logs."""
    for folder, steps in (("a", 3), ("b", 5)):
        record(tmp_path / "logs" / folder, minecraft((32, 32)), steps=steps)
    export_logs(open_recordings(tmp_path / "logs"), tmp_path / "vpt", "vpt")
    report = import_logs([tmp_path / "vpt"], tmp_path / "again", format_name="vpt")
    assert sorted(Episode(each).num_steps for each in report.written) == [3, 5]


def test_large_frames_come_a_few_at_a_time(tmp_path: Path) -> None:
    """Rows are bounded in bytes too."""
    _, rows = read(write_log(tmp_path, [line(step) for step in range(9)], **SMALL), {"size": "2048x2048"})
    assert [len(each) for each in rows] == [2, 2, 2, 2, 1]


def test_a_log_is_found_by_its_video_and_in_capitals(tmp_path: Path) -> None:
    """The video names its log; a name in capitals is no other format; a file that is not there is one sentence."""
    path = write_log(tmp_path, [line()], **SMALL)
    assert sum(map(len, read(path.with_suffix(".mp4"))[1])) == 1
    capitals = path.rename(path.with_suffix(".JSONL"))
    assert VptImporter().sniff(capitals)
    assert sum(map(len, read(capitals)[1])) == 1
    with pytest.raises(RecordingError, match="cannot be read"):
        read(path)


def test_export_has_what_the_public_loader_asks_for(tmp_path: Path) -> None:
    """Each line has the recorder's fields, the video as many frames as lines and the final one, at 20 Hz."""
    import av

    record(tmp_path / "logs", MINECRAFT, steps=6)
    export_logs(open_recordings(tmp_path / "logs"), tmp_path / "vpt", "vpt", settings={"size": "640x360"})
    lines = [json.loads(each) for each in (tmp_path / "vpt/session-1.jsonl").read_text().splitlines()]
    assert all(set(line()) <= set(each) and set(line()["mouse"]) <= set(each["mouse"]) for each in lines)
    assert lines[0]["mouse"]["newButtons"] == []
    with av.open(str(tmp_path / "vpt/session-1.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.average_rate, stream.frames) == (640, 360, 20, 7)


@pytest.mark.parametrize(
    ("behavior", "settings", "word"),
    [
        (BehaviorSpec("a", MINECRAFT.sensors, (ActionSpec("jump", MINECRAFT.actions[2].space),), 20.0), {}, "'jump'"),
        (BehaviorSpec("a", MINECRAFT.sensors[1:], MINECRAFT.actions, 20.0), {}, "'frame'"),
        (BehaviorSpec("a", MINECRAFT.sensors, MINECRAFT.actions, 35.0), {}, "35.0 Hz"),
        (minecraft((9, 16)), {}, "640x360"),
        (MINECRAFT, {"size": "33x32"}, "33 × 32"),
    ],
)
def test_exporter_names_what_it_cannot_hold(behavior: BehaviorSpec, settings: dict[str, str], word: str) -> None:
    """What has no room is refused by its name before anything is written."""
    from understudy.recordings.formats import ExportOptions

    with pytest.raises(RecordingError, match=word):
        VptExporter().check(behavior, ExportOptions(VptExportSettings(**settings)))


@pytest.mark.parametrize(
    "change",
    [
        {"behavior": {}},
        {"name": "../../etc/passwd"},
        {"provenance": {"game": 3}},
        {"provenance": {"game": "\ud800"}},
        {"final_pose": [1, 2]},
        {"behavior": {"format": 1, "name": "a", "decision_hz": 20.0, "actions": [], "sensors": [
            {"name": "frame", "space": {"type": "box", "shape": [99999, 99999, 3], "dtype": "uint8"}}
        ]}},
    ],
)  # fmt: skip
def test_options_of_others_making_are_not_used(tmp_path: Path, change: dict[str, Any]) -> None:
    """Metadata that does not fit is left alone and told, and the log comes in as any other."""
    record(tmp_path / "logs", MINECRAFT, steps=4)
    export_logs(open_recordings(tmp_path / "logs"), tmp_path / "vpt", "vpt")
    options = tmp_path / "vpt/session-1-options.json"
    options.write_text(json.dumps({"understudy": json.loads(options.read_text())["understudy"] | change}))
    episode, rows = read(tmp_path / "vpt/session-1.jsonl")
    assert "is not used" in episode.losses[0].what
    assert episode.behavior == MINECRAFT
    assert sum(map(len, rows)) == 4


def test_the_importer_keeps_the_contract(tmp_path: Path) -> None:
    """The contract that every importer keeps holds, for logs cut anywhere too."""
    check_importer(VptImporter(), [vpt_logs.sample_log(tmp_path, seed) for seed in range(2)], cuts=40)
