"""A detector of objects of interest: one ONNX file, from what is seen to how surely one is in view. No torch.

The file is made by `understudy.training.detection` from a handful of labelled frames. Its inputs are
`observation.<sensor>` (batch, *sensor shape), its output `score`, float32 (batch,), a probability. How it is read is a
card in its own metadata, under the key `understudy.detector`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from understudy.agents.backends import OnnxRuntimeGraph
from understudy.errors import BundleError, SpecError
from understudy.spec import BehaviorSpec, Json, Observation

FORMAT = 1
KEY = "understudy.detector"
OUTPUT = "score"


@dataclass(frozen=True)
class DetectorCard:
    """How a detector's scores are read.

    Attributes:
        name: Of what it detects.
        behavior: Of the game it was made in; its sensors are those that the detector reads.
        on: From this score on, an object may have come into view.
        off: Below this score, it may have left. Between the two, what was said before holds.
        hold: Decisions in a row that either has to last.
        certificate: How it was calibrated, and how closely the graph agrees with what was fitted.
    """

    name: str
    behavior: BehaviorSpec
    on: float
    off: float
    hold: int
    certificate: Mapping[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (0 <= self.off <= self.on <= 1 and self.hold >= 1):
            raise SpecError(
                f"A detector needs 0 <= off <= on <= 1 and hold >= 1, not {self.off}, {self.on}, {self.hold}."
            )

    def to_json(self) -> str:
        """Return the JSON text."""
        return json.dumps({"format": FORMAT, **asdict(self), "behavior": self.behavior.to_dict()})

    @classmethod
    def from_json(cls, text: str) -> DetectorCard:
        """Rebuild from JSON text; raises `BundleError` if it is not a card."""
        try:
            form = json.loads(text)
            if form.pop("format") != FORMAT:
                raise BundleError(f"of another format; this version reads format {FORMAT}")
            form["behavior"] = BehaviorSpec.from_dict(form["behavior"])
            return cls(**form)
        except (ValueError, TypeError, KeyError, AttributeError, SpecError) as error:
            raise BundleError(f"not a detector's card ({error})") from error


class Detector:
    """A detector's file, loaded. Stateless; `Watch` remembers what was said.

    Args:
        path: Of the ONNX file.
        threads: For one look.

    Raises:
        BundleError: If the file is missing, damaged, or no detector.
    """

    def __init__(self, path: Path | str, threads: int = 1) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise BundleError(f"{self.path} is not there; make a detector with: understudy detect --help")
        graph = OnnxRuntimeGraph(self.path, threads)
        if KEY not in graph.notes:
            raise BundleError(f"{self.path} is a graph, but no detector; make one with: understudy detect --help")
        try:
            self.card = DetectorCard.from_json(graph.notes[KEY])
        except BundleError as error:
            raise BundleError(f"{self.path} is {error}; make the detector again.") from error
        self._inputs = [f"observation.{name}" for name in self.card.behavior.sensor_names]
        self._graph = graph
        missing = [each for each in self._inputs if each not in graph.inputs]
        if missing or OUTPUT not in graph.outputs:
            raise BundleError(f"{self.path} has no '{missing[0] if missing else OUTPUT}'; make the detector again.")

    def scores(self, sensors: Sequence[np.ndarray]) -> np.ndarray:
        """Return how surely an object is in view, float32 in [0, 1], (batch,), from sensors in the card's order."""
        return np.asarray(self._graph.run([OUTPUT], dict(zip(self._inputs, sensors, strict=True)))[0])

    def score(self, observation: Observation) -> float:
        """Return the score of one observation; raises `ObservationError` if it lacks a sensor."""
        self.card.behavior.check_observation(observation)
        return float(self.scores([observation[name][None] for name in self.card.behavior.sensor_names])[0])


class Watch:
    """Whether an object is in view, as scores come in: with hysteresis, so that it does not flicker.

    Args:
        card: The detector's.
    """

    def __init__(self, card: DetectorCard) -> None:
        self._card = card
        self.reset()

    def reset(self) -> None:
        """See nothing."""
        self.present = False
        self._against = 0

    def see(self, score: float) -> bool:
        """Take one decision's score in [0, 1], and return whether an object is in view now."""
        against = score < self._card.off if self.present else score >= self._card.on
        self._against = self._against + 1 if against else 0
        if self._against >= self._card.hold:
            self.present, self._against = not self.present, 0
        return self.present
