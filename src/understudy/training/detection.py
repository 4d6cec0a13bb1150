"""From a handful of labelled frames to a detector's file: a trained bot's encoders, frozen, and a head on top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from understudy.agents.detector import KEY, OUTPUT, Detector, DetectorCard
from understudy.agents.networks import InGraphPixels, Policy
from understudy.errors import BundleError, RecipeError, suggest
from understudy.recordings import Episode, Recordings
from understudy.training.build import in_graph
from understudy.training.export import TrainedRun
from understudy.training.few_shot import Calibration, FewShot, HeadKind, fit_few_shot
from understudy.training.frame_labels import KINDS, FrameLabels
from understudy.training.tracing import trace

TOLERANCE = 1e-4
"""Of a score, between the fitted head and the exported graph."""
_BACKGROUND_ROWS = 4096
_ROWS_AT_ONCE = 256
# Labelled frames on which the exported graph is compared.
_COMPARED = 64
# Decisions from one labelled step to the next, within which both are of one sighting.
_SIGHTING_GAP = 5


class DetectorGraph(nn.Module):
    """What is exported: from what the game sends to a probability.

    Args:
        policy: Whose encoders it looks with, in evaluation mode; frozen.
        pixels: By sensor name, pictures to reduce inside the graph.
        head: Fitted on the embeddings.
    """

    def __init__(self, policy: Policy, pixels: Mapping[str, InGraphPixels], head: FewShot | None = None) -> None:
        super().__init__()
        self.behavior = policy.behavior
        self.encoders, self.squeeze = policy.encoders, policy.squeeze
        self.pixels = nn.ModuleDict(pixels)
        self.head = head

    def embed(self, *sensors: Tensor) -> Tensor:
        """Return the embeddings, (batch, size), of sensors in the spec's order, each (batch, *sensor shape)."""
        read = zip(self.behavior.sensor_names, sensors, strict=True)
        reduced = {name: self.pixels[name](value) if name in self.pixels else value for name, value in read}
        return self.squeeze(torch.cat([encoder(reduced[name]) for name, encoder in self.encoders.items()], -1))

    def forward(self, *sensors: Tensor) -> Tensor:
        """Return scores, (batch,)."""
        assert self.head is not None
        return self.head(self.embed(*sensors))


def make_detector(
    run: Path,
    recordings: Recordings,
    labels: Mapping[str, FrameLabels],
    out: Path,
    *,
    head: HeadKind = "logistic",
    false_alarms: float = 0.01,
    hold: int = 3,
) -> Detector:
    """Fit a detector on a run's frozen embeddings, calibrate it, and write its file.

    Args:
        run: A run folder, trained in the same game.
        recordings: Labelled ones among them; all of them tell what is usual.
        labels: By recording.
        out: The ONNX file to write.
        head: `"logistic"`, or `"prototypes"` where objects look much unlike each other.
        false_alarms: Share of frames without an object that may score as one has to.
        hold: Decisions in a row that an object has to be seen.

    Raises:
        RecipeError: If a labelled step is not there, or there are too few.
        BundleError: If the exported graph does not give the fitted head's own scores.
    """
    trained = TrainedRun.load(run, recordings)
    graph = DetectorGraph(trained.policy, in_graph(trained.recipe, trained.behavior)).eval()
    episodes = {each.name: each for each in recordings}
    _require_there(labels, episodes)
    labels = {name: each for name, each in labels.items() if list(each)}
    rows = [(name, step, kind == KINDS[0]) for name, each in labels.items() for kind, step in each]
    embedded = [embed_steps(graph, episodes[name], [step for _, step in each]) for name, each in labels.items()]
    graph.head, calibration = fit_few_shot(
        np.concatenate(embedded),
        np.array([seen for _, _, seen in rows], bool),
        _sightings(rows),
        _background(graph, recordings),
        head=head,
        false_alarms=false_alarms,
    )
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(_COMPARED, len(rows))).round().astype(int))
    frames = [_read(graph, episodes[name], [step]) for name, step, _ in (rows[index] for index in chosen)]
    example = tuple(torch.cat(each) for each in zip(*frames, strict=True))
    return write_detector(graph, calibration, example, out, name=trained.recipe.name, hold=hold, kind=head)


@torch.no_grad()
def embed_steps(graph: DetectorGraph, episode: Episode, steps: Sequence[int]) -> np.ndarray:
    """Return the embeddings of some steps of a recording, float32, (steps, size)."""
    parts = [
        graph.embed(*_read(graph, episode, steps[at : at + _ROWS_AT_ONCE]))
        for at in range(0, len(steps), _ROWS_AT_ONCE)
    ]
    return torch.cat(parts).numpy()


def write_detector(
    graph: DetectorGraph,
    calibration: Calibration,
    example: tuple[Tensor, ...],
    out: Path,
    *,
    name: str,
    hold: int = 3,
    kind: str = "",
) -> Detector:
    """Export a fitted graph, with its card in the file's own metadata.

    Args:
        graph: With its head.
        calibration: Of the head.
        example: Recorded sensors in the spec's order, each (frames, *sensor shape): the exported graph is compared with
            this one on them.
        out: The file.
        name: Of the detector.
        hold: Decisions in a row that an object has to be seen.
        kind: Of the head, for the certificate.

    Raises:
        BundleError: If the two differ; nothing is written then.
    """
    inputs = [f"observation.{each}" for each in graph.behavior.sensor_names]
    names = {each: {0: "batch"} for each in (*inputs, OUTPUT)}
    model = onnx.load_from_string(trace(graph.eval(), example, inputs, [OUTPUT], names))
    certificate = {"head": kind, "frames": len(example[0]), "tolerance": TOLERANCE, **asdict(calibration)}
    card = DetectorCard(name, graph.behavior, calibration.on, calibration.off, hold, certificate)
    draft = out.with_name(f"{out.name}.part")
    try:
        _save(model, draft, card)
        difference = _difference(graph, Detector(draft), example)
        _save(model, draft, replace(card, certificate={**certificate, "max_score_difference": difference}))
        draft.rename(out)
    except OSError as error:
        raise BundleError(f"{out} cannot be written: {error.strerror}.") from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    return Detector(out)


def _save(model: onnx.ModelProto, path: Path, card: DetectorCard) -> None:
    onnx.helper.set_model_props(model, {KEY: card.to_json()})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())


@torch.no_grad()
def _difference(graph: DetectorGraph, exported: Detector, example: tuple[Tensor, ...]) -> float:
    """The largest difference of the scores; raises `BundleError` if it is too large."""
    found = exported.scores([each.numpy() for each in example])
    difference = float(np.abs(found - graph(*example).numpy()).max())
    if not difference <= TOLERANCE:
        raise BundleError(
            f"The exported detector '{exported.card.name}' is not what was fitted: scores differ by up to "
            f"{difference:.2g} (allowed: {TOLERANCE:g})."
        )
    return difference


def _sightings(rows: Sequence[tuple[str, int, bool]]) -> np.ndarray:
    """Number rows (recording, step, kind) by their sighting, int64: those shortly after one another are of one."""
    new = [
        (name, kind) != (before, earlier) or step - last > _SIGHTING_GAP
        for (before, last, earlier), (name, step, kind) in pairwise(rows)
    ]
    return np.cumsum([0, *new])[: len(rows)]


def _read(graph: DetectorGraph, episode: Episode, steps: Sequence[int]) -> tuple[Tensor, ...]:
    return tuple(
        torch.from_numpy(np.stack([episode.observation(name, slice(step, step + 1))[0] for step in steps]))
        for name in graph.behavior.sensor_names
    )


def _background(graph: DetectorGraph, recordings: Recordings) -> np.ndarray:
    """Embeddings of steps spread evenly over all recordings, (steps, size)."""
    episodes = [each for each in recordings if each.num_steps]
    most = -(-_BACKGROUND_ROWS // len(episodes))
    return np.concatenate(
        [
            embed_steps(graph, each, np.unique(np.linspace(0, each.num_steps - 1, most).round().astype(int)).tolist())
            for each in episodes
        ]
    )


def _require_there(labels: Mapping[str, FrameLabels], episodes: Mapping[str, Episode]) -> None:
    if not any(list(each) for each in labels.values()):
        raise RecipeError("The labels name no step; list some under 'object' and 'nothing'.")
    for name, each in labels.items():
        if name not in episodes:
            raise RecipeError(f"The labels name '{name}', which is no recording here.{suggest(name, episodes)}")
        last = max((step for _, step in each), default=-1)
        if last >= episodes[name].num_steps:
            raise RecipeError(
                f"The labels name step {last} of '{name}', which has {episodes[name].num_steps} steps, counted from 0."
            )
