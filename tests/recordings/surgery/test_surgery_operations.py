"""Each operation does what it says, and says in a sentence why it cannot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gymnasium import spaces
from surgeon import assert_equal, operate, operations_in

from toys import EXTRAS, TOY, write_episode
from understudy.errors import RecordingError, SpecError
from understudy.recordings import Episode, EpisodeWriter, Provenance
from understudy.recordings.surgery import (
    Anonymise,
    Deduplicate,
    Drop,
    Mask,
    Merge,
    Operation,
    Relabel,
    ReRate,
    Shift,
    Split,
    Trim,
)
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

COUNT = BehaviorSpec(
    "count",
    (SensorSpec("number", spaces.Box(0, 1000, (), np.float32)),),
    (
        ActionSpec("choice", spaces.Discrete(3), labels=("none", "left", "right")),
        ActionSpec("keys", spaces.MultiBinary(2)),
        ActionSpec("mouse", spaces.Box(-100, 100, (2,), np.float32), "pixels per decision"),
        ActionSpec("stick", spaces.Box(-1, 1, (1,), np.float32)),
    ),
    10.0,
)
CHOICES = [0, 1, 1, 0, 2, 2, 0, 0, 1, 2]


def count(
    folder: Path, name: str = "count", *, start_s: float = 0.0, ticks: list[int] | None = None, terminated: bool = False
) -> Path:
    """Write ten steps whose numbers say which step they are."""
    steps = np.arange(10)
    with EpisodeWriter(folder, COUNT, Provenance("count", player="ann", notes={"chat": "hi"}), name=name) as writer:
        writer.extend(
            {"number": steps.astype(np.float32)},
            {
                "choice": np.array(CHOICES),
                "keys": np.stack([steps == 3, steps % 2], 1).astype(np.int8),
                "mouse": np.stack([steps, -steps], 1).astype(np.float32),
                "stick": (steps[:, None] / 10).astype(np.float32),
            },
            rewards=np.where(steps < 6, steps, np.nan).astype(np.float32),
            events=[[f"e{step}"] for step in steps],
            ticks=np.array(ticks) if ticks else steps,
            times_ns=((start_s + steps / 10) * 1e9).astype(np.int64),
        )
        writer.finish(terminated=terminated, truncated=not terminated)
        return writer.path


def one(folder: Path, *operations: Operation) -> Episode:
    """Count, operate, and return the one recording that comes of it."""
    count(folder / "logs")
    (episode,) = operate(folder / "logs", folder / "out", *operations).values()
    return episode


def test_trim_keeps_a_range_and_sees_what_came_next(tmp_path: Path) -> None:
    """One range keeps the name, is truncated, and its final observation is the step after it."""
    episode = one(tmp_path, Trim(keep=((2, 5),)))
    assert episode.name == "count"
    assert episode.observation("number").tolist() == [2, 3, 4]
    assert (episode.terminated, episode.truncated) == (False, True)
    assert episode.final_observation() == {"number": 5}
    assert episode.tick.tolist() == [2, 3, 4]


def test_trim_counts_seconds_of_game_time_and_cuts_at_the_end(tmp_path: Path) -> None:
    """Seconds become steps at the decision rate; ranges past the end are cut there, or ignored."""
    count(tmp_path / "logs")
    pieces = operate(tmp_path / "logs", tmp_path / "out", Trim(keep=((0, 0.2), (0.75, 5), (90, None)), unit="seconds"))
    assert {name: each.observation("number").tolist() for name, each in pieces.items()} == {
        "count.001": [0, 1],
        "count.002": [8, 9],
    }


def test_split_on_gaps(tmp_path: Path) -> None:
    """A jump of the wall clock cuts, its usual pace does not."""
    path = count(tmp_path / "early")
    times = Episode(path).time_ns
    with EpisodeWriter(tmp_path / "logs", COUNT, Provenance("count"), name="gap") as writer:
        episode = Episode(path)
        writer.extend(
            {"number": episode.observation("number")},
            {name: episode.action(name) for name in COUNT.action_names},
            times_ns=times + np.where(np.arange(10) >= 7, 3_000_000_000, 0),
        )
        writer.finish()
    pieces = operate(tmp_path / "logs", tmp_path / "out", Split(gap_s=1))
    assert [each.num_steps for each in pieces.values()] == [7, 3]
    whole = operate(tmp_path / "logs", tmp_path / "whole", Split(gap_s=4))
    assert [(name, each.num_steps) for name, each in whole.items()] == [("gap", 10)]


def test_recordings_are_chosen_by_name_pattern_and_player(tmp_path: Path, toy_logs: Path) -> None:
    """What is not meant passes unchanged, without a line of history; a piece answers to the name of its whole."""
    ann = Episode(toy_logs / "episode-0.arrows").provenance.player
    trim, style = Trim(recordings=("episode-[12]",), keep=((0, 9), (9, 20))), Relabel(players=(ann,), style="rusher")
    edited = operate(toy_logs, tmp_path / "out", trim, style, Drop(recordings=("episode-1",)))
    assert {name: operations_in(each) for name, each in edited.items()} == {
        "episode-0": ["relabel"],
        "episode-2.001": ["trim", "relabel"],
        "episode-2.002": ["trim", "relabel"],
    }
    assert {each.provenance.notes["style"] for each in edited.values()} == {"rusher"}


def test_drop_goes_by_length_and_damage(tmp_path: Path) -> None:
    """Short recordings, or those whose recorder was killed, are left out; the others are as they were."""
    for name, steps in (("long", 30), ("short", 5), ("killed", 30)):
        path = write_episode(tmp_path / "logs", name, steps=steps)
    path.write_bytes(path.read_bytes()[:-20])
    everything = ("*",)
    kept = operate(tmp_path / "logs", tmp_path / "a", Drop(recordings=everything, shorter_than_s=1))
    assert list(kept) == ["killed", "long"]
    assert list(operate(tmp_path / "logs", tmp_path / "b", Drop(recordings=everything, incomplete=True))) == [
        "long",
        "short",
    ]
    assert kept["killed"].complete
    assert kept["killed"].truncated


def test_merge_by_the_clock_marks_the_seam(tmp_path: Path) -> None:
    """Recordings a second apart are joined, the first step after the seam carries `cut`; a longer gap is not."""
    for number, start in enumerate((100.0, 102.0, 110.0)):
        count(tmp_path / "logs", f"part-{number}", start_s=start)
    merged = operate(tmp_path / "logs", tmp_path / "out", Merge(max_gap_s=1.5))
    assert [(name, each.num_steps) for name, each in merged.items()] == [("part-0", 20), ("part-2", 10)]
    episode = merged["part-0"]
    assert episode.events[9:12] == [["e9"], ["cut", "e0"], ["e1"]]
    assert episode.observation("number").tolist() == [*range(10), *range(10)]
    assert [each["name"] for each in episode.provenance.notes["history"][0]["sources"]] == ["part-0", "part-1"]
    assert operations_in(merged["part-2"]) == []


def test_an_ended_episode_is_never_continued(tmp_path: Path) -> None:
    """What comes after the game ended an episode is another episode, however close."""
    count(tmp_path / "logs", "first", start_s=100, terminated=True)
    count(tmp_path / "logs", "second", start_s=101)
    assert list(operate(tmp_path / "logs", tmp_path / "out", Merge(max_gap_s=9))) == ["first", "second"]


def test_pieces_that_do_not_meet_stay_apart(tmp_path: Path) -> None:
    """Pieces with a hole between them, or whose steps were changed since, are not joined without being told to."""
    count(tmp_path / "logs")
    holed = (Trim(keep=((0, 4), (5, 10))), Merge())
    shifted = (Split(at=(4,)), Shift(steps=1), Merge())
    assert list(operate(tmp_path / "logs", tmp_path / "a", *holed)) == ["count.001", "count.002"]
    assert list(operate(tmp_path / "logs", tmp_path / "b", *shifted)) == ["count.001", "count.002"]
    (joined,) = operate(tmp_path / "logs", tmp_path / "c", *shifted, Merge(max_gap_s=1)).values()
    assert joined.events[3] == ["cut", "e4"]


def test_a_piece_joined_by_the_clock_is_no_piece_any_more(tmp_path: Path) -> None:
    """What another recording was put behind is not continued by the rest of its own."""
    count(tmp_path / "logs", "first", start_s=100)
    count(tmp_path / "logs", "second", start_s=101)
    split = Split(recordings=("first",), at=(3, 6, 9))
    operate(tmp_path / "logs", tmp_path / "pieces", split)
    rest = tmp_path / "pieces" / "first.004.arrows"
    rest.rename(tmp_path / "rest.arrows")
    (joined,) = operate(tmp_path / "pieces", tmp_path / "out", Merge(max_gap_s=1)).values()
    assert joined.observation("number").tolist() == [*range(9), *range(10)]
    (tmp_path / "rest.arrows").rename(tmp_path / "out" / "first.004.arrows")
    assert len(operate(tmp_path / "out", tmp_path / "again", Merge())) == 2


@pytest.mark.parametrize(("keep_clock", "names"), [(True, ["count"]), (False, ["count.001", "count.002"])])
def test_pieces_with_clocks_of_their_own_do_not_meet(tmp_path: Path, keep_clock: bool, names: list[str]) -> None:
    """Pieces whose clocks begin at nought each cannot be joined without a seam; those that kept theirs can."""
    count(tmp_path / "logs", start_s=100)
    plan = (Split(at=(4,)), Anonymise(keep_clock=keep_clock), Merge())
    assert list(operate(tmp_path / "logs", tmp_path / "out", *plan)) == names


def test_mask_removes_the_column_everywhere(tmp_path: Path) -> None:
    """Spec, columns, extras and the final observation are without it; the rest is as it was."""
    write_episode(tmp_path / "logs", steps=5, extras=EXTRAS)
    before = Episode(tmp_path / "logs" / "episode.arrows")
    mask = Mask(sensors=("frame",), parts=("turn",), extras=("raw",))
    (after,) = operate(tmp_path / "logs", tmp_path / "out", mask).values()
    assert (after.behavior.sensor_names, after.behavior.action_names) == (("rays", "health"), ("move", "buttons"))
    assert list(after.layout.extras) == ["clock"]
    assert set(after.final_observation() or {}) == {"rays", "health"}
    np.testing.assert_array_equal(after.observation("rays"), before.observation("rays"))
    assert b"frame" not in after.path.read_bytes().replace(b'"sensors": ["frame"]', b"")


def test_a_neutral_part_does_nothing_and_stays_in_the_spec(tmp_path: Path) -> None:
    """The choice labelled none, no button, nought; or the label or number that was given."""
    episode = one(tmp_path, Mask(neutral=("choice", "keys", "mouse")))
    assert episode.behavior == COUNT
    assert not any(episode.action(name).any() for name in ("choice", "keys", "mouse"))
    assert episode.action("stick").any()
    given = Mask(neutral=("choice", "stick"), values={"choice": "right", "stick": 0.5})
    (other,) = operate(tmp_path / "logs", tmp_path / "given", given).values()
    assert set(other.action("choice")) == {2}
    assert set(other.action("stick").flat) == {0.5}


def test_rerate_by_each_rule(tmp_path: Path) -> None:
    """Three steps to one: longest choice, any button, summed deltas, mean stick, summed rewards, all events."""
    episode = one(tmp_path, ReRate(decision_hz=10 / 3))
    assert episode.observation("number").tolist() == [0, 3, 6, 9]
    assert episode.tick.tolist() == [0, 3, 6, 9]
    assert episode.action("choice").tolist() == [1, 2, 0, 2]
    assert episode.action("keys").tolist() == [[0, 1], [1, 1], [0, 1], [0, 1]]
    assert episode.action("mouse").tolist() == [[3, -3], [12, -12], [21, -21], [9, -9]]
    np.testing.assert_allclose(episode.action("stick")[:, 0], [0.1, 0.4, 0.7, 0.9], rtol=1e-6)
    np.testing.assert_array_equal(episode.reward, [3, 12, np.nan, np.nan])
    assert episode.events == [["e0", "e1", "e2"], ["e3", "e4", "e5"], ["e6", "e7", "e8"], ["e9"]]
    assert episode.behavior.action("mouse").space.high.tolist() == [300, 300]


def test_rerate_by_rules_that_were_asked_for(tmp_path: Path) -> None:
    """`first` and `last` go for every part, and a choice's ties go to the latest."""
    rules = {"choice": "last", "mouse": "first"}
    episode = one(tmp_path, ReRate(decision_hz=5, rules=rules))
    assert episode.action("choice").tolist() == CHOICES[1::2]
    assert episode.action("mouse")[:, 0].tolist() == [0, 2, 4, 6, 8]
    (tied,) = operate(tmp_path / "logs", tmp_path / "tied", ReRate(decision_hz=5)).values()
    assert tied.action("choice").tolist() == CHOICES[1::2]


def test_a_higher_rate_repeats_and_shares_out(tmp_path: Path) -> None:
    """Steps are repeated, deltas shared out, rewards and events given once, the clock goes on evenly."""
    episode = one(tmp_path, ReRate(decision_hz=20, repeat=True))
    assert episode.observation("number").tolist() == np.repeat(np.arange(10), 2).tolist()
    assert episode.action("mouse")[:4, 0].tolist() == [0, 0, 0.5, 0.5]
    assert episode.events[:3] == [["e0"], [], ["e1"]]
    np.testing.assert_array_equal(episode.reward[:4], [0, np.nan, 1, np.nan])
    np.testing.assert_allclose(np.diff(episode.time_ns), 5e7, atol=2)


def test_a_stalled_picture_is_folded_and_a_double_row_is_dropped(tmp_path: Path) -> None:
    """Steps with the tick of the step before count once; others give their deltas to the step that is kept."""
    count(tmp_path / "logs", ticks=[0, 1, 1, 2, 3, 4, 5, 6, 7, 8])
    (episode,) = operate(tmp_path / "logs", tmp_path / "out", Deduplicate(steps=(2, 5))).values()
    assert episode.observation("number").tolist() == [0, 1, 3, 4, 6, 7, 8, 9]
    assert episode.action("mouse")[:, 0].tolist() == [0, 1, 3, 9, 6, 7, 8, 9]
    assert episode.events[1:5] == [["e1"], ["e3"], ["e4", "e5"], ["cut", "e6"]]


def test_only_some_parts_are_shifted(tmp_path: Path) -> None:
    """The named parts come from later, the others stay with what was seen."""
    episode = one(tmp_path, Shift(parts=("mouse",), steps=2))
    assert episode.observation("number").tolist() == list(range(8))
    assert episode.action("mouse")[:, 0].tolist() == list(range(2, 10))
    assert episode.action("choice").tolist() == CHOICES[:8]
    assert episode.final_observation() == {"number": 8}


@pytest.mark.parametrize(("ids", "expected"), [("pseudonyms", "player-001"), ("none", ""), ("rehash", None)])
def test_anonymise_leaves_no_trace(tmp_path: Path, ids: str, expected: str | None) -> None:
    """Ids are new, notes gone but for style and history, the clock counts from nought; times between steps stay."""
    path = count(tmp_path / "logs", start_s=1_700_000_000)
    before = Episode(path).provenance.player
    edited = operate(tmp_path / "logs", tmp_path / "out", Relabel(style="slow"), Anonymise(ids=ids))
    provenance = edited["count"].provenance
    assert set(provenance.notes) == {"style", "history"}
    assert provenance.started == "1970-01-01T00:00:00+00:00"
    assert edited["count"].time_ns.tolist() == (np.arange(10) * 100_000_000).tolist()
    data = edited["count"].path.read_bytes()
    assert before.encode() not in data
    assert b"ann" not in data
    assert provenance.player == expected if expected is not None else provenance.player not in ("", before)
    assert (tmp_path / "out" / "player.key").exists() == (ids == "rehash")


def test_notes_and_clock_are_kept_on_request(tmp_path: Path) -> None:
    """What is asked for stays."""
    episode = one(tmp_path, Anonymise(keep_notes=("chat",), keep_clock=True))
    assert episode.provenance.notes["chat"] == "hi"
    assert_equal(episode, Episode(tmp_path / "logs" / "count.arrows"))


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        (Trim(recordings=("cuont",), keep=((0, 1),)), r"'trim' is for cuont, but .* Did you mean 'count'"),
        (Trim(keep=((50, 60),)), "The plan leaves no recording"),
        (Drop(recordings=("*",)), "The plan leaves no recording"),
        (Mask(sensors=("number",)), "The mask leaves 'count' no sensor"),
        (Mask(parts=COUNT.action_names), "The mask leaves 'count' no action part"),
        (Mask(extras=("raw",)), "'count' has no extra 'raw'"),
        (Mask(neutral=("choice",), values={"choice": "up"}), "The action part 'choice' has no 'up'"),
        (Mask(neutral=("choice",), values={"choice": 3}), "has no choice 3: it has 0 to 2"),
        (Mask(neutral=("stick",), values={"stick": 3}), "3 is no value of the action part 'stick'"),
        (ReRate(decision_hz=20), "20 Hz would need decisions that nobody made"),
        (ReRate(decision_hz=5, rules={"choice": "sum"}), "cannot go by the rule 'sum', only majority, first, last"),
        (Shift(steps=10), "'count' has 10 steps; its actions cannot be shifted by 10"),
        (Deduplicate(steps=(3, 10)), "steps up to number 10 cannot be dropped"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, operation: Operation, sentence: str) -> None:
    """Nothing is left behind, so the plan can be mended and applied to the same folder."""
    with pytest.raises(RecordingError, match=sentence):
        one(tmp_path, operation)
    assert not (tmp_path / "out").exists()
    assert [each.name for each in tmp_path.iterdir()] == ["logs"]


def test_an_unlabelled_choice_has_no_neutral_value(tmp_path: Path) -> None:
    """Which choice does nothing is asked for, with the choices there are."""
    part = replace(TOY.action("move"), labels=("back", "left", "forward"))
    behavior = replace(TOY, actions=(part, *TOY.actions[1:]))
    write_episode(tmp_path / "logs", steps=3, behavior=behavior)
    with pytest.raises(RecordingError, match=r"Which choice of 'move' does nothing\? .* back, left, forward"):
        operate(tmp_path / "logs", tmp_path / "out", Mask(neutral=("move",)))


def test_an_unknown_part_is_suggested(tmp_path: Path) -> None:
    """Misspelt sensors and parts are refused by the spec."""
    for operation in (
        Mask(sensors=("nubmer",)),
        Shift(parts=("mose",), steps=1),
        ReRate(decision_hz=5, rules={"x": "sum"}),
    ):
        with pytest.raises(SpecError, match="has no"):
            one(tmp_path / operation.op, operation)
