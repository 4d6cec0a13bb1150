"""Clips show what was seen and done; videos are read with care."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import av
import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from toys import TOY, write_episode
from understudy.cli.logs.clip import clip as clip_command
from understudy.errors import RecordingError, SpecError
from understudy.recordings import Episode, EpisodeWriter, Provenance
from understudy.recordings.video import VideoReader, VideoWriter, drawing
from understudy.recordings.video.clip import Clip, write_clip
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

PARTS = (
    ActionSpec("move", spaces.Discrete(3), labels=("back", "none", "forward")),
    ActionSpec("buttons", spaces.MultiBinary(3), labels=("fire", "use", "jump")),
    ActionSpec("aim", spaces.Box(-180, 180, (2,), np.float32), "degrees", ("pitch", "yaw")),
    ActionSpec("turn", spaces.Box(-9, 9, (1,), np.float32)),
    ActionSpec("crouch", spaces.Discrete(2), labels=("no", "yes")),
    ActionSpec("slot", spaces.Discrete(300)),
)
FRAME = SensorSpec("frame", spaces.Box(0, 255, (12, 16, 3), np.uint8))
GREY = SensorSpec("grey", spaces.Box(0, 255, (12, 16, 1), np.uint8))
FAN = SensorSpec(
    "rays",
    spaces.Box(0, 100, (3, 3), np.float32),
    computed={"kind": "rays", "angles": [-30, 0, 30], "reach": 100, "types": ["wall", "foe"]},
)
NUMBERS = SensorSpec("numbers", spaces.Box(-np.inf, np.inf, (40,), np.float32))


def record(folder: Path, *sensors: SensorSpec, steps: int = 20, parts: tuple[ActionSpec, ...] = PARTS) -> Episode:
    """Write an episode in which every button goes down at step 10, and the pictures brighten with the steps."""
    behavior = BehaviorSpec("clipped", sensors, parts, 10.0)
    with EpisodeWriter(folder, behavior, Provenance("toy"), name="episode") as writer:
        for step in range(steps):
            down = step == 10
            action = {
                "move": np.array(2 if down else 1),
                "buttons": np.full(3, down, np.int8),
                "aim": np.full(2, 5.0 * down, np.float32),
                "turn": np.full(1, 3.0 * down, np.float32),
                "crouch": np.array(int(down)),
                "slot": np.array(250 if down else 7),
            }
            writer.append(
                {each.name: np.full(each.space.shape, 10 * step, each.space.dtype) for each in sensors},
                {part.name: action[part.name] for part in parts},
                reward=1.0,
                events=["kill"] if down else [],
            )
        writer.finish(terminated=True)
    return Episode(writer.path)


def colours(picture: np.ndarray) -> Counter[tuple[int, ...]]:
    """How often each colour is in a picture."""
    found, counts = np.unique(picture.reshape(-1, 3), axis=0, return_counts=True)
    return Counter(dict(zip(map(tuple, found.tolist()), counts.tolist(), strict=True)))


@pytest.mark.parametrize("part", PARTS[:5], ids=lambda part: part.name)
def test_inputs_are_lit_when_they_are_given(tmp_path: Path, part: ActionSpec) -> None:
    """More of the lit colour is in the picture of the step in which something is done."""
    clip = Clip(record(tmp_path, FRAME, parts=(part,)))
    idle, busy = (colours(clip.picture(step)[clip.height - 120 :])[drawing.LIT] for step in (4, 10))
    assert busy > idle + 20


def test_the_picture_is_the_one_that_was_seen(tmp_path: Path) -> None:
    """The picture above the inputs is the frame of the step, its pixels a whole number of times as large."""
    clip = Clip(record(tmp_path, FRAME), start_s=0.5)
    assert clip.picture(3)[:480].tolist() == np.full((480, 640, 3), 80).tolist()


@pytest.mark.parametrize("sensors", [(GREY,), (FAN,), (NUMBERS,), (NUMBERS, FAN), (FRAME, FAN)])
@pytest.mark.parametrize("width", [320, 641])
def test_every_kind_of_sensor_is_drawn(tmp_path: Path, sensors: tuple[SensorSpec, ...], width: int) -> None:
    """Pictures, fans and numbers are drawn, they change with the steps, and the sides are even."""
    clip = Clip(record(tmp_path, *sensors), width=width)
    first, last = clip.picture(0), clip.picture(19)
    assert first.shape == (clip.height, clip.width, 3)
    assert (clip.height % 2, clip.width % 2) == (0, 0)
    above = slice(0, clip.height // 3)
    assert (first[above] != last[above]).any()


def test_a_sensor_can_be_chosen(tmp_path: Path) -> None:
    """Pictures come first, another sensor if it is named, and an unknown one is an error with a suggestion."""
    episode = record(tmp_path, FAN, FRAME)
    assert Clip(episode).picture(9)[:480].tolist() == Clip(episode, sensor="frame").picture(9)[:480].tolist()
    assert Clip(episode, sensor="rays").height != Clip(episode).height
    with pytest.raises(SpecError, match="Did you mean 'frame'"):
        Clip(episode, sensor="frames")


@pytest.fixture(scope="module")
def two_seconds(tmp_path_factory: pytest.TempPathFactory) -> Episode:
    """An episode of twenty steps."""
    return Episode(write_episode(tmp_path_factory.mktemp("logs"), steps=20))


@given(start=st.floats(0, 3), length=st.floats(0.11, 3))
def test_a_clip_holds_the_steps_asked_for(two_seconds: Episode, start: float, length: float) -> None:
    """A clip is of the steps between two times, or an error that tells how long the episode is."""
    first, stop = round(start * 10), min(20, round((start + length) * 10))
    if first < stop:
        assert len(Clip(two_seconds, start_s=start, stop_s=start + length)) == stop - first
    else:
        with pytest.raises(RecordingError, match=r"2\.0 s long"):
            Clip(two_seconds, start_s=start, stop_s=start + length)


@pytest.mark.parametrize("width", [0, 100, 5000])
def test_widths_have_bounds(tmp_path: Path, width: int) -> None:
    """A clip too narrow to read or too wide to keep is refused."""
    with pytest.raises(RecordingError, match="pixels wide"):
        Clip(record(tmp_path, FRAME), width=width)


@pytest.mark.parametrize(("suffix", "codec", "frames"), [("mp4", "h264", 60), ("gif", "gif", 30)])
def test_clips_are_videos_of_the_right_length(tmp_path: Path, suffix: str, codec: str, frames: int) -> None:
    """An MP4 has a picture for each step, a GIF at most twenty a second; both last as long as the play did."""
    fast = BehaviorSpec("fast", TOY.sensors, TOY.actions, 40.0)
    episode = Episode(write_episode(tmp_path, steps=60, behavior=fast))
    reported: list[tuple[str, int, int]] = []
    out = write_clip(Clip(episode), tmp_path / f"out.{suffix}", 40.0, lambda *each: reported.append(each))
    with av.open(str(out)) as container:
        stream = container.streams.video[0]
        found = list(container.decode(stream))
        assert (stream.codec_context.name, len(found)) == (codec, frames)
        gap = float((found[-1].pts - found[0].pts) * stream.time_base) / (frames - 1)
    assert gap == pytest.approx(1.5 / frames, rel=0.02)
    assert reported[-1] == (f"writing out.{suffix}", frames, frames)


def test_a_gif_has_the_colours_of_the_whole_clip(tmp_path: Path) -> None:
    """Colours that only come up late are in a GIF as they were, nearly."""
    clip = Clip(record(tmp_path, FRAME))
    with av.open(str(write_clip(clip, tmp_path / "out.gif", 10.0, lambda *_: None))) as container:
        last = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)][-1]
    assert abs(int(np.median(last[:400])) - 190) <= 6


def test_nothing_is_overwritten_and_nothing_half_is_left(tmp_path: Path) -> None:
    """A file that is there stays; a clip that fails leaves none."""
    clip = Clip(record(tmp_path / "logs", FRAME))
    (tmp_path / "out.mp4").write_text("mine")
    with pytest.raises(RecordingError, match="nothing is overwritten"):
        write_clip(clip, tmp_path / "out.mp4", 10.0, lambda *_: None)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_clip(clip, tmp_path / "other.mp4", 10.0, stop)
    with pytest.raises(RecordingError, match=r"end in \.mp4 or \.gif"):
        write_clip(clip, tmp_path / "out.webm", 10.0, lambda *_: None)
    assert {each.name for each in tmp_path.iterdir()} == {"logs", "out.mp4"}


def test_the_command_writes_a_clip(tmp_path: Path) -> None:
    """`understudy logs clip` writes the part asked for and says so; of several recordings one must be named."""
    import typer

    app = typer.Typer()
    app.command()(clip_command)
    path = record(tmp_path / "logs", FRAME).path
    asked = [str(path), str(tmp_path / "out.mp4"), "--from", "0.5s", "--to", "1.5s", "--sensor", "frame"]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0, result.output
    assert "10 steps" in result.output
    with VideoReader(tmp_path / "out.mp4") as video:
        assert len(list(video)) == 10
    path.with_name("second.arrows").write_bytes(path.read_bytes())
    result = CliRunner().invoke(app, [str(path.parent), str(tmp_path / "other.mp4")])
    assert isinstance(result.exception, RecordingError)
    assert "name one" in str(result.exception)


# Reading videos.


def write_video(path: Path, num_frames: int = 30, *, options: dict[str, str] | None = None) -> Path:
    """Write a video of moving noise; further options are the container's."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (64, 96 + num_frames, 3), dtype=np.uint8)
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream("libx264", rate=20)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for step in range(num_frames):
            frame = np.ascontiguousarray(noise[:, step : step + 96])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def test_frames_are_those_that_pyav_decodes(tmp_path: Path) -> None:
    """A whole video gives every frame, as PyAV has it."""
    path = write_video(tmp_path / "a.mp4")
    with av.open(str(path)) as container:
        expected = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    with VideoReader(path) as video:
        found = list(video)
        assert (video.num_frames, video.damage) == (30, None)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("share", [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.97])
def test_a_cut_video_gives_its_whole_frames_and_says_so(tmp_path: Path, share: float) -> None:
    """Of a video with its index in front that was cut, the frames before the cut are right, and the damage is told."""
    path = write_video(tmp_path / "a.mp4", options={"movflags": "faststart"})
    with VideoReader(path) as video:
        whole = list(video)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with VideoReader(path) as video:
        found = list(video)
        assert video.damage
    assert 0 < len(found) < 30
    np.testing.assert_array_equal(found, whole[: len(found)])


def test_a_video_without_its_index_is_one_sentence(tmp_path: Path) -> None:
    """A video that was never closed cannot be opened, and the error says what leaves such a file."""
    path = write_video(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(RecordingError, match=r"cannot be opened.*killed"):
        VideoReader(path)


def test_a_huge_video_is_refused_by_its_header(tmp_path: Path) -> None:
    """A size that would need gigabytes is refused before a frame is decoded."""
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=20, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 4100, 4100, "yuv420p"
        container.mux(stream.encode(av.VideoFrame(4100, 4100, "yuv420p")))
        container.mux(stream.encode(None))
    with pytest.raises(RecordingError, match="4100 × 4100"):
        VideoReader(path)


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    """A file without a picture is refused."""
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100, layout="mono")
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        silence.sample_rate = 44100
        container.mux([*stream.encode(silence), *stream.encode(None)])
    with pytest.raises(RecordingError, match="no video"):
        VideoReader(path)


def test_writer_refuses_what_players_cannot_show(tmp_path: Path) -> None:
    """Odd sides and frames of another size are errors in words."""
    with pytest.raises(RecordingError, match="even"):
        VideoWriter(tmp_path / "a.mp4", 9, 16, 20)
    with VideoWriter(tmp_path / "a.mp4", 8, 16, 20) as writer, pytest.raises(RecordingError, match="expected"):
        writer.write(np.zeros((8, 8, 3), np.uint8))


def test_a_video_can_be_written_into_memory() -> None:
    """An open file for bytes becomes an MP4."""
    file = io.BytesIO()
    with VideoWriter(file, 8, 16, 20) as writer:
        writer.write(np.zeros((8, 16, 3), np.uint8))
    with av.open(io.BytesIO(file.getvalue())) as container:
        assert len(list(container.decode(video=0))) == 1
