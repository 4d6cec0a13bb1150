"""A plan is applied whole, goes on after a stop, never in place, and never on damaged bytes."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from surgeon import assert_equal, operate

from toys import write_episode
from understudy.errors import RecordingError
from understudy.recordings import Episode, open_recordings
from understudy.recordings.surgery import Mask, Merge, Plan, Relabel, ReRate, Split, Trim, apply_plan
from understudy.recordings.surgery.operations import AnyOperation

PLAN = Plan(operations=(Split(every=7), Mask(sensors=("health",))))
PIECES = 12


class _StopError(Exception):
    pass


@settings(max_examples=10)
@given(after=st.integers(0, 59))
def test_a_stopped_run_goes_on(after: int) -> None:
    """Stopped at any step, the same call again gives what an undisturbed one gives, and keeps what was whole."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for seed in range(3):
            write_episode(folder / "logs", f"walk-{seed}", steps=28, seed=seed, player="ann")
        recordings = open_recordings(folder / "logs")

        def stop(_what: str, done: int, _total: int) -> None:
            if done > after:
                raise _StopError

        with pytest.raises(_StopError):
            apply_plan(PLAN, recordings, folder / "out", stop)
        kept = {path: path.stat().st_mtime_ns for path in (folder / "out").glob("*.arrows")}
        assert len(kept) == after // 7
        paths = apply_plan(PLAN, recordings, folder / "out")
        expected = apply_plan(PLAN, recordings, folder / "undisturbed")
        assert [path.name for path in paths] == [path.name for path in expected]
        assert len(paths) == PIECES
        assert {path: path.stat().st_mtime_ns for path in kept} == kept
        for one, other in zip(paths, expected, strict=True):
            assert_equal(Episode(one), Episode(other))
            assert Episode(one).provenance == Episode(other).provenance
        assert sorted(each.name for each in folder.iterdir()) == ["logs", "out", "undisturbed"]


def test_a_folder_of_another_plan_or_other_recordings_is_refused(toy_logs: Path, tmp_path: Path) -> None:
    """Going on is only for the very same work; anything else needs a folder of its own."""
    operate(toy_logs, tmp_path / "out", *PLAN.operations)
    before = sorted(path.name for path in (tmp_path / "out").iterdir())
    with pytest.raises(RecordingError, match="holds the work of another plan, or of other recordings"):
        operate(toy_logs, tmp_path / "out", Relabel(style="slow"))
    write_episode(toy_logs, "one-more", steps=3)
    with pytest.raises(RecordingError, match="holds the work of another plan, or of other recordings"):
        operate(toy_logs, tmp_path / "out", *PLAN.operations)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == before


def test_a_taken_folder_is_refused(toy_logs: Path, tmp_path: Path) -> None:
    """Nothing is overwritten, neither files nor folders."""
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")
    for name in ("file", "full"):
        with pytest.raises(RecordingError, match="is there already; name a new folder"):
            operate(toy_logs, tmp_path / name, *PLAN.operations)


@pytest.mark.parametrize("where", [".", "new", "..", "../logs/deep/new"])
def test_nothing_is_changed_in_place(toy_logs: Path, where: str) -> None:
    """A new folder among the recordings, or around them, is refused before anything is written."""
    before = sorted(toy_logs.rglob("*"))
    with pytest.raises(RecordingError, match="nothing is changed in place"):
        operate(toy_logs, toy_logs / where, Trim(keep=((0, 5),)))
    assert sorted(toy_logs.rglob("*")) == before


def test_folders_and_the_players_key_come_along(tmp_path: Path) -> None:
    """Behaviours stay in folders of their own, and the key above them is copied for its owner alone."""
    for folder in ("shooter", "racer"):
        write_episode(tmp_path / "logs" / folder, "walk", steps=5, player="ann", reveal_player=True)
    (tmp_path / "logs" / "player.key").write_text("ab" * 32)
    paths = apply_plan(Plan(operations=(Trim(keep=((0, 3),)),)), open_recordings(tmp_path / "logs"), tmp_path / "out")
    assert sorted(str(path.relative_to(tmp_path)) for path in paths) == [
        "out/racer/walk.arrows",
        "out/shooter/walk.arrows",
    ]
    key = tmp_path / "out" / "player.key"
    assert key.read_text() == "ab" * 32
    assert key.stat().st_mode & 0o777 == 0o600


def test_recordings_without_a_step_are_left_out(tmp_path: Path) -> None:
    """A recorder killed in its first second leaves nothing to edit, and does not hinder the others."""
    path = write_episode(tmp_path / "logs", "empty", steps=3)
    path.write_bytes(path.read_bytes()[:-100])
    assert Episode(path).num_steps == 0
    write_episode(tmp_path / "logs", "whole", steps=3)
    assert list(operate(tmp_path / "logs", tmp_path / "out", Relabel(style="slow"))) == ["whole"]
    (tmp_path / "logs" / "whole.arrows").unlink()
    with pytest.raises(RecordingError, match="no recording with a step in it"):
        operate(tmp_path / "logs", tmp_path / "none", Relabel(style="slow"))


def test_damaged_bytes_are_never_copied(tmp_path: Path) -> None:
    """A recording damaged inside is refused by name, not edited into a sound one."""
    path = write_episode(tmp_path / "logs", "walk", steps=60)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(RecordingError, match=r"walk\.arrows: record batch .* does not match its checksum"):
        operate(tmp_path / "logs", tmp_path / "out", ReRate(decision_hz=5))
    assert not list((tmp_path / "out").glob("*.arrows"))


def test_two_recordings_of_one_name_are_refused(tmp_path: Path) -> None:
    """A piece whose name another recording has is told before anything is written."""
    for name in ("walk", "walk.001"):
        write_episode(tmp_path / "logs", name, steps=10)
    with pytest.raises(RecordingError, match=r"Two recordings would both be called 'walk\.001'"):
        operate(tmp_path / "logs", tmp_path / "out", Split(recordings=("walk",), every=5))


def test_the_plan_lies_beside_its_work(toy_logs: Path, tmp_path: Path) -> None:
    """The folder says what was done to which recordings."""
    recordings = open_recordings(toy_logs)
    apply_plan(PLAN, recordings, tmp_path / "out")
    form = json.loads((tmp_path / "out" / "surgery.json").read_text())
    assert Plan.from_json(json.dumps(form["plan"])) == PLAN
    assert form["recordings"] == [{"name": each.name, "digest": each.digest} for each in recordings]


BOUNDS = st.lists(st.integers(0, 50), min_size=2, max_size=6, unique=True).map(sorted)
OPERATIONS: st.SearchStrategy[AnyOperation] = st.one_of(
    BOUNDS.map(lambda bounds: Trim(keep=tuple(zip(bounds[::2], bounds[1::2], strict=False)))),
    st.builds(Split, every=st.integers(1, 50), recordings=st.just(("a*", "b"))),
    st.builds(Merge, max_gap_s=st.none() | st.floats(0, 10)),
    st.builds(Mask, neutral=st.just(("move",)), values=st.dictionaries(st.just("move"), st.integers(0, 2))),
    st.builds(ReRate, decision_hz=st.floats(0.1, 100), repeat=st.booleans()),
    st.builds(Relabel, style=st.none() | st.text(min_size=1, max_size=5)),
)


@given(operations=st.lists(OPERATIONS, max_size=4))
def test_plans_survive_their_json(operations: list[AnyOperation]) -> None:
    """A plan read back from its own text is the same plan."""
    plan = Plan(operations=tuple(operations))
    assert Plan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "P: Invalid JSON"),
        ("[]", "P: Input should be an object"),
        ('{"operations": [{"op": "trm"}]}', "P: operation 1: Input tag 'trm' .* 'trim', 'split'"),
        (
            '{"operations": [{"op": "merge"}, {"op": "trim", "keep": [[5, 2]]}]}',
            "P: operation 2, trim: the ranges must be",
        ),
        ('{"operations": [{"op": "trim", "keep": [[0, 5], [4, 6]]}]}', "in order, apart and not empty"),
        ('{"operations": [{"op": "trim", "keep": [[0, 1.5]]}]}', "steps are whole numbers"),
        ('{"operations": [{"op": "split"}]}', "say one of at, every and gap_s"),
        ('{"operations": [{"op": "split", "at": [3], "every": 2}]}', "say one of at, every and gap_s"),
        ('{"operations": [{"op": "drop"}]}', "operation 1, drop, recordings: Field required"),
        ('{"operations": [{"op": "mask"}]}', "name a sensor, a part"),
        (
            '{"operations": [{"op": "mask", "sensors": ["x"], "values": {"a": 1}}]}',
            "values has 'a', which is not in neutral",
        ),
        ('{"operations": [{"op": "drop_steps", "steps": [3, 2]}]}', "steps must be rising numbers from 0"),
        ('{"operations": [{"op": "rerate", "decision_hz": 0}]}', "decision_hz: Input should be greater than 0"),
        ('{"operations": [], "format": 2}', "format: Input should be 1"),
    ],
)
def test_a_wrong_plan_is_told_in_a_sentence(text: str, sentence: str) -> None:
    """What is wrong is named with its place in the plan."""
    with pytest.raises(RecordingError, match=sentence):
        Plan.from_json(text, "P")


def test_a_plan_that_is_not_there_is_said(tmp_path: Path) -> None:
    """A missing file is a sentence that tells how to get one."""
    with pytest.raises(RecordingError, match=r"There is no plan .* --show-plan prints one"):
        Plan.load(tmp_path / "plan.json")


def test_the_plan_in_the_documentation_is_one() -> None:
    """What docs/logs/surgery.md shows can be applied."""
    page = (Path(__file__).parents[3] / "docs" / "logs" / "surgery.md").read_text()
    (example,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    assert [each.op for each in Plan.from_json(example).operations][:2] == ["drop", "drop_steps"]
