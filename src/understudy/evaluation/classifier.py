"""A small sequence classifier: a strided convolution, a GRU, and the mean and the largest of what it says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from understudy.errors import require

if TYPE_CHECKING:
    import torch

_WIDTH, _DROPOUT, _NOISE = 48, 0.3, 0.05
_BATCH, _PREDICTED_AT_ONCE = 96, 1024
_LEARNING_RATE, _WEIGHT_DECAY = 3e-3, 1e-2


@dataclass(frozen=True)
class Classifier:
    """A trained classifier.

    Attributes:
        network: From windows to logits.
        mean: Of the training windows' rows, shape (size,).
        scale: Their standard deviation, shape (size,).
    """

    network: Any
    mean: np.ndarray
    scale: np.ndarray

    def log_probabilities(self, windows: np.ndarray) -> np.ndarray:
        """Return the logarithm of each class's probability.

        Args:
            windows: float32, shape (windows, steps, size).

        Returns:
            float64, shape (windows, classes).
        """
        import torch

        self.network.eval()
        found = []
        with _one_thread(), torch.no_grad():
            for start in range(0, len(windows), _PREDICTED_AT_ONCE):
                part = torch.from_numpy(self._scaled(windows[start : start + _PREDICTED_AT_ONCE]))
                found.append(torch.log_softmax(self.network(part), -1).double().numpy())
        return np.concatenate(found) if found else np.zeros((0, 0))

    def _scaled(self, windows: np.ndarray) -> np.ndarray:
        return ((windows - self.mean) / self.scale).astype(np.float32)


def train_classifier(
    windows: np.ndarray, labels: np.ndarray, num_classes: int, *, updates: int = 300, seed: int = 0
) -> Classifier:
    """Train on windows, each class drawn equally often.

    Args:
        windows: float32, shape (windows, steps, size).
        labels: int64 from 0, shape (windows,); each class has at least one.
        num_classes: Classes.
        updates: Steps of AdamW, at a one-cycle learning rate.
        seed: Of the weights, the draws and the dropout.
    """
    torch = require("torch", "train")
    flat = windows.reshape(-1, windows.shape[2]).astype(np.float64)
    classifier = Classifier(None, flat.mean(0), np.maximum(flat.std(0), 1e-3))
    rng = np.random.default_rng(seed)
    rows = [np.flatnonzero(labels == index) for index in range(num_classes)]
    # The process's own random stream is put back as it was.
    with _one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = _network(windows.shape[2], num_classes)
        optimiser = torch.optim.AdamW(network.parameters(), _LEARNING_RATE, weight_decay=_WEIGHT_DECAY)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _LEARNING_RATE, total_steps=updates)
        network.train()
        for _ in range(updates):
            drawn = [rng.choice(each, -(-_BATCH // num_classes)) for each in rows]
            batch = torch.from_numpy(classifier._scaled(windows[np.concatenate(drawn)]))
            targets = torch.from_numpy(np.repeat(np.arange(num_classes), [len(each) for each in drawn]))
            loss = torch.nn.functional.cross_entropy(
                network(batch + _NOISE * torch.randn_like(batch)), targets, label_smoothing=0.05
            )
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
    return Classifier(network, classifier.mean, classifier.scale)


@contextmanager
def _one_thread() -> Iterator[None]:
    """A network this small is slower on several threads, and a hundred times slower if the machine has other work."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _network(size: int, num_classes: int) -> torch.nn.Module:
    import torch

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = torch.nn.Conv1d(size, _WIDTH, 8, stride=4, padding=2)
            self.memory = torch.nn.GRU(_WIDTH, _WIDTH, batch_first=True)
            self.drop = torch.nn.Dropout(_DROPOUT)
            self.head = torch.nn.Linear(2 * _WIDTH, num_classes)

        def forward(self, windows: torch.Tensor) -> torch.Tensor:
            seen = torch.nn.functional.gelu(self.stem(windows.transpose(1, 2))).transpose(1, 2)
            told, _ = self.memory(self.drop(seen))
            return self.head(self.drop(torch.cat([told.mean(1), told.amax(1)], 1)))

    return Network()
