"""An executing agent hands over when an object is in view, gives back when it is done, and keeps its contract."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from toys import TOY, sample_observation
from understudy.agents import RandomAgent
from understudy.agents.detector import KEY, Detector, DetectorCard, Watch
from understudy.agents.executing import ExecutingAgent, Handover, Inspection
from understudy.agents.testing import check_agent
from understudy.errors import BundleError, ObservationError, SpecError, SpecMismatchError
from understudy.spec import Action, BehaviorSpec, Observation, SensorSpec

HEALTH = TOY.select(["health"])
RAYS = TOY.select(["rays"])


def save_detector(path: Path, behavior: BehaviorSpec = HEALTH, **card: float) -> Detector:
    """A detector whose score is the health in percent, clipped."""
    numbers = {"hundred": 100.0, "zero": 0.0, "one": 1.0}
    graph = helper.make_graph(
        [helper.make_node("Div", ["observation.health", "hundred"], ["share"]),
         helper.make_node("Clip", ["share", "zero", "one"], ["score"])],
        "health",
        [helper.make_tensor_value_info("observation.health", TensorProto.FLOAT, ["batch"])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, ["batch"])],
        [helper.make_tensor(name, TensorProto.FLOAT, [], [value]) for name, value in numbers.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    settings = {"on": 0.6, "off": 0.4, "hold": 1, **card}
    helper.set_model_props(model, {KEY: DetectorCard("health", behavior, **settings).to_json()})  # type: ignore[arg-type]
    onnx.save(model, path)
    return Detector(path)


def observe(health: float, step: int = 0) -> Observation:
    """An observation with so much health, in percent."""
    return {**sample_observation(TOY, 0, step), "health": np.asarray(health, np.float32)}


class Marking(RandomAgent):
    """Says who it is by its move, and notes its seeds."""

    def __init__(self, behavior: BehaviorSpec, move: int) -> None:
        self.move, self.seeds, self.acted, self.closed = move, list[int](), 0, 0
        super().__init__(behavior)

    def reset(self, seed: int) -> None:
        """Note it."""
        self.seeds.append(seed)
        super().reset(seed)

    def act(self, observation: Observation) -> Action:
        """Count it."""
        self.acted += 1
        return {**super().act(observation), "move": np.asarray(self.move)}

    def close(self) -> None:
        """Count it."""
        self.closed += 1


@pytest.fixture
def detector(tmp_path: Path) -> Detector:
    """One that fires at once."""
    return save_detector(tmp_path / "health.onnx")


def play(agent: ExecutingAgent, scores: list[int], seed: int = 0) -> list[int]:
    """Who decides at each of some scores in percent: 0 the explorer, 2 the inspector."""
    agent.reset(seed)
    return [int(agent.act(observe(score, step))["move"]) for step, score in enumerate(scores)]


def pair(detector: Detector, **handover: int) -> ExecutingAgent:
    """Two marking agents."""
    return ExecutingAgent(Marking(RAYS, 0), Marking(HEALTH, 2), detector, Handover(**handover))


def test_it_keeps_the_contract(detector: Detector) -> None:
    """It is an agent: seeded, forgetful at a reset, and unshaken by bad observations, also in an inspection."""
    for healths in ((0, 90, 90, 0, 0, 90), (90, 90, 90, 90, 90, 90)):
        observations = [observe(health, step) for step, health in enumerate(healths)]
        make = lambda: ExecutingAgent(RandomAgent(RAYS), RandomAgent(TOY), detector, Handover(1, 2, 1))  # noqa: E731
        check_agent(make, observations)


def test_it_hands_over_and_gives_back(detector: Detector) -> None:
    """The inspector decides from the moment the object is in view until it has been out of view long enough."""
    agent = pair(detector, lost=2, most=50, rest=0)
    assert play(agent, [0, 90, 90, 0, 90, 0, 0, 0, 0]) == [0, 2, 2, 2, 2, 2, 0, 0, 0]
    assert agent.inspections == [Inspection(1, 6)]
    assert not agent.inspecting


def test_an_inspection_times_out(detector: Detector) -> None:
    """An object that stays in view is inspected once, for so long, and again only after it was out of view."""
    agent = pair(detector, lost=2, most=3, rest=1)
    assert play(agent, [90] * 8 + [0, 90, 90]) == [2, 2, 2, 0, 0, 0, 0, 0, 0, 2, 2]
    assert agent.inspections == [Inspection(0, 3, timed_out=True), Inspection(9)]
    assert agent.inspecting


def test_there_is_a_rest_between_inspections(detector: Detector) -> None:
    """Another object right after the first is passed by until the rest is over and it comes into view anew."""
    agent = pair(detector, lost=1, most=50, rest=4)
    assert play(agent, [90, 0, 90, 0, 90, 0, 90]) == [2, 0, 0, 0, 0, 0, 2]


def test_a_glimpse_is_no_object(tmp_path: Path) -> None:
    """With `hold`, what is seen too briefly hands nothing over."""
    agent = pair(save_detector(tmp_path / "held.onnx", hold=3), lost=5, most=50, rest=0)
    assert play(agent, [90, 90, 0, 90, 90, 90, 50]) == [0, 0, 0, 0, 0, 2, 2]


def test_the_explorer_goes_on_where_it_left_off(detector: Detector) -> None:
    """The explorer is reset once a play and does not see the inspection; each inspection has a seed of its own."""
    agent = pair(detector, lost=1, most=50, rest=0)
    explorer, inspector = agent._explore, agent._inspect
    assert isinstance(explorer, Marking)
    assert isinstance(inspector, Marking)
    made = len(explorer.seeds), len(inspector.seeds)
    play(agent, [0, 90, 0, 90, 90, 0, 0], seed=5)
    assert explorer.seeds[made[0] :] == [5]
    assert (explorer.acted, inspector.acted) == (4, 3)
    first = inspector.seeds[made[1] :]
    assert len(set(first)) == 2
    play(agent, [0, 90, 0, 90, 90, 0, 0], seed=5)
    assert inspector.seeds[made[1] + 2 :] == first
    play(agent, [90], seed=6)
    assert inspector.seeds[-1] not in first


def test_what_is_refused_has_not_happened(detector: Detector) -> None:
    """A bad observation neither counts as a decision nor as a sight."""
    agent = pair(detector, lost=2, most=3, rest=0)
    agent.reset(0)
    agent.act(observe(90))
    with pytest.raises(ObservationError):
        agent.act({**observe(90), "rays": np.full(5, np.nan, np.float32)})
    assert agent.inspections == [Inspection(0)]
    assert [int(agent.act(observe(90))["move"]) for _ in range(3)] == [2, 2, 0]


def test_it_needs_what_all_three_need(detector: Detector) -> None:
    """Its sensors are those of both agents and the detector, each once; closing it closes both."""
    agent = ExecutingAgent(Marking(RAYS, 0), Marking(TOY.select(["frame", "rays"]), 2), detector)
    assert agent.behavior == BehaviorSpec("toy", tuple(map(TOY.sensor, ("rays", "frame", "health"))), TOY.actions, 10.0)
    agent.close()
    assert [each.closed for each in (agent._explore, agent._inspect)] == [1, 1]  # type: ignore[attr-defined]


def test_agents_of_other_games_are_refused(tmp_path: Path, detector: Detector) -> None:
    """Another rate, or another sensor of the same name, is a mismatch that is named."""
    faster = BehaviorSpec("toy", RAYS.sensors, RAYS.actions, 20.0)
    with pytest.raises(
        SpecMismatchError, match=r"does not match the inspecting agent: decision_hz.*of the same game.$"
    ):
        ExecutingAgent(RandomAgent(RAYS), RandomAgent(faster), detector)
    other = BehaviorSpec("toy", (SensorSpec("health", spaces.Box(0, 9, (), np.float32)),), TOY.actions, 10.0)
    with pytest.raises(SpecMismatchError, match=r"does not match the detector: .*health"):
        ExecutingAgent(RandomAgent(TOY), RandomAgent(RAYS), save_detector(tmp_path / "other.onnx", other))


@given(scores=st.lists(st.floats(0, 1), max_size=40), hold=st.integers(1, 4))
def test_a_watch_changes_its_mind_for_reasons(scores: list[float], hold: int) -> None:
    """What is in view changes only after `hold` scores in a row beyond the threshold that holds then."""
    card = DetectorCard("any", HEALTH, on=0.6, off=0.3, hold=hold)
    watch = Watch(card)
    said = [watch.see(score) for score in scores]
    for at, (before, after) in enumerate(itertools.pairwise([False, *said])):
        recent = scores[max(0, at - hold + 1) : at + 1]
        if before != after:
            assert len(recent) == hold
            assert all(score >= 0.6 if after else score < 0.3 for score in recent)
        elif not before and len(recent) == hold and not any(said[max(0, at - hold) : at]):
            assert not all(score >= 0.6 for score in recent)


@pytest.mark.parametrize(("on", "off", "hold"), [(0.3, 0.4, 1), (1.2, 0.4, 1), (0.6, -0.1, 1), (0.6, 0.4, 0)])
def test_a_card_that_makes_no_sense_is_refused(on: float, off: float, hold: int) -> None:
    """Thresholds lie in order within 0 to 1."""
    with pytest.raises(SpecError, match=r"^A detector needs 0 <= off <= on <= 1 and hold >= 1, not "):
        DetectorCard("any", HEALTH, on, off, hold)


def test_a_handover_that_makes_no_sense_is_refused() -> None:
    """An inspection of no decision is none."""
    with pytest.raises(SpecError, match=r"^A handover needs lost and most of 1 or more"):
        Handover(most=0)


def test_files_that_are_no_detectors_are_refused(tmp_path: Path, detector: Detector) -> None:
    """Missing, damaged and foreign files are told apart in a sentence."""
    with pytest.raises(BundleError, match=r"none.onnx is not there; make a detector with: understudy detect --help$"):
        Detector(tmp_path / "none.onnx")
    (tmp_path / "torn.onnx").write_bytes(detector.path.read_bytes()[:40])
    with pytest.raises(BundleError, match=r"torn.onnx cannot be loaded by ONNX Runtime"):
        Detector(tmp_path / "torn.onnx")
    model = onnx.load(detector.path)
    form = json.loads(detector.card.to_json())
    helper.set_model_props(model, {KEY: json.dumps({**form, "format": 9})})
    onnx.save(model, tmp_path / "newer.onnx")
    with pytest.raises(BundleError, match=r"newer.onnx is of another format; this version reads format 1; make the"):
        Detector(tmp_path / "newer.onnx")
    behavior = RAYS.to_dict()
    helper.set_model_props(model, {KEY: json.dumps({**form, "behavior": behavior})})
    onnx.save(model, tmp_path / "rays.onnx")
    with pytest.raises(BundleError, match=r"rays.onnx has no 'observation.rays'; make the detector again.$"):
        Detector(tmp_path / "rays.onnx")
