"""Godot RL's demonstrations come in with the names one gives them, and ours go out as its loader wants them."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from godot_demos import NAMED, read_all, trajectory, write_demos
from gymnasium import spaces
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toys import TOY, sample_events, sample_observation, sample_reward, write_episode
from understudy.errors import RecordingError
from understudy.recordings import Episode, EpisodeWriter, Provenance, open_recordings
from understudy.recordings.formats import ExportOptions, ImportOptions, export_logs, import_logs
from understudy.recordings.formats.godot_rl import GodotRlExporter, GodotRlImporter
from understudy.recordings.formats.protocol import Settings
from understudy.recordings.formats.registry import read_settings
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

VECTORS = BehaviorSpec(
    "car",
    (
        SensorSpec("position", spaces.Box(-100, 100, (2,), np.float32), "metres"),
        SensorSpec("gear", spaces.Box(0, 6, (), np.int64)),
        SensorSpec("clock", spaces.Box(0, np.inf, (1,), np.float64), "seconds"),
        SensorSpec("walls", spaces.Box(0, 1, (2, 3), np.uint8)),
    ),
    (
        ActionSpec("steer", spaces.Box(-1, 1, (2,), np.float32)),
        ActionSpec("shift", spaces.Discrete(3), labels=("down", "stay", "up")),
        ActionSpec("buttons", spaces.MultiBinary(2), labels=("horn", "brake")),
    ),
    30,
)


# --- in -------------------------------------------------------------------------------------------------------------


def test_names_and_choices_are_what_one_says(tmp_path: Path) -> None:
    """The vectors are cut into the sensors and parts of the settings, in their order."""
    seen, done = trajectory(7)
    (episode,) = read_all(write_demos(tmp_path / "a.json", [(seen, done)]), name="kart", **NAMED)
    behavior = episode.log.behavior
    assert (behavior.name, behavior.decision_hz) == ("kart", 30)
    assert behavior.sensor_names == ("position", "rays")
    assert [str(each.space) for each in behavior.actions] == ["Box(-1.0, 1.0, (2,), float32)", "Discrete(2)"]
    expected = np.array(seen, np.float32)
    np.testing.assert_array_equal(episode.observations["position"], expected[:7, :2])
    np.testing.assert_array_equal(episode.observations["rays"], expected[:7, 2:])
    np.testing.assert_array_equal(episode.actions["steer"], np.array(done, np.float32)[:, :2])
    np.testing.assert_array_equal(episode.actions["jump"], np.array(done, np.int64)[:, 2])
    assert episode.ending is not None
    assert (episode.ending.terminated, episode.ending.truncated) == (True, False)
    assert episode.ending.final_observation is not None
    np.testing.assert_array_equal(episode.ending.final_observation["rays"], expected[7, 2:])
    assert episode.parts[0].rewards is None
    assert not episode.losses


def test_nothing_needs_to_be_said(tmp_path: Path) -> None:
    """Without settings there is one sensor and one part of numbers, and a hint that some may be choices."""
    path = write_demos(tmp_path / "a.json", [trajectory(7), trajectory(3, seed=1)])
    episodes = read_all(path)
    assert [each.num_steps for each in episodes] == [7, 3]
    assert [each.log.name for each in episodes] == ["a-0000", "a-0001"]
    behavior = episodes[0].log.behavior
    assert (behavior.sensor("obs").space.shape, behavior.action("action").shape) == ((5,), (3,))
    assert behavior.decision_hz == 60
    notes = GodotRlImporter().describe(path, ImportOptions()).notes
    assert any("[2]" in each and "set actions" in each for each in notes)


def test_many_rows_come_in_parts(tmp_path: Path) -> None:
    """A long trajectory is read a few hundred steps at a time, and nothing is lost between the parts."""
    seen, done = trajectory(1000)
    (episode,) = read_all(write_demos(tmp_path / "a.json", [(seen, done)]))
    assert max(len(each) for each in episode.parts) < 1000
    np.testing.assert_array_equal(episode.observations["obs"], np.array(seen[:-1], np.float32))
    np.testing.assert_array_equal(episode.actions["action"], np.array(done, np.float32))


def test_blanks_bools_and_unread_rows_are_no_trouble(tmp_path: Path) -> None:
    """Pretty-printed files are read too, `true` is 1, and rows may be left unread."""
    path = tmp_path / "a.json"
    path.write_text(json.dumps([[[[1], [2]], [[True]]], [[[3], [4]], [[False]]]], indent=4))
    first, second = read_all(path, actions="jump:discrete:2")
    assert (first.actions["jump"].tolist(), second.actions["jump"].tolist()) == ([1], [0])
    assert [each.num_steps for each in GodotRlImporter().iter_episodes(path, ImportOptions())] == [1, 1]


def test_as_many_observations_as_actions_are_an_unfinished_episode(tmp_path: Path) -> None:
    """Without a terminal observation nobody knows that the episode was over."""
    seen, done = trajectory(4)
    (episode,) = read_all(write_demos(tmp_path / "a.json", [(seen[:-1], done)]))
    assert episode.num_steps == 4
    assert episode.ending is not None
    assert (episode.ending.terminated, episode.ending.truncated) == (False, True)
    assert not episode.losses


def test_memory_does_not_grow_with_the_trajectory(tmp_path: Path) -> None:
    """One trajectory may be a file of any length."""

    def peak(steps: int) -> int:
        path = write_demos(tmp_path / f"{steps}.json", [trajectory(steps)])
        tracemalloc.start()
        (log,) = GodotRlImporter().iter_episodes(path, ImportOptions())
        assert sum(len(rows) for rows in log.rows) == steps
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(4_000)
    assert peak(40_000) < 1.2 * peak(4_000)


# --- bad input ------------------------------------------------------------------------------------------------------

GOOD = "[[1, 2], [3, 4], [5, 6]]"


@pytest.mark.parametrize(
    ("text", "steps", "says"),
    [
        (f"[[{GOOD}, [[1], [2]]]", 2, "cut"),
        (f"[[{GOOD}, [[1], [2", 1, "cut"),
        (f"[[{GOOD}, [[1], [NaN]]]]", 1, "finite numbers: NaN"),
        (f"[[{GOOD}, [[1], [1e999]]]]", 1, "finite numbers: 1e999"),
        (f"[[{GOOD}, [[1], [1e39]]]]", 1, "no float32"),
        (f"[[{GOOD}, [[1], [nan]]]]", 1, "finite numbers: nan"),
        (f'[[{GOOD}, [[1], ["left"]]]]', 1, "finite numbers"),
        (f"[[{GOOD}, [[1], [null]]]]", 1, "finite numbers: null"),
        (f"[[{GOOD}, [[1], [{'9' * 5000}]]]]", 1, "finite numbers: 999"),
        (f"[[{GOOD}, [[1], [1, 2]]]]", 1, "2 numbers, not 1"),
        (f"[[{GOOD}, [[1], [[2]]]]]", 1, "flat list"),
        (f"[[{GOOD}, [[1], 2]]]", 1, "flat list"),
        (f"[[{GOOD}, [[1], [2]], [[3]]]]", 2, "a text, or nothing"),
        (f'[[{GOOD}, [[1], [2]], "", [[3]], 4]]', 2, "does not end"),
        ("[[[[1, 2], [3], [5, 6]], [[1], [2]]]]", 1, "1 numbers, not 2"),
        ("[[[[1, 2], [3, 4], [5]], [[1], [2]]]]", 2, "1 numbers, not 2"),
        (f"[[{GOOD}, [[1], [2]]]] []", 2, "follows"),
        (f"[[{GOOD}, [[1], [2], [3], [4]]]]", 3, "3 observations for 4 actions"),
        (f"[[{GOOD}, [[1]]]]", 1, "3 observations for 1 actions"),
        (f"[[{GOOD}, [[1], [2]]], [{GOOD}]]", 2, "no actions"),
        (f"[[{GOOD}, [[1], [2]]], {{}}]", 2, "there should be a trajectory"),
    ],
)
def test_damage_ends_the_episode_and_is_told(tmp_path: Path, text: str, steps: int, says: str) -> None:
    """What is whole before the damage comes in, with what was wrong; strictly, the file is refused likewise."""
    path = tmp_path / "a.json"
    path.write_text(text)
    episodes = read_all(path)
    assert sum(each.num_steps for each in episodes) == steps
    assert says in " ".join(loss.what for each in episodes for loss in each.losses)
    assert episodes[0].ending is not None
    with pytest.raises(RecordingError, match=says.replace("[", "\\[")):
        read_all(path, salvage=False)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no list"),
        ("{}", "no list"),
        ("[]", "no demonstration"),
        ("[[[], []]]", "does not show"),
        ("[[[[1]], []]]", "does not show"),
        ("[[[[]], [[1]]]]", "does not show"),
        ("[[[[1], [2]", "cut"),
        ("[" * 100_000, "should be"),
        ("[[[[" + "1," * 3_000_000 + "1]]]]", "should be"),
    ],
)
def test_a_file_that_shows_nothing_is_refused(tmp_path: Path, text: str, says: str) -> None:
    """Absurd nesting, absurd vectors and files without a whole step are refused in a sentence."""
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(RecordingError, match=says):
        read_all(path)


def test_a_choice_that_is_none_is_told(tmp_path: Path) -> None:
    """A number that the settings call a choice must be one."""
    seen, done = trajectory(4)
    done[2][2] = 0.5
    (episode,) = read_all(write_demos(tmp_path / "a.json", [(seen, done)]), **NAMED)
    assert episode.num_steps == 2
    assert "none of its 2 choices" in episode.losses[0].what


@pytest.mark.parametrize(
    ("given_", "says"),
    [
        ({"sensors": "a:2"}, "of 2 numbers, but an observation of these demonstrations has 5"),
        ({"actions": "a:discrete:9"}, "of 1 numbers, but an action of these demonstrations has 3"),
    ],
)
def test_settings_of_other_sizes_are_refused(tmp_path: Path, given_: dict[str, str], says: str) -> None:
    """Names that do not cover the vectors are a mistake, said with both numbers."""
    with pytest.raises(RecordingError, match=says):
        read_all(write_demos(tmp_path / "a.json", [trajectory(2)]), **given_)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("actions", "jump:2"),
        ("actions", "jump:button:2"),
        ("actions", "a:discrete:2,a:discrete:2"),
        ("sensors", "3d:2"),
        ("sensors", "a:0"),
        ("sensors", "a:1,"),
        ("name", "../x"),
        ("decision_hz", "0"),
    ],
)
def test_settings_that_say_nothing_are_refused(key: str, value: str) -> None:
    """A setting in another form is refused by its name."""
    with pytest.raises(RecordingError, match=f"'{key}'"):
        read_settings(GodotRlImporter(), {key: value})


def test_every_cut_gives_what_is_whole(tmp_path: Path) -> None:
    """Cut at any byte, a file gives the steps before the cut, or a sentence."""
    whole = write_demos(tmp_path / "whole.json", [trajectory(3), trajectory(2, seed=1)]).read_bytes()
    seen = np.array([*trajectory(3)[0][:3], *trajectory(2, seed=1)[0][:2]], np.float32)
    path, before = tmp_path / "a.json", 0
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        try:
            episodes = read_all(path)
        except RecordingError:
            assert before == 0
            continue
        found = np.concatenate([each.observations["obs"] for each in episodes if each.num_steps])
        assert before <= len(found) <= before + 1
        before = len(found)
        np.testing.assert_array_equal(found, seen[:before])
        assert cut >= len(whole) - 1 or episodes[-1].losses
    assert before == 5


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_bytes_are_harmless(tmp_path: Path, data: st.DataObject) -> None:
    """Pieces of a file with bytes changed give episodes or a sentence."""
    whole = json.dumps([trajectory(2), trajectory(1, seed=1)]).encode()
    piece = st.builds(lambda a, b: whole[min(a, b) : max(a, b)], *[st.integers(0, len(whole))] * 2)
    noise = st.sampled_from([b"[", b"]", b",", b'"', b"\\", b"{", b"\xff", b"e9999", b"-", b" "])
    pieces = data.draw(st.lists(st.one_of(piece, noise), max_size=6))
    path = tmp_path / "a.json"
    path.write_bytes(data.draw(st.sampled_from([b"", whole[:40]])) + b"".join(pieces))
    GodotRlImporter().sniff(path)
    try:
        episodes = read_all(path)
    except RecordingError:
        return
    for episode in episodes:
        for rows in episode.parts:
            episode.log.behavior.check_observation(rows.observations, rows=len(rows))


def test_only_demonstrations_are_recognised(tmp_path: Path) -> None:
    """Lists of lists of lists of lists of numbers are known; other JSON, other files and folders are not."""
    sniff = GodotRlImporter().sniff
    assert sniff(write_demos(tmp_path / "a.json", [trajectory(3)]))
    assert sniff(write_demos(tmp_path / "long.anything", [trajectory(5000)]))
    others = {
        "empty.json": "",
        "list.json": "[]",
        "flat.json": "[1, 2, 3]",
        "matrix.json": "[[1, 2], [3, 4]]",
        "words.json": '[[[["a"]]]]',
        "object.json": '{"a": [[[[1]]]]}',
        "steps.jsonl": '{"mouse": {"x": 1}}\n',
    }
    for name, text in others.items():
        (tmp_path / name).write_text(text)
        assert not sniff(tmp_path / name), name
    assert not sniff(tmp_path)
    assert not sniff(tmp_path / "nothing")


# --- out, and back in -----------------------------------------------------------------------------------------------


def export(recordings: Path, out: Path, **setting: str) -> Path:
    """Export to one file."""
    (path,) = export_logs(open_recordings(recordings), out, "godot_rl", settings=setting)
    return path


def test_an_export_has_the_form_that_the_loader_wants(tmp_path: Path) -> None:
    """One line; of each trajectory, the loader's arrays are T + 1 observations and T actions."""
    for seed, steps in enumerate((4, 300)):
        write_episode(tmp_path / "in", f"e{seed}", steps=steps, seed=seed, behavior=VECTORS)
    text = export(tmp_path / "in", tmp_path / "out").read_text()
    assert text.count("\n") == 1
    assert text.endswith("]\n")
    data = json.loads(text)
    for found, steps in zip(data, (4, 300), strict=True):
        # As `sb3_imitation.py` of Godot RL does it.
        obs, acts = np.array(found[0]), np.array(found[1])
        assert (obs.shape, acts.shape) == ((steps + 1, 10), (steps, 5))
        assert (obs.dtype, acts.dtype) == (np.float64, np.float64)
    bare = export(tmp_path / "in", tmp_path / "bare", note="false")
    assert json.loads(bare.read_text()) == [each[:2] for each in data]
    assert [each.num_steps for each in read_all(bare)] == [4, 300]


def test_an_export_comes_back_as_it_was(tmp_path: Path) -> None:
    """Spec, observations, actions, rewards, ending, clocks, events and provenance come back."""
    write_episode(tmp_path / "in", "a", steps=300, seed=4, behavior=VECTORS)
    report = import_logs([export(tmp_path / "in", tmp_path / "out")], tmp_path / "back")
    assert not report.losses
    before, after = Episode(tmp_path / "in" / "a.arrows"), Episode(report.written[0])
    assert_same(before, after)
    assert after.provenance.game == "toy"


def assert_same(before: Episode, after: Episode) -> None:
    """Assert that an episode came back as far as the format goes."""
    assert after.behavior == before.behavior
    assert (after.terminated, after.truncated) == (before.terminated, before.truncated)
    for name in before.behavior.sensor_names:
        np.testing.assert_array_equal(after.observation(name), before.observation(name))
    for name in before.behavior.action_names:
        np.testing.assert_allclose(after.action(name), before.action(name), rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(after.reward, before.reward)
    np.testing.assert_array_equal(after.tick, before.tick)
    np.testing.assert_array_equal(after.time_ns, before.time_ns)
    assert after.events == before.events
    final, expected = after.final_observation(), before.final_observation()
    assert (final is None) == (expected is None)
    for name in expected or {}:
        assert final is not None
        assert expected is not None
        np.testing.assert_array_equal(final[name], expected[name])


@st.composite
def behaviors(draw: st.DrawFn) -> BehaviorSpec:
    """Any behaviour that demonstrations can hold."""
    dtypes = ["bool", "int8", "uint16", "int32", "int64", "float16", "float32", "float64"]
    shapes = st.lists(st.integers(1, 4), max_size=3).map(tuple)
    sensors = [
        SensorSpec(f"s{index}", spaces.Box(0, 1 if dtype == "bool" else 100, shape, np.dtype(dtype).type))
        for index, (dtype, shape) in enumerate(
            draw(st.lists(st.tuples(st.sampled_from(dtypes), shapes), min_size=1, max_size=4))
        )
    ]
    kinds = st.one_of(
        st.integers(1, 5).map(spaces.Discrete),
        st.integers(1, 5).map(spaces.MultiBinary),
        st.tuples(shapes, st.sampled_from([1, 30])).map(lambda s: spaces.Box(-s[1], s[1], s[0], np.float32)),
    )
    parts = [ActionSpec(f"p{index}", kind) for index, kind in enumerate(draw(st.lists(kinds, min_size=1, max_size=4)))]
    return BehaviorSpec("drawn", tuple(sensors), tuple(parts), draw(st.sampled_from([1.0, 17.5, 60.0])))


@settings(max_examples=40, deadline=None)
@given(
    behavior=behaviors(),
    lengths=st.lists(st.integers(1, 8), min_size=1, max_size=3),
    flags=st.tuples(st.booleans(), st.booleans()),
    final=st.booleans(),
)
def test_what_goes_out_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    behavior: BehaviorSpec,
    lengths: list[int],
    flags: tuple[bool, bool],
    final: bool,
) -> None:
    """Any behaviour without pictures comes back, whatever its shapes and dtypes and however its episodes ended."""
    folder = tmp_path_factory.mktemp("trip")
    for seed, steps in enumerate(lengths):
        with EpisodeWriter(folder / "in", behavior, Provenance("toy"), name=f"e{seed}") as writer:
            for step in range(steps):
                observation = sample_observation(behavior, seed, step)
                action = {each.name: draw_action(each, step) for each in behavior.actions}
                reward, events = sample_reward(seed, step), sample_events(step)
                times = {"tick": step * (2**40 - 1) - 7, "time_ns": 1_700_000_000_123_456_789 + step}
                writer.append(observation, action, reward=reward, events=events, **times)
            seen = sample_observation(behavior, seed, steps) if final else None
            # A recording may end in neither way only where its writer was killed.
            writer.finish(terminated=flags[0], truncated=flags[1] or not flags[0], final_observation=seen)
    report = import_logs([export(folder / "in", folder / "out")], folder / "back")
    assert not report.losses
    for before, after in zip(open_recordings(folder / "in"), map(Episode, report.written), strict=True):
        assert_same(before, after)


def draw_action(part: ActionSpec, step: int) -> np.ndarray:
    """Some value of a part."""
    space = part.space
    space.seed(step)
    return np.asarray(space.sample(), part.dtype)


@pytest.mark.parametrize(
    "note", ["nonsense", "[" * 50_000, "{}", '{"understudy": 3}', '{"understudy": {"behavior": []}}']
)
def test_a_strangers_text_is_passed_over(tmp_path: Path, note: str) -> None:
    """What others put behind the lists changes nothing."""
    seen, done = trajectory(3)
    path = tmp_path / "a.json"
    path.write_text(json.dumps([[seen, done, note]]))
    (episode,) = read_all(path)
    assert episode.num_steps == 3
    assert episode.log.behavior.name == "godot"
    assert not episode.losses


def test_a_spec_larger_than_the_data_is_not_built(tmp_path: Path) -> None:
    """A note that claims a sensor of terabytes costs nothing."""
    form = VECTORS.to_dict()
    form["sensors"][0]["space"]["shape"] = [10**6, 10**6]
    seen, done = trajectory(3)
    path = tmp_path / "a.json"
    path.write_text(json.dumps([[seen, done, json.dumps({"understudy": {"behavior": form}})]]))
    (episode,) = read_all(path)
    assert episode.log.behavior.name == "godot"


@pytest.mark.parametrize(
    "spoil",
    [lambda row: row.clear(), lambda row: row.append(9), lambda row: row.append(1e300), lambda row: row.append(-1)],
)
def test_lists_of_ours_that_were_changed_are_told(tmp_path: Path, spoil: Callable[[list[float]], object]) -> None:
    """Rewards and events that cannot be right end the episode before them."""
    write_episode(tmp_path / "in", steps=3, behavior=VECTORS)
    data = json.loads(export(tmp_path / "in", tmp_path / "out").read_text())
    spoil(data[0][3][2])
    path = tmp_path / "a.json"
    path.write_text(json.dumps(data))
    (episode,) = read_all(path)
    assert episode.num_steps == 2
    assert "none of ours" in episode.losses[0].what


def test_settings_count_more_than_the_note(tmp_path: Path) -> None:
    """Who names the parts of an export anew gets those names."""
    write_episode(tmp_path / "in", steps=3, behavior=replace(VECTORS, sensors=VECTORS.sensors[:1]))
    path = export(tmp_path / "in", tmp_path / "out")
    (episode,) = read_all(path, sensors="x:1,y:1")
    assert episode.log.behavior.sensor_names == ("x", "y")


def test_what_the_format_cannot_hold_is_refused_by_name(tmp_path: Path) -> None:
    """Pictures and integers beyond JSON's are named."""
    options = ExportOptions(Settings())
    with pytest.raises(RecordingError, match="'frame' is a picture"):
        GodotRlExporter().check(TOY, options)
    empty = replace(VECTORS, sensors=(SensorSpec("void", spaces.Box(0, 1, (0,), np.float32)),))
    with pytest.raises(RecordingError, match="'void'"):
        GodotRlExporter().check(empty, options)
    large = SensorSpec("score", spaces.Box(0, 2**62, (), np.int64))
    behavior = replace(VECTORS, sensors=(large,), actions=VECTORS.actions[1:2])
    with EpisodeWriter(tmp_path / "in", behavior, Provenance("toy"), name="a") as writer:
        writer.append({"score": np.array(2**53 + 1)}, {"shift": np.array(1)})
        writer.finish(truncated=True)
    with pytest.raises(RecordingError, match="'score' holds"):
        export(tmp_path / "in", tmp_path / "out")
