"""A handful of labelled frames make a detector that finds more of the same, and says how often it errs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import typer
import yaml
from catching import catching_recipe, record_catching
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from understudy.agents import BundleAgent, RandomAgent
from understudy.agents.detector import KEY, Detector
from understudy.agents.executing import ExecutingAgent, Handover, open_executing
from understudy.agents.testing import check_agent
from understudy.cli.detect import detect
from understudy.errors import BundleError, RecipeError
from understudy.recordings import Recordings, open_recordings
from understudy.training import detection
from understudy.training.detection import make_detector
from understudy.training.export import export_run
from understudy.training.few_shot import fit_few_shot
from understudy.training.frame_labels import FrameLabels, read_labels
from understudy.training.loop import train


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with recordings in `logs`, a trained run in `run` and its bundle in `bundle`."""
    folder = tmp_path_factory.mktemp("detection")
    logs = open_recordings(record_catching(folder / "logs", episodes=4, steps=120))
    recipe = catching_recipe(self_supervised={"objective": "inverse_dynamics"}, loop={"updates": 150})
    train(recipe, logs, folder / "run")
    export_run(folder / "run", logs, folder / "bundle")
    return folder


@pytest.fixture
def logs(place: Path) -> Recordings:
    """The recordings, opened."""
    return open_recordings(place / "logs")


def shown(logs: Recordings, name: str) -> np.ndarray:
    """Whether the prize is to be seen at each step of a recording, bool: that is the object of interest."""
    frames = next(each for each in logs if each.name == name).observation("frame")
    return np.asarray(frames[:, 0, :, 0].max(1) == 255)


def label(logs: Recordings, each: int = 12) -> dict[str, FrameLabels]:
    """A few frames of either kind from some recordings."""
    kinds = {name: shown(logs, name) for name in ("episode-000", "episode-001")}
    return {
        name: FrameLabels(*(tuple(np.flatnonzero(mask)[::3][:each].tolist()) for mask in (seen, ~seen)))
        for name, seen in kinds.items()
    }


@pytest.mark.parametrize("head", ["logistic", "prototypes"])
def test_a_handful_of_frames_finds_more_of_the_same(place: Path, logs: Recordings, tmp_path: Path, head: str) -> None:
    """Some frames of either kind from two recordings find the object in two others, with few false alarms."""
    found = make_detector(place / "run", logs, label(logs), tmp_path / "prize.onnx", head=head)  # type: ignore[arg-type]
    others = [each for each in logs if each.name in ("episode-002", "episode-003")]
    truth = np.concatenate([shown(logs, each.name) for each in others])
    scores = found.scores([np.concatenate([each.observation("frame") for each in others])])
    assert scores.dtype == np.float32
    assert ((scores >= 0) & (scores <= 1)).all()
    assert (scores[truth][:, None] > scores[~truth]).mean() > 0.85
    certificate = found.card.certificate
    share = float((scores[truth] >= found.card.on).mean())
    assert share > 0.4
    assert share == pytest.approx(certificate["found"], abs=0.2)
    assert (scores[~truth] >= found.card.on).mean() < 0.12
    assert certificate["head"] == head
    assert certificate["examples"] == certificate["others"] == 24
    assert certificate["folds"] == 8
    assert certificate["promised"] == pytest.approx(1 / 25)
    assert 0 <= certificate["max_score_difference"] <= 1e-4  # type: ignore[operator]


def test_two_bundles_and_a_detector_are_an_agent(place: Path, logs: Recordings, tmp_path: Path) -> None:
    """Real bundles explore and inspect by a real detector, keep the contract, and hand over where the object is."""
    path = tmp_path / "prize.onnx"
    make_detector(place / "run", logs, label(logs), path, hold=1)
    handover = Handover(lost=2, most=8, rest=0)

    def make() -> ExecutingAgent:
        return open_executing(place / "bundle", place / "bundle", path, handover=handover)

    observations = [{"frame": frame} for frame in logs[2].observation("frame")[:30]]
    check_agent(make, observations)
    agent, truth = make(), shown(logs, "episode-002")
    agent.reset(0)
    for each in observations:
        agent.act(each)
    assert agent.inspections
    assert np.mean([truth[each.start] for each in agent.inspections]) > 0.7


def test_the_inspector_decides_alone(place: Path, logs: Recordings, tmp_path: Path) -> None:
    """From the handover on, the actions are those of a new inspector that saw what was seen since."""
    path = tmp_path / "prize.onnx"
    make_detector(place / "run", logs, label(logs), path, hold=1)
    behavior = Detector(path).card.behavior
    frames = [{"frame": frame} for frame in logs[2].observation("frame")]
    agent = open_executing(place / "bundle", place / "bundle", path, handover=Handover(lost=1000, most=1000))
    agent.reset(7)
    actions = [agent.act(each) for each in frames]
    start = agent.inspections[0].start
    seeds = []

    class Listening(RandomAgent):
        def reset(self, seed: int) -> None:
            seeds.append(seed)
            super().reset(seed)

    other = ExecutingAgent(RandomAgent(behavior), Listening(behavior), Detector(path), Handover(lost=1000, most=1000))
    other.reset(7)
    for each in frames:
        other.act(each)
    alone = BundleAgent(agent._inspect._bundle)  # type: ignore[attr-defined]
    alone.reset(seeds[-1])
    expected = [alone.act(each)["walk"] for each in frames[start:]]
    assert [int(each["walk"]) for each in actions[start:]] == [int(each) for each in expected]


def test_frames_that_tell_nothing_are_not_believed() -> None:
    """Labels that are drawn at random give a threshold that almost nothing reaches, and an area near one half."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(120, 16)).astype(np.float32), rng.random(120) < 0.5
    head, calibration = fit_few_shot(x, y, np.arange(120) % 6, x)
    assert 0.3 < calibration.area < 0.7
    assert calibration.found < 0.1
    assert calibration.false_alarms <= 0.02
    assert head is not None


@given(seed=st.integers(0, 50), share=st.sampled_from([0.05, 0.1, 0.2]))
def test_false_alarms_keep_to_their_share(seed: int, share: float) -> None:
    """Of the frames without an object that were left out, no more reach the threshold than may; off lies below on."""
    rng = np.random.default_rng(seed)
    y = np.arange(200) < 60
    x = (rng.normal(size=(200, 6)) + y[:, None] * rng.uniform(0, 2)).astype(np.float32)
    _, calibration = fit_few_shot(x, y, rng.integers(0, 5, 200), x, false_alarms=share)
    assert calibration.false_alarms <= share
    assert 0 <= calibration.off <= calibration.on <= 1


def test_one_sighting_is_left_out_in_pieces(place: Path, logs: Recordings, tmp_path: Path) -> None:
    """Labels of a single stretch are calibrated too, block by block; neighbours otherwise stay together."""
    stretch = {"episode-000": FrameLabels(tuple(range(8)), tuple(range(20, 25)))}
    assert make_detector(place / "run", logs, stretch, tmp_path / "one.onnx").card.certificate["folds"] == 8
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)).astype(np.float32), np.arange(40) < 20
    assert fit_few_shot(x, y, np.arange(40) // 5, x)[1].folds == 4


def test_a_graph_that_is_not_what_was_fitted_is_not_written(
    place: Path, logs: Recordings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the exported detector scores otherwise, nothing is left behind, and the error says by how much."""
    trace = detection.trace

    def tampered(graph: detection.DetectorGraph, *arguments: object) -> bytes:
        assert graph.head is not None
        graph.head.offset += 1
        made = trace(graph, *arguments)  # type: ignore[arg-type]
        graph.head.offset -= 1
        return made

    monkeypatch.setattr(detection, "trace", tampered)
    with pytest.raises(
        BundleError, match=r"^The exported detector 'catching' is not what was fitted: scores differ by"
    ):
        make_detector(place / "run", logs, label(logs), tmp_path / "prize.onnx")
    assert list(tmp_path.iterdir()) == []


def test_too_few_frames_are_refused(place: Path, logs: Recordings, tmp_path: Path) -> None:
    """Two frames of a kind calibrate nothing."""
    few = {"episode-000": FrameLabels((0, 1), tuple(range(5, 9))), "episode-001": FrameLabels((), ())}
    with pytest.raises(RecipeError) as caught:
        make_detector(place / "run", logs, few, tmp_path / "prize.onnx")
    assert str(caught.value) == (
        "A detector needs three frames or more with an object and three without, not 2 and 4; label more."
    )


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            {"episode-00": FrameLabels((1,), ())},
            "The labels name 'episode-00', which is no recording here. Did you mean 'episode-003'? Known: "
            "'episode-000', 'episode-001', 'episode-002', 'episode-003'.",
        ),
        (
            {"episode-000": FrameLabels((1,), (120,))},
            "The labels name step 120 of 'episode-000', which has 120 steps, counted from 0.",
        ),
        (
            {"episode-000": FrameLabels((), ())},
            "The labels name no step; list some under 'object' and 'nothing'.",
        ),
    ],
)
def test_labels_of_what_is_not_there_are_refused(
    place: Path, logs: Recordings, tmp_path: Path, labels: dict[str, FrameLabels], message: str
) -> None:
    """A recording or a step that is not there is named."""
    with pytest.raises(RecipeError) as caught:
        make_detector(place / "run", logs, labels, tmp_path / "prize.onnx")
    assert str(caught.value).split(" Did")[0] == message.split(" Did")[0]


def test_labels_are_read(tmp_path: Path) -> None:
    """Steps and ranges, both ends included."""
    path = tmp_path / "labels.yaml"
    path.write_text("park-003:\n  object: [12-14, 30]\n  nothing: 0-2\npark-004:\n  nothing: [7]\n")
    assert read_labels(path) == {
        "park-003": FrameLabels((12, 13, 14, 30), (0, 1, 2)),
        "park-004": FrameLabels((), (7,)),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "should hold recordings' names, each with 'object' and 'nothing'."),
        ("a: 3", "'a' should have 'object' and 'nothing', found 3."),
        ("a: {objekt: [1]}", "'a' has the unknown key 'objekt'. Did you mean 'object'? Known: 'nothing', 'object'."),
        ("a: {object: [9-3]}", "'a' should list steps such as 305 or 120-140, found '9-3'."),
        ("a: {object: [-1]}", "'a' should list steps such as 305 or 120-140, found -1."),
        ("a: {object: [1-5], nothing: [5]}", "step 5 of 'a' is labelled both as an object and as nothing."),
        ("a: {", "cannot be read as YAML: "),
    ],
)
def test_a_mistake_in_the_labels_is_named(tmp_path: Path, text: str, message: str) -> None:
    """The file, the recording and what was found are told in a sentence."""
    path = tmp_path / "labels.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError) as caught:
        read_labels(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_labels_that_are_not_there_are_refused(tmp_path: Path) -> None:
    """A missing file is told as one."""
    with pytest.raises(RecipeError, match=r"^The labels .*labels.yaml are not there.$"):
        read_labels(tmp_path / "labels.yaml")


def test_the_file_says_how_it_is_read(place: Path, logs: Recordings, tmp_path: Path) -> None:
    """Everything a player needs is in the one file, which may be moved; without its card it is no detector."""
    made = make_detector(place / "run", logs, label(logs), tmp_path / "prize.onnx", hold=5)
    moved = (tmp_path / "prize.onnx").rename(tmp_path / "moved.onnx")
    assert Detector(moved).card == made.card
    assert made.card.hold == 5
    model = onnx.load(moved)
    assert {each.key for each in model.metadata_props} == {KEY}
    del model.metadata_props[:]
    onnx.save(model, moved)
    with pytest.raises(BundleError, match=r"is a graph, but no detector; make one with: understudy detect --help$"):
        Detector(moved)


def test_the_command_makes_one(place: Path, logs: Recordings, tmp_path: Path) -> None:
    """`understudy detect` writes the file and prints what was measured on frames left out."""
    app = typer.Typer()
    app.command()(detect)
    form = {name: {"object": list(each.object), "nothing": list(each.nothing)} for name, each in label(logs).items()}
    (tmp_path / "labels.yaml").write_text(yaml.safe_dump(form))
    arguments = [str(place / "run"), str(tmp_path / "prize.onnx"), "--logs", str(place / "logs")]
    result = CliRunner().invoke(app, [*arguments, "--labels", str(tmp_path / "labels.yaml")])
    assert result.exit_code == 0, result.output
    assert "of 24 with an object found" in result.output
    assert Detector(tmp_path / "prize.onnx").card.name == "catching"
    result = CliRunner().invoke(app, [*arguments, "--labels", str(tmp_path / "labels.yaml"), "--head", "logistc"])
    assert str(result.exception) == (
        "There is no head 'logistc'. Did you mean 'logistic'? Known: 'logistic', 'prototypes'."
    )
