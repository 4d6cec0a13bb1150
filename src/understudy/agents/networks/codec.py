"""The action codec: between action parts and the choices a network makes. One object for training, graph and server.

Every part becomes some independent choices, each among the same number of classes: a `Discrete(n)` is one choice of n,
a `MultiBinary(n)` n choices of two, a `Box` one choice of bins per number. A network's logits, its noise and its memory
of past actions are all laid out as these choices, one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor, nn

from understudy.errors import SpecError, suggest
from understudy.spec import ActionSpec


@dataclass(frozen=True)
class ListedBins:
    """Bins with listed centres; a number belongs to the nearest.

    Attributes:
        centers: In rising order.
        spread: Whether play draws a number within its bin, see `Head.decode`, rather than the bin's centre.
    """

    centers: tuple[float, ...]
    spread: bool = False

    def __post_init__(self) -> None:
        if len(self.centers) < 2 or list(self.centers) != sorted(set(self.centers)):
            raise SpecError(f"Bin centres must be two or more numbers in rising order, not {list(self.centers)}.")


@dataclass(frozen=True)
class MuLawBins:
    """Bins that are even after mu-law companding: fine around nought, coarse far from it.

    Encoding is v = sign(x) ln(1 + mu |x| / limit) / ln(1 + mu), rounded to the nearest of `num` even steps in [-1, 1].
    Source: Baker et al. 2022, arXiv:2206.11795, the camera of its action space (mu 10, limit 10 degrees, 11 bins).
    """

    limit: float
    mu: float = 10.0
    num: int = 11
    spread: bool = False

    @property
    def centers(self) -> tuple[float, ...]:
        """What each bin decodes to."""
        v = np.linspace(-1, 1, self.num)
        return tuple((np.sign(v) * ((1 + self.mu) ** np.abs(v) - 1) / self.mu * self.limit).tolist())

    @property
    def edges(self) -> np.ndarray:
        """Where one bin ends and the next begins: midway in the companded scale, not between the centres."""
        v = np.linspace(-1, 1, self.num)
        middle = (v[:-1] + v[1:]) / 2
        return np.sign(middle) * ((1 + self.mu) ** np.abs(middle) - 1) / self.mu * self.limit


Bins = ListedBins | MuLawBins

_QUANTILES = 8
"""Pieces of the distribution within a bin, each as likely as the others."""


class Head(nn.Module):
    """The choices of one action part.

    Args:
        part: The action part.
        bins: Needed for a `Box`, refused for the others.
    """

    centers: Tensor
    edges: Tensor
    within: Tensor

    def __init__(self, part: ActionSpec, bins: Bins | None) -> None:
        super().__init__()
        if isinstance(part.space, spaces.Box) != (bins is not None):
            what = "needs bins, since it is a Box" if bins is None else "takes no bins, since it is not a Box"
            raise SpecError(f"The head of action part '{part.name}' {what}.")
        self.part = part
        self.choices = 1 if isinstance(part.space, spaces.Discrete) else part.num_labels
        self.classes = len(bins.centers) if bins else 2
        if isinstance(part.space, spaces.Discrete):
            self.classes = part.num_labels
        centers = np.asarray(bins.centers if bins else range(self.classes), np.float32)
        edges = bins.edges if isinstance(bins, MuLawBins) else (centers[:-1] + centers[1:]) / 2
        if isinstance(part.space, spaces.Box) and not _within(part.space, centers):
            raise SpecError(f"Bins of action part '{part.name}' lie outside its range, {part.space}.")
        self.register_buffer("centers", torch.from_numpy(centers), persistent=False)
        self.register_buffer("edges", torch.from_numpy(np.asarray(edges, np.float32)), persistent=False)
        self.spread_size = self.choices if bins and bins.spread else 0
        if self.spread_size:
            # A bin at an end has no edge outside: what lies there is spread up to its centre until more is known.
            ends = np.concatenate([centers[:1], np.asarray(edges, np.float32), centers[-1:]])
            shares = np.linspace(0, 1, _QUANTILES + 1, dtype=np.float32)
            within = ends[:-1, None] + (ends[1:] - ends[:-1])[:, None] * shares
            self.register_buffer("within", torch.from_numpy(within))

    @property
    def size(self) -> int:
        """Numbers of logits."""
        return self.choices * self.classes

    def encode(self, values: Tensor) -> Tensor:
        """Turn values (..., *part shape) into class indices, int64, shape (..., choices)."""
        lead = values.shape[: values.dim() - len(self.part.shape)]
        flat = values.reshape(*lead, self.choices)
        return torch.bucketize(flat.float().contiguous(), self.edges) if self._is_box else flat.long()

    def decode(self, indices: Tensor, noise: Tensor | None = None) -> Tensor:
        """Turn class indices (batch, choices) into values of the part's shape and dtype.

        Args:
            indices: Of the classes.
            noise: Uniform in [0, 1), shape (batch, spread_size): how far up among those within its bin a number lies;
                left out, every number is the centre of its bin.
        """
        if self.spread_size and noise is not None:
            values = self._among(self.within[indices], noise * _QUANTILES)
        else:
            values = self.centers[indices] if self._is_box else indices.to(_TORCH_DTYPES[self.part.dtype.name])
        return values.reshape(-1, *self.part.shape)

    def learn_spread(self, values: Tensor) -> None:
        """Take over where within each bin numbers (n, choices) lie; a bin without two of them stays even."""
        shares = torch.linspace(0, 1, _QUANTILES + 1, dtype=torch.float64)
        classes = self.encode(values.reshape(len(values), *self.part.shape))
        for index in range(self.classes):
            found = values[classes == index].double()
            if len(found) > 1:
                self.within[index] = found.quantile(shares).float()

    @staticmethod
    def _among(quantiles: Tensor, at: Tensor) -> Tensor:
        """What lies at a place among quantiles (batch, choices, places), in straight lines from one to the next."""
        low = at.long().clamp(max=_QUANTILES - 1)
        left, right = (quantiles.gather(-1, each.unsqueeze(-1)).squeeze(-1) for each in (low, low + 1))
        return left + (right - left) * (at - low)

    def sample(self, logits: Tensor, noise: Tensor) -> Tensor:
        """Draw class indices by inverting the distribution function at `noise`.

        Args:
            logits: float32, shape (batch, choices * classes).
            noise: Uniform in [0, 1), shape (batch, choices).

        Returns:
            int64, shape (batch, choices).
        """
        return draw(logits.reshape(-1, self.choices, self.classes), noise)

    def negative_log_likelihood(self, logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return -log p(target), summed over the choices.

        Args:
            logits: Shape (..., choices * classes).
            targets: Class indices, shape (..., choices).
            weights: Per class, shape (choices, classes); each choice's term is multiplied by its target's weight.

        Returns:
            In nats, shape (...).
        """
        logs = logits.reshape(*logits.shape[:-1], self.choices, self.classes).log_softmax(-1)
        terms = -logs.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
        if weights is not None:
            terms = terms * weights[torch.arange(self.choices, device=targets.device), targets]
        return terms.sum(-1)

    @property
    def _is_box(self) -> bool:
        return isinstance(self.part.space, spaces.Box)


def _within(space: spaces.Box, centers: np.ndarray) -> bool:
    return bool(space.low.max() <= centers.min() and centers.max() <= space.high.min())


_TORCH_DTYPES = {"int64": torch.int64, "int8": torch.int8, "float32": torch.float32}


def draw(grid: Tensor, noise: Tensor) -> Tensor:
    """Draw class indices by inverting the distribution function at `noise`.

    Args:
        grid: Logits, float32, shape (..., classes); a class at minus infinity is never drawn.
        noise: Uniform in [0, 1), shape (...).

    Returns:
        int64, shape (...).
    """
    weights = (grid - grid.amax(-1, keepdim=True)).exp()
    # Made by numpy, so that an exported graph has it as a constant and does not make it anew in every decision.
    below = torch.from_numpy(np.tri(grid.shape[-1], dtype=np.float32).T)
    cumulative = weights @ below
    passed = noise.unsqueeze(-1) * cumulative[..., -1:] >= cumulative[..., :-1]
    return passed.long().sum(-1)


class ActionCodec(nn.Module):
    """All heads of a behaviour, side by side.

    Sampling takes the choices of all heads at once, padded to the most classes: in the exported graph, a few operators
    in all rather than a dozen for each head.

    Args:
        parts: The action parts, in the spec's order.
        bins: By part name, for each `Box`.
    """

    last_class: Tensor
    grid: Tensor
    choice_of: Tensor
    class_of: Tensor

    def __init__(self, parts: Sequence[ActionSpec], bins: Mapping[str, Bins]) -> None:
        super().__init__()
        names = [part.name for part in parts]
        for name in bins:
            if name not in names:
                raise SpecError(f"There are bins for '{name}', which is no action part.{suggest(name, names)}")
        self.heads = nn.ModuleList(Head(part, bins.get(part.name)) for part in parts)
        self.names = names
        self.logits_size = sum(head.size for head in self)
        self.num_choices = sum(head.choices for head in self)
        self.spread_size = sum(head.spread_size for head in self)
        classes = [head.classes for head in self for _ in range(head.choices)]
        self.classes = tuple(classes)
        rows = torch.split(torch.arange(self.logits_size), classes)
        # Where each cell of the padded grid of (choices, classes) is among the logits; past their end where it is none.
        grid = nn.utils.rnn.pad_sequence(list(rows), batch_first=True, padding_value=self.logits_size)
        self.register_buffer("last_class", torch.tensor(classes) - 1, persistent=False)
        self.register_buffer("grid", grid, persistent=False)
        self.register_buffer("choice_of", torch.arange(len(classes)).repeat_interleave(torch.tensor(classes)), False)
        self.register_buffer("class_of", torch.cat([torch.arange(each) for each in classes]), False)

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(self.heads)

    def split(self, logits: Tensor) -> list[Tensor]:
        """Cut logits (..., logits_size) into one piece per head."""
        return list(torch.split(logits, [head.size for head in self], -1))

    @property
    def choice_slices(self) -> list[slice]:
        """Where each choice is among the logits."""
        ends = np.cumsum(self.classes).tolist()
        return [slice(end - size, end) for end, size in zip(ends, self.classes, strict=True)]

    def encode(self, actions: Mapping[str, Tensor]) -> Tensor:
        """Turn an action into class indices, int64, shape (..., num_choices)."""
        return torch.cat([head.encode(actions[name]) for name, head in zip(self.names, self, strict=True)], -1)

    def one_hot(self, indices: Tensor) -> Tensor:
        """Turn class indices (..., num_choices) into float32 of shape (..., logits_size)."""
        return (indices.index_select(-1, self.choice_of) == self.class_of).float()

    def hide(self, past: Tensor, kept: Tensor) -> Tensor:
        """Hide past actions where they are not kept: every class alike, so that it is not taken for an episode's start.

        Args:
            past: One-hot, zeros where nothing was done yet, (..., logits_size).
            kept: Bool or 0 and 1, (...).
        """
        even = (1 / (self.last_class + 1).float()).index_select(0, self.choice_of)
        return torch.where(kept.bool().unsqueeze(-1), past, even * past.any(-1, keepdim=True))

    def split_choices(self, values: Tensor) -> list[Tensor]:
        """Cut what has one number per choice (indices, noise) into one piece per head."""
        return list(torch.split(values, [head.choices for head in self], -1))

    def sample(self, logits: Tensor, noise: Tensor) -> Tensor:
        """Draw class indices, int64, shape (batch, num_choices); see `Head.sample`."""
        padded = torch.cat([logits, torch.full_like(logits[:, :1], -torch.inf)], -1)
        drawn = draw(padded.index_select(-1, self.grid.flatten()).reshape(-1, *self.grid.shape), noise)
        # A rounding may not carry a choice into its padding.
        return torch.minimum(drawn, self.last_class)

    def decode(self, indices: Tensor, noise: Tensor | None = None) -> list[Tensor]:
        """Turn class indices (batch, num_choices) into action parts, in the spec's order; see `Head.decode`.

        Args:
            indices: Of the classes.
            noise: Uniform in [0, 1), shape (batch, spread_size).
        """
        pieces = self.split_choices(indices)
        if noise is None:
            return [head.decode(piece) for head, piece in zip(self, pieces, strict=True)]
        noises = torch.split(noise, [head.spread_size for head in self], -1)
        return [head.decode(piece, each) for head, piece, each in zip(self, pieces, noises, strict=True)]
