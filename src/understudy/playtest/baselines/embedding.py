"""From an observation to a vector whose distances say how alike two places look."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from understudy.agents.backends import OnnxRuntimeGraph
from understudy.errors import PlaytestError

ENCODER_FILE = "encoder.onnx"


class Embed(Protocol):
    """Embeds a batch of observations."""

    def __call__(self, observations: Mapping[str, np.ndarray]) -> np.ndarray:
        """Map sensors by name, each (rows, *sensor shape), to float32 (rows, features)."""
        ...


class PictureEmbedding:
    """A small picture without its mean brightness and contrast: needs no training.

    Args:
        sensor: Whose pictures, uint8 (height, width, channels).
        side: Of the small picture, in pixels.
    """

    def __init__(self, sensor: str, side: int = 16) -> None:
        self._sensor, self._size = sensor, (side, side)

    def __call__(self, observations: Mapping[str, np.ndarray]) -> np.ndarray:
        """Embed; see `Embed`."""
        frames = observations[self._sensor]
        small = [cv2.resize(np.ascontiguousarray(each), self._size, interpolation=cv2.INTER_AREA) for each in frames]
        flat = np.array(small, np.float32).reshape(len(frames), -1)
        flat -= flat.mean(1, keepdims=True)
        return np.asarray(flat / (flat.std(1, keepdims=True) + 1e-3), np.float32)


class EncoderEmbedding:
    """The encoder that an explorer was trained on, from its bundle.

    Args:
        bundle: The bundle's folder.
        threads: Of ONNX Runtime.

    Raises:
        PlaytestError: If the bundle has no encoder.
    """

    def __init__(self, bundle: Path, threads: int = 1) -> None:
        path = bundle / ENCODER_FILE
        if not path.exists():
            raise PlaytestError(f"{bundle} holds no {ENCODER_FILE}; bundles of 'understudy explore' have one.")
        self._graph = OnnxRuntimeGraph(path, threads)

    @property
    def sensors(self) -> list[str]:
        """Names of the sensors that it looks at."""
        return [name.split(".", 1)[1] for name in self._graph.inputs]

    def __call__(self, observations: Mapping[str, np.ndarray]) -> np.ndarray:
        """Embed; see `Embed`."""
        feed = {name: np.ascontiguousarray(observations[name.split(".", 1)[1]]) for name in self._graph.inputs}
        return np.asarray(self._graph.run(["embedding"], feed)[0])
