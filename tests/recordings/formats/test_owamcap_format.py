"""Desktop recordings come in as decisions, in which nothing that was done is lost."""

from __future__ import annotations

import base64
import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from mcap.writer import CompressionType
from owamcap_logs import (
    MS,
    START,
    Message,
    click,
    key,
    move,
    raw,
    screen,
    session,
    write_mcap,
    write_video,
)

from understudy.errors import RecordingError
from understudy.recordings import open_recordings
from understudy.recordings.formats import ImportOptions, import_logs
from understudy.recordings.formats.owamcap import OwamcapImporter
from understudy.recordings.formats.owamcap.plan import OwamcapSettings

W, SPACE = 0x57, 0x20


def episodes(
    path: Path, *, salvage: bool = True, keep_text: bool = False, **chosen: Any
) -> list[tuple[Any, list[Any]]]:
    """Each episode with all its rows."""
    options = ImportOptions(OwamcapSettings(**chosen), salvage=salvage, keep_text=keep_text)
    return [(each, list(each.rows)) for each in OwamcapImporter().iter_episodes(path, options)]


def one(path: Path, **chosen: Any) -> tuple[Any, dict[str, np.ndarray]]:
    """The only episode, with its columns joined."""
    ((episode, rows),) = episodes(path, **chosen)
    columns = {name: np.concatenate([each.actions[name] for each in rows]) for name in episode.behavior.action_names}
    seen = {name: np.concatenate([each.observations[name] for each in rows]) for name in episode.behavior.sensor_names}
    return episode, {**columns, **seen, "times": np.concatenate([each.times_ns for each in rows])}


def steps(count: int, *others: Message) -> list[Message]:
    """Cursor moves that keep the log going for so many steps of 50 ms, with other messages among them."""
    return sorted([*(move(50 * k, k, 0) for k in range(count)), *others], key=lambda each: each[0])


def test_files_are_what_the_package_reads(tmp_path: Path) -> None:
    """The files of these tests are whole MCAP with OWA's profile, as the mcap package reads them."""
    with write_mcap(tmp_path / "a.mcap", session()).open("rb") as file:
        reader = make_reader(file)
        assert reader.get_header().profile == "owa"
        assert sum(1 for _ in reader.iter_messages()) == len(session())


@pytest.mark.parametrize("compression", CompressionType)
def test_every_compression_is_the_same_play(tmp_path: Path, compression: CompressionType) -> None:
    """Plain, lz4 and zstd chunks give the same decisions."""
    _, plain = one(write_mcap(tmp_path / "a.mcap", session(), compression=CompressionType.NONE))
    _, packed = one(write_mcap(tmp_path / "b.mcap", session(), compression=compression))
    assert all(np.array_equal(plain[name], packed[name]) for name in plain)


def test_import_writes_one_recording_without_titles(tmp_path: Path) -> None:
    """A session becomes a recording whose start is the log's, with no window title in it."""
    report = import_logs([write_mcap(tmp_path / "a.mcap", session())], tmp_path / "out")
    (episode,) = open_recordings(tmp_path / "out")
    assert not report.losses
    assert episode.truncated
    assert episode.provenance.started == "2025-06-27T09:49:52+00:00"
    assert "mcap-owa-support 0.6.6" in episode.provenance.source
    assert b"Ann" not in report.written[0].read_bytes()


def test_titles_are_kept_when_asked(tmp_path: Path) -> None:
    """With keep_text titles are events; without, only that the window changed."""
    titles = [(0, "WindowInfo", {"title": "Game"}), (100, "WindowInfo", {"title": "Mail"})]
    path = write_mcap(tmp_path / "a.mcap", steps(6, *titles))
    ((_, rows),) = episodes(path, keep_text=True)
    assert [word for each in rows for words in each.events for word in words] == [
        "window: Game",
        "window changed",
        "window: Mail",
    ]
    ((_, rows),) = episodes(path)
    assert [word for each in rows for words in each.events for word in words] == ["window changed"]


def test_tap_within_a_decision_is_in_it(tmp_path: Path) -> None:
    """A key down and up within one decision is held in that one; one held longer in each it touches."""
    taps = [key(110, SPACE), key(115, SPACE, down=False), key(160, W), key(260, W, down=False)]
    episode, found = one(write_mcap(tmp_path / "a.mcap", steps(8, *taps)))
    labels = episode.behavior.action("keys").labels
    assert found["keys"][:, labels.index("space")].tolist() == [0, 0, 1, 0, 0, 0, 0, 0]
    assert found["keys"][:, labels.index("w")].tolist() == [0, 0, 0, 1, 1, 1, 0, 0]


def test_state_mends_a_lost_release(tmp_path: Path) -> None:
    """A key whose release was lost is up again at the next keyboard state."""
    messages = steps(8, key(10, W), (210, "KeyboardState", {"buttons": []}))
    _, found = one(write_mcap(tmp_path / "a.mcap", messages), keys="w")
    assert found["keys"][:, 0].tolist() == [1, 1, 1, 1, 1, 0, 0, 0]


def test_seen_is_at_the_start_and_done_is_after(tmp_path: Path) -> None:
    """The cursor of a decision is where it was at its start; its movement leads to the next one's."""
    _, found = one(write_mcap(tmp_path / "a.mcap", steps(6)))
    assert found["cursor"][:, 0].tolist() == [0, 0, 1, 2, 3, 4]
    assert found["mouse"][:, 0].tolist() == [0, 1, 1, 1, 1, 1]


def test_mouse_setting_chooses_device_or_cursor(tmp_path: Path) -> None:
    """Raw movements are taken where they are logged; the cursor's where they are not, or when asked."""
    path = write_mcap(tmp_path / "a.mcap", steps(6, *(raw(50 * k + 20, 7, -1) for k in range(6))))
    episode, found = one(path)
    assert found["mouse"].tolist() == [[7, -1]] * 6
    assert episode.behavior.action("mouse").units == "counts per decision"
    episode, found = one(path, mouse="absolute")
    assert found["mouse"][:, 0].sum() == 5
    assert "pixels" in episode.behavior.action("mouse").units


def test_clicks_and_wheel_come_from_either_stream_once(tmp_path: Path) -> None:
    """Clicks and notches are those of the system's events, or, where there are none, of the device."""
    flags = {"button_flags": 0x1 | 0x400, "button_data": 0xFF88}
    device = [raw(60, 0, 0, **flags), raw(130, 0, 0, button_flags=0x2)]
    _, found = one(write_mcap(tmp_path / "a.mcap", steps(6, *device)))
    assert found["buttons"][:, 0].tolist() == [0, 1, 1, 0, 0, 0]
    assert found["wheel"][:, 1].tolist() == [0, -1, 0, 0, 0, 0]
    scroll = (70, "MouseEvent", {"event_type": "scroll", "x": 1, "y": 0, "dx": 0, "dy": -1})
    both = [*device, click(61, "left"), click(131, "left", down=False), scroll]
    _, found = one(write_mcap(tmp_path / "b.mcap", steps(6, *both)))
    assert found["buttons"][:, 0].tolist() == [0, 1, 1, 0, 0, 0]
    assert found["wheel"][:, 1].tolist() == [0, -1, 0, 0, 0, 0]


def test_schemas_of_older_recorders_are_read(tmp_path: Path) -> None:
    """The names and fields of the first versions give the same decisions."""
    old = [
        (
            ms,
            "ScreenEmitted" if name == "ScreenCaptured" else name,
            content if name != "KeyboardState" else {"pressed_vk_list": content["buttons"]},
        )
        for ms, name, content in session()
    ]
    _, new = one(write_mcap(tmp_path / "a.mcap", session()))
    path = write_mcap(tmp_path / "b.mcap", old, prefix="owa_env_desktop.msg.", profile="")
    assert OwamcapImporter().sniff(path)
    _, found = one(path)
    assert all(np.array_equal(new[name], found[name]) for name in new)


def test_pictures_are_those_shown_at_the_decision(tmp_path: Path) -> None:
    """Each decision has the newest frame of the video, reduced to the size asked for."""
    write_video(tmp_path / "log.mkv")
    path = write_mcap(tmp_path / "log.mcap", session(pictures=True))
    episode, found = one(path, size="32x24")
    assert not episode.losses
    assert found["screen"].shape == (len(found["times"]), 24, 32, 3)
    shown = found["screen"].mean(axis=(1, 2, 3))
    expected = 40 + (found["times"] - START - 6 * MS) // (50 * MS)
    assert np.abs(shown - expected).max() < 3
    assert set(OwamcapImporter().describe(path, ImportOptions()).files) == {path, tmp_path / "log.mkv"}


def test_without_its_video_the_rest_comes_in(tmp_path: Path) -> None:
    """A log whose video is gone gives the input alone, and says so."""
    episode, found = one(write_mcap(tmp_path / "log.mcap", session(pictures=True)))
    assert "not beside the log" in episode.losses[0].what
    assert "screen" not in episode.behavior.sensor_names
    assert len(found["keys"]) > 50


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("../secret.mkv", "lies outside"),
        ("/etc/hostname", "lies outside"),
        ("file:///etc/hostname", "lies outside"),
        ("link.mkv", "lies outside"),
        ("https://example.org/a.mkv", "nothing is fetched"),
    ],
)
def test_pictures_elsewhere_are_not_touched(tmp_path: Path, uri: str, message: str) -> None:
    """A picture outside of the log's folder, or in a network, is not read, and the input comes in."""
    (tmp_path / "in").mkdir()
    write_video(tmp_path / "secret.mkv")
    (tmp_path / "in" / "link.mkv").symlink_to(tmp_path / "secret.mkv")
    episode, _ = one(write_mcap(tmp_path / "in" / "a.mcap", [*session(), screen(10, uri)]))
    assert message in episode.losses[0].what
    assert "screen" not in episode.behavior.sensor_names


def test_pictures_in_the_log_itself_are_read(tmp_path: Path) -> None:
    """Pictures written into the messages come in; one that says it is enormous is refused."""
    _, png = cv2.imencode(".png", np.full((48, 64, 3), 90, np.uint8))
    uri = "data:image/png;base64," + base64.b64encode(png.tobytes()).decode()
    shot = (0, "ScreenCaptured", {"media_ref": {"uri": uri}})
    _, found = one(write_mcap(tmp_path / "a.mcap", [shot, *steps(6)]))
    assert (found["screen"] == 90).all()
    huge = bytearray(png.tobytes())
    huge[16:24] = struct.pack(">II", 60_000, 60_000)
    uri = "data:image/png;base64," + base64.b64encode(huge).decode()
    path = write_mcap(tmp_path / "b.mcap", [(0, "ScreenCaptured", {"media_ref": {"uri": uri}}), *steps(6)])
    with pytest.raises(RecordingError, match="at most"):
        episodes(path, salvage=False)


def test_video_that_stops_early_ends_the_episode(tmp_path: Path) -> None:
    """Where the video was cut the episode ends, with what was lost counted."""
    video = write_video(tmp_path / "log.mkv", seconds=1)
    video.write_bytes(video.read_bytes()[:-200])
    path = write_mcap(tmp_path / "log.mcap", session(pictures=True))
    ((episode, rows),) = episodes(path)
    assert 15 < sum(map(len, rows)) < 45
    assert rows[-1].ending.truncated
    assert any("stops before the log does" in loss.what and loss.steps for loss in episode.losses)
    with pytest.raises(RecordingError, match="stops before"):
        episodes(path, salvage=False)


def test_gap_begins_another_episode(tmp_path: Path) -> None:
    """A long time without any event ends the episode, and is told; rows left unread do no harm."""
    later = [(ms + 60_000, name, content) for ms, name, content in session(1)]
    path = write_mcap(tmp_path / "a.mcap", [*session(1), *later, *[(ms + 90_000, n, c) for ms, n, c in session(1)]])
    found = episodes(path)
    assert [sum(map(len, rows)) for _, rows in found] == [20, 20, 20]
    assert "59.0 s without any event" in " ".join(loss.what for episode, _ in found for loss in episode.losses)
    unread = [each.name for each in OwamcapImporter().iter_episodes(path, ImportOptions())]
    assert unread == [episode.name for episode, _ in found]


def test_events_a_little_out_of_order_are_put_in_order(tmp_path: Path) -> None:
    """Messages that threads wrote in turns come in by their times."""
    messages = session()
    mixed = [each for k in range(0, len(messages), 8) for each in reversed(messages[k : k + 8])]
    _, first = one(write_mcap(tmp_path / "a.mcap", messages))
    episode, second = one(write_mcap(tmp_path / "b.mcap", mixed))
    assert not episode.losses
    assert np.array_equal(first["keys"], second["keys"])
    assert np.array_equal(first["buttons"], second["buttons"])


def test_only_the_keys_asked_for(tmp_path: Path) -> None:
    """The keys setting chooses and orders the keys; a word that is no key gets a suggestion."""
    path = write_mcap(tmp_path / "a.mcap", session())
    episode, found = one(path, keys="space, w")
    assert episode.behavior.action("keys").labels == ("space", "w")
    assert found["keys"].shape[1] == 2
    with pytest.raises(RecordingError, match=r"no key 'spce'.*'space'"):
        one(path, keys="spce")


def test_others_are_not_claimed(tmp_path: Path) -> None:
    """MCAP of another profile, and what is no MCAP, are left to others."""
    sniff = OwamcapImporter().sniff
    assert sniff(write_mcap(tmp_path / "a.mcap", session()))
    assert not sniff(write_mcap(tmp_path / "b.mcap", [(0, "Odometry", {})], prefix="nav_msgs/", profile="ros2"))
    (tmp_path / "c.mcap").write_bytes(b"\x89MCAP1\r\n" + bytes(50))
    assert not sniff(tmp_path / "c.mcap")
    assert not sniff(tmp_path)


# Damage


@pytest.mark.parametrize("compression", CompressionType)
def test_killed_recorder_loses_only_the_end(tmp_path: Path, compression: CompressionType) -> None:
    """Cut anywhere, with no footer, the decisions before the cut are those of the whole log, and the loss is told."""
    path = tmp_path / "a.mcap"
    messages = session(1)
    _, whole = one(write_mcap(path, messages, compression=compression, chunk_size=1024))
    data, came_in = path.read_bytes(), 0
    for size in range(30, len(data) - 8, 61):
        path.write_bytes(data[:size])
        try:
            found = episodes(path)
        except RecordingError:
            continue
        if not found:
            continue
        ((episode, rows),) = found
        keys = np.concatenate([each.actions["keys"] for each in rows])
        # The last decision may have lost what was done late in it.
        assert np.array_equal(keys[:-1], whole["keys"][: len(keys) - 1])
        came_in += 1
        if size < len(data) // 3:
            assert episode.losses
            with pytest.raises(RecordingError):
                episodes(path, salvage=False)
    assert came_in > 20


def test_bombs_are_stopped_at_their_bound(tmp_path: Path) -> None:
    """Chunks that unpack to gigabytes, or say so, are refused before that is allocated."""
    path = write_mcap(tmp_path / "a.mcap", [], finish=False)
    start = path.read_bytes()
    zeros = zstandard.ZstdCompressor().compress(bytes(300 * 1024 * 1024))
    for said in (2**40, 1000):
        body = (
            struct.pack("<QQQI", START, START, said, 0)
            + struct.pack("<I", 4)
            + b"zstd"
            + struct.pack("<Q", len(zeros))
            + zeros
        )
        path.write_bytes(start + b"\x06" + struct.pack("<Q", len(body)) + body)
        with pytest.raises(RecordingError, match="unpacks to"):
            episodes(path)
    path.write_bytes(start + b"\x06" + struct.pack("<Q", 2**62) + b"abc")
    with pytest.raises(RecordingError):
        episodes(path)


def test_strange_messages_are_counted(tmp_path: Path) -> None:
    """Messages that are not as their schema says are left out and counted; the rest comes in."""
    strange: list[Any] = [
        (20, "KeyboardEvent", b"{"),
        (21, "KeyboardEvent", {"event_type": "press", "vk": 9999}),
        (22, "KeyboardEvent", {}),
        (23, "MouseEvent", {"event_type": "move", "x": 1e300, "y": "a"}),
        (24, "KeyboardState", b"[" * 50_000),
        (25, "MouseState", {"x": 1, "y": 1, "buttons": ["tail"]}),
        (26, "ScreenCaptured", {"media_ref": {"uri": 7}}),
    ]
    episode, found = one(write_mcap(tmp_path / "a.mcap", steps(6, *strange)))
    assert len(found["keys"]) == 6
    assert "7 messages are not as their schema says" in episode.losses[0].what


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 100_000), value=st.integers(0, 255), compression=st.sampled_from(CompressionType))
def test_any_changed_byte_is_survived(
    tmp_path_factory: pytest.TempPathFactory, place: int, value: int, compression: CompressionType
) -> None:
    """With any byte changed, only episodes or a RecordingError come out."""
    path = write_mcap(tmp_path_factory.mktemp("m") / "a.mcap", session(0.3), compression=compression)
    data = bytearray(path.read_bytes())
    data[place % len(data)] = value
    path.write_bytes(bytes(data))
    OwamcapImporter().sniff(path)
    try:
        import_logs([path], path.parent / "out", format_name="owamcap")
    except RecordingError:
        return


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=300), magic=st.booleans())
def test_any_bytes_are_survived(tmp_path_factory: pytest.TempPathFactory, data: bytes, magic: bool) -> None:
    """Random bytes, with the magic before them or not, give a RecordingError."""
    path = tmp_path_factory.mktemp("m") / "a.mcap"
    path.write_bytes((b"\x89MCAP0\r\n" if magic else b"") + data)
    OwamcapImporter().sniff(path)
    with pytest.raises(RecordingError):
        episodes(path)


@settings(max_examples=40, deadline=None)
@given(
    presses=st.lists(st.tuples(st.integers(0, 1900), st.integers(1, 90), st.sampled_from([W, SPACE])), max_size=12),
    ways=st.lists(st.tuples(st.integers(0, 1999), st.integers(-50, 50)), max_size=30),
    rate=st.sampled_from([5.0, 20.0, 60.0]),
)
def test_nothing_done_is_lost(tmp_path_factory: pytest.TempPathFactory, presses: list, ways: list, rate: float) -> None:
    """At any rate every press is in the decision it was in, and movements add up."""
    messages = [each for at, length, vk in presses for each in (key(at, vk), key(at + length, vk, down=False))]
    messages += [raw(at, way, 0) for at, way in ways]
    path = write_mcap(
        tmp_path_factory.mktemp("m") / "a.mcap",
        [move(0, 0, 0), *sorted(messages, key=lambda each: each[0]), move(2000, 0, 0)],
    )
    episode, found = one(path, rate_hz=rate, keys="w,space", mouse="raw")
    for at, _, vk in presses:
        assert found["keys"][int(at * rate / 1000 + 1e-9), 0 if vk == W else 1]
    assert found["mouse"][:, 0].sum() == sum(way for _, way in ways)
    assert not episode.losses
