"""Unity's demonstrations come in as they are, damaged ones as far as they are whole, and ours go out and come back."""

from __future__ import annotations

import contextlib
import json
import os
import struct
import subprocess
import tracemalloc
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unity_demos import (
    BRAIN,
    OLD_CONTINUOUS,
    OLD_DISCRETE,
    delimited,
    demo_bytes,
    floats,
    iter_read,
    pair,
    picture,
    png,
    read_all,
    sample_log,
    varint,
    vector,
    walk,
    write_demo,
)

from toys import EXTRAS, TOY, assert_steps, sample_observation, sample_space, write_episode
from understudy.errors import RecordingError
from understudy.recordings import Episode, EpisodeWriter, Provenance, open_recordings
from understudy.recordings.formats import ExportOptions, ImportOptions, export_logs, import_logs
from understudy.recordings.formats.mlagents import MlagentsExporter, MlagentsImporter
from understudy.recordings.formats.mlagents import demo_pb2 as pb
from understudy.recordings.formats.mlagents.exporter import MlagentsExportSettings
from understudy.recordings.formats.mlagents.importer import MlagentsSettings
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

# --- what is in a file ----------------------------------------------------------------------------------------------


def test_a_row_takes_its_reward_from_the_pair_after(tmp_path: Path) -> None:
    """A row is an observation, the action on it, and the reward that Unity tells with the next observation."""
    (episode,) = read_all(write_demo(tmp_path / "a.demo", walk(5)))
    assert episode.num_steps == 5
    np.testing.assert_array_equal(episode.rewards, [1, 2, 3, 4, 5])
    np.testing.assert_array_equal(episode.observations["VectorSensor_size4"], [vector(step) for step in range(5)])
    np.testing.assert_array_equal(episode.actions["continuous"], [(step / 64, -1) for step in range(5)])
    np.testing.assert_array_equal(episode.actions["branch_0"], [0, 1, 2, 0, 1])
    np.testing.assert_array_equal(episode.actions["branch_1"], [0, 1, 0, 1, 0])
    assert episode.ending is not None
    assert (episode.ending.terminated, episode.ending.truncated) == (True, False)
    assert episode.ending.final_observation is not None
    np.testing.assert_array_equal(episode.ending.final_observation["VectorSensor_size4"], vector(5))
    assert not episode.losses


def test_the_behaviour_is_what_the_file_says(tmp_path: Path) -> None:
    """Sensors are named as in the file, parts after their lists, and the rate is Unity's default until one is set."""
    path = write_demo(tmp_path / "a.demo", walk(2))
    (episode,) = read_all(path)
    behavior = episode.log.behavior
    assert (behavior.name, behavior.decision_hz) == ("Crawler", 10)
    assert behavior.sensor_names == ("VectorSensor_size4",)
    assert [str(each.space) for each in behavior.actions] == [
        "Box(-1.0, 1.0, (2,), float32)",
        "Discrete(3)",
        "Discrete(2)",
    ]
    assert episode.log.provenance.notes == {"agent": 0, "team": 1}
    assert "ExpertCrawler" not in episode.log.provenance.to_json()
    (named,) = read_all(path, keep_text=True, settings=MlagentsSettings(decision_hz=50))
    assert named.log.behavior.decision_hz == 50
    assert named.log.provenance.notes["demonstration"] == "ExpertCrawler"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["", ""], ("obs_0", "obs_1")),
        (["Ray Perception-1", "Ray Perception-1"], ("Ray_Perception_1", "Ray_Perception_1_2")),
        (["3D?", "../x"], ("_3D", "x")),
        (["a", "a_2"], ("a", "a_2")),
    ],
)
def test_names_become_identifiers(tmp_path: Path, names: list[str], expected: tuple[str, ...]) -> None:
    """Whatever a game calls its sensors, each gets an identifier of its own."""
    pairs = [pair([floats(vector(step), name) for name in names]) for step in range(3)]
    (episode,) = read_all(write_demo(tmp_path / "a.demo", pairs))
    assert episode.log.behavior.sensor_names == expected


def test_a_behaviours_name_is_no_path(tmp_path: Path) -> None:
    """A hostile name stays in the folder of the import."""
    brain = pb.BrainParametersProto()
    brain.CopyFrom(BRAIN)
    brain.brain_name = "../../evil/../x?team=zero"
    write_demo(tmp_path / "a.demo", walk(2), brain)
    report = import_logs([tmp_path / "a.demo"], tmp_path / "out")
    assert [path.parent.parent for path in report.written] == [tmp_path / "out"]


def test_an_episode_that_max_step_ended_is_truncated(tmp_path: Path) -> None:
    """An agent that ran out of steps did not lose."""
    pairs = walk(3)
    pairs[-1].agent_info.max_step_reached = True
    (episode,) = read_all(write_demo(tmp_path / "a.demo", pairs))
    assert episode.ending is not None
    assert (episode.ending.terminated, episode.ending.truncated) == (False, True)


def test_a_file_without_done_is_one_unfinished_episode(tmp_path: Path) -> None:
    """Its last decision is kept, with a reward that nobody knows."""
    (episode,) = read_all(write_demo(tmp_path / "a.demo", walk(4, done=False)))
    np.testing.assert_array_equal(episode.rewards, [1, 2, 3, np.nan])
    assert episode.ending is not None
    assert (episode.ending.truncated, episode.ending.final_observation) == (True, None)
    assert not episode.losses


def test_defaults_that_are_not_written_are_nought(tmp_path: Path) -> None:
    """A pair of all-zero choices, reward and id says nothing of them, and is read as noughts."""
    pairs = [pair([floats(np.zeros(4, np.float32))], continuous=(0, 0), discrete=(0, 0)) for _ in range(3)]
    (episode,) = read_all(write_demo(tmp_path / "a.demo", pairs))
    assert episode.num_steps == 3
    np.testing.assert_array_equal(episode.actions["branch_0"], [0, 0, 0])


@pytest.mark.parametrize("version", [0, 1])
def test_old_actions_are_read(tmp_path: Path, version: int) -> None:
    """Before communicator 1.3.0 there was one list of floats, and one kind of action."""
    discrete = [pair([floats(vector(step))], old=(step % 3, 1 - step % 2)) for step in range(4)]
    (episode,) = read_all(write_demo(tmp_path / "d.demo", discrete, OLD_DISCRETE, version=version))
    np.testing.assert_array_equal(episode.actions["branch_0"], [0, 1, 2, 0])
    assert episode.log.behavior.action_names == ("branch_0", "branch_1")
    continuous = [pair([floats(vector(step))], old=(step, -0.5)) for step in range(4)]
    (episode,) = read_all(write_demo(tmp_path / "c.demo", continuous, OLD_CONTINUOUS, version=version))
    np.testing.assert_array_equal(episode.actions["continuous"], [(step, -0.5) for step in range(4)])


def test_masks_and_group_rewards_are_extras(tmp_path: Path) -> None:
    """What was forbidden goes with the decision, what the group got with the action that brought it."""
    pairs = walk(3)
    pairs[1].agent_info.action_mask.extend([True, False, False, False, True])
    pairs[2].agent_info.group_reward = 5
    (episode,) = read_all(write_demo(tmp_path / "a.demo", [*pairs, *walk(2)]))[:1]
    np.testing.assert_array_equal(episode.extras["action_mask"], [[0] * 5, [1, 0, 0, 0, 1], [0] * 5])
    np.testing.assert_array_equal(episode.extras["group_reward"], [0, 5, 0])
    report = import_logs([tmp_path / "a.demo"], tmp_path / "out")
    assert set(Episode(report.written[0]).layout.extras) == {"action_mask", "group_reward"}
    assert not Episode(report.written[1]).layout.extras


# --- pictures -------------------------------------------------------------------------------------------------------


def levels(seed: int, height: int = 6, width: int = 9) -> np.ndarray:
    """A picture of noise."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def read_picture(tmp_path: Path, observation: pb.ObservationProto) -> np.ndarray:
    """What the importer makes of an observation."""
    (episode,) = read_all(write_demo(tmp_path / "a.demo", [pair([observation]), pair([observation])]))
    assert not episode.losses
    return episode.observations["CameraSensor"][0]


@pytest.mark.parametrize("shape", [(6, 9, 3), (3, 6, 9)])
def test_a_picture_is_read_in_either_order(tmp_path: Path, shape: tuple[int, ...]) -> None:
    """The size of the PNG tells whether the channels of the shape come first, as since package 3, or last."""
    np.testing.assert_array_equal(read_picture(tmp_path, picture([levels(1)], shape)), levels(1))


def test_pngs_one_after_the_other_are_one_picture(tmp_path: Path) -> None:
    """A stack of frames is several files, and channels that only fill up the last one are dropped."""
    both = np.concatenate([levels(1), levels(2)], axis=2)
    files = [levels(1), levels(2)]
    np.testing.assert_array_equal(read_picture(tmp_path, picture(files, (6, 9, 6))), both)
    np.testing.assert_array_equal(read_picture(tmp_path, picture(files, (6, 9, 4))), both[..., :4])
    mapped = read_picture(tmp_path, picture(files, (4, 6, 9), [0, 1, 2, 3, -1, -1]))
    np.testing.assert_array_equal(mapped, both[..., :4])


def test_channels_with_one_target_are_averaged(tmp_path: Path) -> None:
    """A grey picture is the mean of the colours of its PNG, with a mapping or, in old files, without."""
    grey = np.rint(levels(3).mean(axis=2, keepdims=True, dtype=np.float32))
    np.testing.assert_array_equal(read_picture(tmp_path, picture([levels(3)], (6, 9, 1), [0, 0, 0])), grey)
    np.testing.assert_array_equal(read_picture(tmp_path, picture([levels(3)], (1, 6, 9))), grey)


@pytest.mark.parametrize(
    ("observation", "says"),
    [
        (picture([levels(1)], (9, 6, 3)), "does not fit its shape"),
        (picture([levels(1)], (6, 9)), "does not fit its shape"),
        (picture([levels(1), levels(2, 6, 8)], (6, 9, 6)), "differ in size"),
        (picture([levels(1)], (6, 9, 3), [0, 1]), "do not make 3 channels"),
        (picture([levels(1)], (6, 9, 3), [0, 1, 3]), "do not make 3 channels"),
        (picture([levels(1)] * 9, (6, 9, 3)), "more than"),
        (pb.ObservationProto(shape=(6, 9, 3), compression_type=pb.PNG, compressed_data=b"GIF89a" * 9), "no PNG"),
    ],
)
def test_a_picture_that_does_not_fit_is_refused(tmp_path: Path, observation: pb.ObservationProto, says: str) -> None:
    """A file whose pictures are none is refused in words, or gives nothing and says why."""
    path = write_demo(tmp_path / "a.demo", [pair([observation])] * 3)
    with pytest.raises(RecordingError, match=says):
        read_all(path, salvage=False)


def bomb(height: int, width: int) -> bytes:
    """A PNG that says it is large and is not."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")]
    body = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    """A picture of a few bytes that claims gigabytes costs no memory."""
    huge = pb.ObservationProto(shape=(3, 60_000, 60_000), compression_type=pb.PNG, compressed_data=bomb(60_000, 60_000))
    path = write_demo(tmp_path / "a.demo", [pair([huge])] * 3)
    tracemalloc.start()
    with pytest.raises(RecordingError, match="at most"):
        read_all(path)
    assert tracemalloc.get_traced_memory()[1] < 4_000_000
    tracemalloc.stop()


def test_a_length_is_not_believed(tmp_path: Path) -> None:
    """Absurd lengths and sizes in headers are refused before anything is allocated."""
    whole = demo_bytes(walk(3))
    path = tmp_path / "a.demo"
    path.write_bytes(whole[:33] + varint(2**62) + whole[34:])
    with pytest.raises(RecordingError, match="cut"):
        read_all(path)
    greedy = pb.BrainParametersProto(brain_name="x", action_spec=pb.ActionSpecProto(num_continuous_actions=2**31 - 1))
    with pytest.raises(RecordingError, match="continuous actions"):
        read_all(write_demo(path, walk(3), greedy))
    wide = pb.BrainParametersProto()
    wide.CopyFrom(BRAIN)
    wide.action_spec.discrete_branch_sizes[:] = [2**31 - 1, 2**31 - 1]
    pairs = walk(3)
    pairs[0].agent_info.action_mask.append(True)
    with pytest.raises(RecordingError, match="action mask"):
        read_all(write_demo(path, pairs, wide), salvage=False)


# --- several agents -------------------------------------------------------------------------------------------------


def test_agents_that_are_interleaved_are_taken_apart(tmp_path: Path) -> None:
    """Each agent's pairs make its own episodes, whatever lies between them."""
    lives = {agent: walk(4 + agent, agent=agent, seed=100 * agent) for agent in range(5)}
    order = np.random.default_rng(0).permutation([agent for agent, pairs in lives.items() for _ in pairs])
    waiting = {agent: iter(pairs) for agent, pairs in lives.items()}
    path = write_demo(tmp_path / "a.demo", [next(waiting[int(agent)]) for agent in order])
    episodes = read_all(path)
    assert sorted(each.log.provenance.notes["agent"] for each in episodes) == [0, 1, 2, 3, 4]
    assert len({each.log.name for each in episodes}) == 5
    for episode in episodes:
        agent = episode.log.provenance.notes["agent"]
        assert isinstance(agent, int)
        expected = [vector(100 * agent + step) for step in range(4 + agent)]
        np.testing.assert_array_equal(episode.observations["VectorSensor_size4"], expected)
        np.testing.assert_array_equal(episode.rewards, np.arange(4 + agent) + 1)
        assert episode.num_steps == episode.log.num_steps


def test_unread_rows_do_not_stop_the_next_episode(tmp_path: Path) -> None:
    """Episodes come one after the other though nobody reads their rows."""
    path = write_demo(tmp_path / "a.demo", [*walk(3), *walk(2), *walk(4, done=False)])
    logs = list(MlagentsImporter().iter_episodes(path, ImportOptions()))
    assert [each.num_steps for each in logs] == [3, 2, 4]


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Two agents that alternate for long need no more memory than for a short time."""

    def peak(steps: int) -> int:
        alternating = [each for both in zip(walk(steps, agent=1), walk(steps, agent=2), strict=True) for each in both]
        path = write_demo(tmp_path / f"{steps}.demo", alternating)
        del alternating
        tracemalloc.start()
        total = sum(len(rows) for log in MlagentsImporter().iter_episodes(path, ImportOptions()) for rows in log.rows)
        assert total == 2 * steps
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(600)
    assert peak(2400) < 1.2 * peak(600)


# --- damage ---------------------------------------------------------------------------------------------------------


def test_a_killed_recorders_file_is_salvaged(tmp_path: Path) -> None:
    """A file that says nothing of its length is read to its last whole pair; strictly, it is refused."""
    whole = demo_bytes([*walk(3), *walk(5, done=False)], killed=True)
    path = tmp_path / "a.demo"
    path.write_bytes(whole)
    episodes = read_all(path)
    assert [each.num_steps for each in episodes] == [3, 5]
    assert "killed" in episodes[-1].losses[0].what
    with pytest.raises(RecordingError, match="killed"):
        read_all(path, salvage=False)


def test_an_empty_recording_is_told_as_such(tmp_path: Path) -> None:
    """A recorder that was stopped before the first decision leaves a file that holds none, with or without its tail."""
    for killed in (False, True):
        path = write_demo(tmp_path / "a.demo", [], killed=killed)
        assert MlagentsImporter().sniff(path)
        assert MlagentsImporter().describe(path, ImportOptions()).num_steps is None
        with pytest.raises(RecordingError, match="was stopped before the first"):
            read_all(path)


def test_a_closed_file_without_its_number_of_steps_ends_at_its_tail(tmp_path: Path) -> None:
    """Where the number is missing, the meta data at the end are not mistaken for a pair, nor for damage."""
    whole = demo_bytes(walk(3), killed=True)
    path = tmp_path / "a.demo"
    path.write_bytes(whole + whole[1 : 1 + whole[0]])
    (episode,) = read_all(path)
    assert episode.num_steps == 3
    assert [each.steps for each in episode.losses] == [0]


def test_every_cut_gives_what_is_whole(tmp_path: Path) -> None:
    """Cut at any byte, a file gives exactly the pairs before the cut, and says that some are missing."""
    pairs = [*walk(2), *walk(2, done=False)]
    whole = demo_bytes(pairs)
    start = 33 + len(delimited(BRAIN))
    ends = np.cumsum([start, *(len(delimited(each)) for each in pairs)])
    path = tmp_path / "a.demo"
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        kept = int((ends[1:] <= cut).sum())
        if not kept:
            with pytest.raises(RecordingError):
                read_all(path)
            continue
        episodes = read_all(path)
        assert sum(each.num_steps for each in episodes) == kept - (kept > 2)
        assert bool(episodes[-1].losses) == (kept < len(pairs) or cut > ends[-1])
        if kept < len(pairs):
            assert episodes[-1].losses[-1].steps == len(pairs) - kept
            with pytest.raises(RecordingError):
                read_all(path, salvage=False)


def test_no_flipped_byte_brings_more_than_a_sentence(tmp_path: Path) -> None:
    """Damage at any byte gives episodes of the behaviour's form, or one sentence; never another exception."""
    small = picture([levels(1, 2, 2)], (2, 2, 3))
    pairs = [pair([floats(vector(step)), small], done=step == 1, mask=[False] * 5) for step in range(3)]
    whole = demo_bytes(pairs)
    path = tmp_path / "a.demo"
    for place in range(len(whole)):
        for value in (0xFF, whole[place] ^ 1):
            path.write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
            check_harmless(path)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_bytes_are_harmless(tmp_path: Path, data: st.DataObject) -> None:
    """Pieces of files in any order, and any bytes at all, give episodes or a sentence."""
    whole = demo_bytes([*walk(2), *walk(2, agent=7)])
    piece = st.builds(lambda a, b: whole[min(a, b) : max(a, b)], *[st.integers(0, len(whole))] * 2)
    pieces = data.draw(st.lists(st.one_of(piece, st.binary(max_size=40)), max_size=4))
    path = tmp_path / "a.demo"
    path.write_bytes(data.draw(st.sampled_from([b"", whole[:33], whole[:70]])) + b"".join(pieces))
    check_harmless(path)


def check_harmless(path: Path) -> None:
    """Assert that a file gives rows of its behaviour's form, or a `RecordingError`."""
    MlagentsImporter().sniff(path)
    with contextlib.suppress(RecordingError):
        for episode in iter_read(path):
            behavior = episode.log.behavior
            for rows in episode.parts:
                behavior.check_observation(rows.observations, rows=len(rows))
                assert all(rows.actions[part.name].shape == (len(rows), *part.shape) for part in behavior.actions)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda p: p.action_info.discrete_actions.__setitem__(0, 3), "not all among"),
        (lambda p: p.action_info.continuous_actions.pop(), "1 continuous"),
        (lambda p: p.action_info.continuous_actions.__setitem__(0, float("nan")), "not finite"),
        (lambda p: setattr(p.agent_info, "reward", float("inf")), "reward is not finite"),
        (lambda p: p.agent_info.action_mask.extend([True]), "action mask"),
        (lambda p: p.agent_info.observations.pop(), "only 0 observations"),
        (lambda p: p.agent_info.observations[0].shape.__setitem__(0, 5), "was \\(4,\\) before"),
        (lambda p: p.agent_info.observations[0].float_data.data.__setitem__(0, float("nan")), "nan"),
        (lambda p: p.agent_info.observations[0].float_data.data.append(0), "5 numbers"),
    ],
)
def test_a_damaged_pair_ends_its_episode_only(tmp_path: Path, spoil: object, says: str) -> None:
    """The decisions before it are kept, what is wrong is told, and the next episode comes whole."""
    assert callable(spoil)
    pairs = [*walk(6), *walk(3)]
    spoil(pairs[4])
    path = write_demo(tmp_path / "a.demo", pairs)
    first, second = read_all(path)
    assert (first.num_steps, second.num_steps) == (4, 3)
    np.testing.assert_array_equal(first.rewards, [1, 2, 3, np.nan])
    assert first.ending is not None
    assert (first.ending.truncated, first.ending.final_observation) == (True, None)
    assert len(first.losses) == 1
    assert first.losses[0].steps == 2
    with pytest.raises(RecordingError, match=says):
        read_all(path, salvage=False)


def test_bytes_after_the_last_step_are_told(tmp_path: Path) -> None:
    """A file that holds more than it says is not read beyond, and that is no secret."""
    path = tmp_path / "a.demo"
    path.write_bytes(demo_bytes(walk(3)) + b"more")
    (episode,) = read_all(path)
    assert episode.num_steps == 3
    assert "follow" in episode.losses[0].what


def test_another_version_is_refused(tmp_path: Path) -> None:
    """A format that nobody knows yet is refused by its number."""
    path = write_demo(tmp_path / "a.demo", walk(3), version=7)
    assert not MlagentsImporter().sniff(path)
    with pytest.raises(RecordingError, match="version 7"):
        read_all(path)


# --- sniffing -------------------------------------------------------------------------------------------------------


def test_only_demonstrations_are_recognised(tmp_path: Path) -> None:
    """A demonstration is known by its bytes under any name; other files, folders and nothing at all are not."""
    sniff = MlagentsImporter().sniff
    assert sniff(write_demo(tmp_path / "a.bin", walk(1)))
    assert sniff(write_demo(tmp_path / "b.demo", [], OLD_DISCRETE, version=0, name="Old"))
    (tmp_path / "c.demo").write_bytes(demo_bytes(walk(1))[:40])
    assert sniff(tmp_path / "c.demo")
    others = {
        "empty.demo": b"",
        "zero.demo": bytes(100),
        "text.demo": b"\x0ahello\nworld" * 9,
        "osu.osr": b"\x00\x17\x35\x34\x01\x0b\x20" + b"a" * 64,
        "doom.lmp": bytes([109, 3, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0]) + bytes(40),
        "picture.png": png(levels(1)),
        "list.json": b"[[[[0.5, 1.0]], [[1]]]]",
        "table.parquet": b"PAR1" + bytes(64),
        "pickle.pkl": b"\x80\x04\x95\x10" + bytes(64),
    }
    for name, data in others.items():
        (tmp_path / name).write_bytes(data)
        assert not sniff(tmp_path / name), name
    assert not sniff(tmp_path)
    assert not sniff(tmp_path / "nothing")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200))
def test_sniffing_never_raises(tmp_path: Path, data: bytes) -> None:
    """Any bytes are answered."""
    for name in ("a.demo", "a.bin"):
        (tmp_path / name).write_bytes(data)
        MlagentsImporter().sniff(tmp_path / name)


# --- out, and back in -----------------------------------------------------------------------------------------------


def export(recordings: Path, out: Path, **setting: str) -> Path:
    """Export to one file."""
    (path,) = export_logs(open_recordings(recordings), out, "mlagents", settings=setting)
    return path


def test_an_export_comes_back_as_it_was(tmp_path: Path) -> None:
    """Spec, every sensor, every kind of action, rewards, ending, ticks, times and events come back exactly."""
    write_episode(tmp_path / "in", "a", steps=70, seed=1)
    write_episode(tmp_path / "in", "b", steps=3, seed=2, extras=EXTRAS)
    path = export(tmp_path / "in", tmp_path / "out")
    report = import_logs([path], tmp_path / "back")
    assert not report.losses
    for found, seed, steps in zip(report.written, (1, 2), (70, 3), strict=True):
        episode = Episode(found)
        assert episode.behavior == TOY
        assert (episode.terminated, episode.truncated) == (True, False)
        assert_without_extras(episode, seed, steps)
        final = episode.final_observation()
        assert final is not None
        for name, value in sample_observation(TOY, seed, steps).items():
            np.testing.assert_array_equal(final[name], value)


def assert_without_extras(episode: Episode, seed: int, steps: int) -> None:
    """`assert_steps`, with the part that is scaled compared as a float32."""
    np.testing.assert_allclose(
        episode.action("turn"), [toy_action(seed, step)["turn"] for step in range(steps)], rtol=1e-6, atol=1e-6
    )
    exact = BehaviorSpec(TOY.name, TOY.sensors, TOY.actions[:2], TOY.decision_hz)
    assert_steps(_Only(episode, exact), seed, steps)


def toy_action(seed: int, step: int) -> dict[str, np.ndarray]:
    """What `sample_action` draws."""
    rng = np.random.default_rng((seed, step, 1))
    return {each.name: sample_space(each.space, rng) for each in TOY.actions}


class _Only:
    """An episode seen as one of fewer action parts."""

    def __init__(self, episode: Episode, behavior: BehaviorSpec) -> None:
        self._episode = episode
        self.behavior = behavior

    def __getattr__(self, name: str) -> object:
        return getattr(self._episode, name)


@st.composite
def behaviors(draw: st.DrawFn) -> BehaviorSpec:
    """Any behaviour that a .demo can hold."""
    dtypes = ["bool", "uint8", "int8", "uint16", "int16", "float16", "float32"]
    shapes = st.lists(st.integers(1, 4), max_size=4).map(tuple)
    sensors = [
        SensorSpec(f"s{index}", spaces.Box(0, 1 if dtype == "bool" else 100, shape, np.dtype(dtype).type))
        for index, (dtype, shape) in enumerate(
            draw(st.lists(st.tuples(st.sampled_from(dtypes), shapes), min_size=1, max_size=4))
        )
    ]
    kinds = st.one_of(
        st.integers(1, 5).map(spaces.Discrete),
        st.integers(1, 5).map(spaces.MultiBinary),
        shapes.map(lambda shape: spaces.Box(-1, 1, shape, np.float32)),
    )
    parts = [ActionSpec(f"p{index}", kind) for index, kind in enumerate(draw(st.lists(kinds, min_size=1, max_size=4)))]
    return BehaviorSpec("drawn", tuple(sensors), tuple(parts), draw(st.sampled_from([1.0, 17.5, 60.0])))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(behavior=behaviors(), lengths=st.lists(st.integers(1, 8), min_size=1, max_size=3), channels_first=st.booleans())
def test_what_goes_out_comes_back(
    tmp_path_factory: pytest.TempPathFactory, behavior: BehaviorSpec, lengths: list[int], channels_first: bool
) -> None:
    """Any behaviour that is let out comes back to the last bit, whatever its shapes, dtypes and number of episodes."""
    folder = tmp_path_factory.mktemp("trip")
    for seed, steps in enumerate(lengths):
        write_episode(folder / "in", f"e{seed}", steps=steps, seed=seed, behavior=behavior)
    path = export(folder / "in", folder / "out", channels_first=str(channels_first))
    report = import_logs([path], folder / "back")
    assert not report.losses
    for seed, (found, steps) in enumerate(zip(report.written, lengths, strict=True)):
        assert Episode(found).behavior == behavior
        assert_steps(Episode(found), seed, steps)


@pytest.mark.parametrize(("terminated", "truncated"), [(True, False), (False, True), (True, True)])
def test_an_episode_without_a_final_observation_comes_back_without(
    tmp_path: Path, terminated: bool, truncated: bool
) -> None:
    """The pair that ends it repeats an observation, and our importer knows that it does."""
    with EpisodeWriter(tmp_path / "in", TOY, Provenance("toy", map="E1"), name="a") as writer:
        for step in range(3):
            writer.append(sample_observation(TOY, 0, step), toy_action(0, step), reward=None)
        writer.finish(terminated=terminated, truncated=truncated)
    report = import_logs([export(tmp_path / "in", tmp_path / "out")], tmp_path / "back")
    episode = Episode(report.written[0])
    assert episode.final_observation() is None
    assert (episode.terminated, episode.truncated) == (terminated, truncated)
    assert np.isnan(episode.reward).all()
    assert episode.provenance.map == "E1"


def test_masks_and_group_rewards_come_back(tmp_path: Path) -> None:
    """What came in beside the spec goes out again."""
    pairs = walk(3)
    pairs[1].agent_info.action_mask.extend([True, False, False, False, True])
    pairs[3].agent_info.group_reward = 5
    import_logs([write_demo(tmp_path / "a.demo", pairs)], tmp_path / "in")
    path = export(tmp_path / "in", tmp_path / "out")
    (before,), (after,) = read_all(tmp_path / "a.demo"), read_all(path)
    for name in ("action_mask", "group_reward"):
        np.testing.assert_array_equal(before.extras[name], after.extras[name])


def test_goal_and_variable_sensors_go_out_as_such(tmp_path: Path) -> None:
    """What ML-Agents' networks treat otherwise survives an import and an export."""
    goal = floats(vector(1), "goal")
    goal.observation_type = pb.GOAL_SIGNAL
    entities = floats(vector(2, 6).reshape(2, 3), "entities")
    entities.dimension_properties.extend([4, 1])
    import_logs([write_demo(tmp_path / "a.demo", [pair([goal, entities])] * 3)], tmp_path / "in")
    whole = export(tmp_path / "in", tmp_path / "out").read_bytes()
    (tmp_path / "copy.demo").write_bytes(whole)
    (episode,) = read_all(tmp_path / "copy.demo")
    assert episode.log.behavior.sensor("goal").computed == {"mlagents": {"goal": True}}
    assert episode.log.behavior.sensor("entities").computed == {"mlagents": {"dimension_properties": [4, 1]}}
    assert entities.SerializeToString() in whole


@pytest.mark.parametrize(
    "text", ["", "nonsense", "[" * 100_000, "{}", TOY.to_json(), '{"sensors": [{"space": {"shape": [1e12]}}]}']
)
def test_our_own_field_is_believed_only_if_it_fits(tmp_path: Path, text: str) -> None:
    """A spec in the file that is none, or of other data, is passed over, and the file read by its own words."""
    brain = pb.BrainParametersProto()
    brain.CopyFrom(BRAIN)
    brain.understudy = text
    (episode,) = read_all(write_demo(tmp_path / "a.demo", walk(3), brain))
    assert episode.log.behavior.name == "Crawler"
    assert episode.num_steps == 3


OURS = BehaviorSpec(
    "ours",
    (SensorSpec("x", spaces.Box(-1, 1, (4,), np.float32)),),
    (
        ActionSpec("a", spaces.Box(-1, 1, (2,), np.float32)),
        ActionSpec("b", spaces.Discrete(3)),
        ActionSpec("c", spaces.MultiBinary(1)),
    ),
    20,
)


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("sensors", 0, "space", "shape"), [10**6, 10**6]),
        (("sensors", 0, "space", "dtype"), "float128"),
        (("sensors", 0, "space", "dtype"), "object"),
        (("sensors", 0, "name"), "a b"),
        (("actions", 0, "space", "shape"), [10**12]),
        (("actions", 1, "space", "n"), 10**30),
        (("actions", 2, "space", "n"), 10**12),
        (("actions", 2, "labels"), [3]),
        (("name",), "../ours"),
        (("decision_hz",), 1e300),
        (("decision_hz",), "often"),
        (("format",), 99),
    ],
)
def test_a_spec_that_does_not_fit_costs_nothing(tmp_path: Path, where: tuple[str | int, ...], value: object) -> None:
    """A spec in the file that claims terabytes, or what no recording holds, is passed over before it is built."""
    form = OURS.to_dict()
    target = form
    for key in where[:-1]:
        target = target[key]  # type: ignore[index]
    target[where[-1]] = value  # type: ignore[index]
    brain = pb.BrainParametersProto()
    brain.CopyFrom(BRAIN)
    brain.understudy = json.dumps(form)
    (episode,) = read_all(write_demo(tmp_path / "a.demo", walk(3), brain))
    assert episode.log.behavior.name == "Crawler"
    brain.understudy = OURS.to_json()
    (episode,) = read_all(write_demo(tmp_path / "a.demo", walk(3), brain))
    assert episode.log.behavior == OURS


def test_what_the_format_cannot_hold_is_refused_by_name(tmp_path: Path) -> None:
    """Empty sensors, and integers that a float32 would round, are named."""
    options = ExportOptions(MlagentsExportSettings())
    empty = replace(TOY, sensors=(SensorSpec("void", spaces.Box(0, 1, (0,), np.float32)),))
    with pytest.raises(RecordingError, match="'void'"):
        MlagentsExporter().check(empty, options)
    large = SensorSpec("score", spaces.Box(0, 2**31 - 1, (), np.int32))
    behavior = replace(TOY, sensors=(large,), actions=TOY.actions[:1])
    with EpisodeWriter(tmp_path / "in", behavior, Provenance("toy"), name="a") as writer:
        writer.append({"score": np.array(2**24 + 1, np.int32)}, {"move": np.array(1)})
        writer.finish(truncated=True)
    with pytest.raises(RecordingError, match="'score' holds"):
        export(tmp_path / "in", tmp_path / "out")


def test_the_meta_data_always_fit(tmp_path: Path) -> None:
    """A long name in any script leaves room for the numbers in the 32 bytes that are reserved."""
    behavior = replace(TOY, name="Überläufer-" * 9)
    write_episode(tmp_path / "in", behavior=behavior, steps=2)
    whole = export(tmp_path / "in", tmp_path / "out").read_bytes()
    meta = pb.DemonstrationMetaProto.FromString(whole[1 : 1 + whole[0]])
    assert (meta.number_steps, meta.number_episodes, meta.api_version) == (3, 1, 1)
    assert whole.endswith(meta.SerializeToString())
    assert whole[0] <= 32


PEER = Path(os.environ.get("UNDERSTUDY_MLAGENTS_PYTHON", ".venv-mlagents/bin/python"))


@pytest.mark.slow
@pytest.mark.skipif(not PEER.exists(), reason="needs ML-Agents: benchmarks/peers/setup-mlagents.sh")
def test_the_loader_of_ml_agents_reads_an_export(tmp_path: Path) -> None:
    """ML-Agents' own loader finds the observations, actions, rewards and ends that were recorded."""
    lengths = (5, 8)
    for seed, steps in enumerate(lengths):
        write_episode(tmp_path / "in", f"e{seed}", steps=steps, seed=seed)
    path = export(tmp_path / "in", tmp_path / "out")
    script = Path(__file__).with_name("unity_loader.py")
    answer = subprocess.run([PEER, "-W", "ignore", script, path], capture_output=True, text=True, timeout=240)
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout.splitlines()[-1])
    assert found["names"] == ["rays", "frame", "health"]
    assert found["shapes"] == [[5], [3, 12, 16], [1]]
    assert (found["continuous"], found["branches"]) == (1, [3, 2, 2])
    assert found["pairs"] == found["expected"] == sum(lengths) + len(lengths)
    # The loader makes a step of each pair but the last, of those that are done too.
    kept = [step for step in range(sum(lengths) + 1) if step != lengths[0]]
    assert [found["done"][step] for step in kept] == [*[False] * 4, True, *[False] * 7, True]
    episodes = open_recordings(tmp_path / "in")
    rewards = np.concatenate([each.reward for each in episodes])
    np.testing.assert_allclose(np.array(found["rewards"])[kept], np.nan_to_num(rewards), rtol=1e-6)
    rays = np.concatenate([each.observation("rays") for each in episodes])
    np.testing.assert_array_equal(np.array(found["observations"]["rays"], np.float32)[kept], rays)
    frames = np.concatenate([each.observation("frame") for each in episodes]).transpose(0, 3, 1, 2) / np.float32(255)
    np.testing.assert_array_equal(np.array(found["observations"]["frame"], np.float32)[kept], frames.reshape(13, -1))
    turns = np.concatenate([each.action("turn") for each in episodes]) / 10
    np.testing.assert_allclose(np.array(found["continuous_actions"])[kept], turns, rtol=1e-6)
    moves = np.concatenate([each.action("move") for each in episodes])
    np.testing.assert_array_equal(np.array(found["discrete_actions"])[kept][:, 0], moves)


@pytest.mark.slow
@pytest.mark.skipif(not PEER.exists(), reason="needs ML-Agents: benchmarks/peers/setup-mlagents.sh")
def test_the_loader_of_ml_agents_and_ours_agree(tmp_path: Path) -> None:
    """Of a file as Unity writes it, with pictures, ML-Agents and we read the same."""
    path = sample_log(tmp_path, 0)
    script = Path(__file__).with_name("unity_loader.py")
    answer = subprocess.run([PEER, "-W", "ignore", script, path], capture_output=True, text=True, timeout=240)
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout.splitlines()[-1])
    episodes = read_all(path)
    starts = np.cumsum([0, *(each.num_steps + 1 for each in episodes)])
    kept = [start + step for start, each in zip(starts, episodes, strict=False) for step in range(each.num_steps)]
    # The last action of the file has no pair after it, and is dropped there.
    kept = [int(step) for step in kept if step < len(found["rewards"])]
    assert len(kept) == sum(each.num_steps for each in episodes) - 1
    rewards = np.concatenate([each.rewards for each in episodes])[: len(kept)]
    np.testing.assert_array_equal(np.array(found["rewards"])[kept], rewards)
    for name, scale in (("VectorSensor_size4", 1), ("CameraSensor", 255)):
        ours = np.concatenate([each.observations[name] for each in episodes])[: len(kept)] / np.float32(scale)
        ours = ours.transpose(0, 3, 1, 2) if ours.ndim == 4 else ours
        theirs = np.array(found["observations"][name], np.float32)[kept]
        np.testing.assert_array_equal(theirs, ours.reshape(len(kept), -1))


def test_the_servers_messages_and_ours_live_together() -> None:
    """Both rooms register Unity's names, each in a pool of its own."""
    served = pytest.importorskip("understudy.serving.dialects.mlagents.mlagents_pb2")
    assert served.ObservationProto.DESCRIPTOR.full_name == pb.ObservationProto.DESCRIPTOR.full_name
    assert served.ObservationProto.DESCRIPTOR is not pb.ObservationProto.DESCRIPTOR
