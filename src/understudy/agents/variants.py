"""Variants of a bundle's graph, in fewer bits: how the card describes them, and which one to play."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from understudy.errors import BundleError, suggest
from understudy.spec import Json

Precision = Literal["auto", "fp32", "int8", "bf16"]
PRECISIONS: tuple[Precision, ...] = ("auto", "fp32", "int8", "bf16")
RUNTIMES = ("onnxruntime", "openvino")
MIN_AGREEMENT = 0.99
"""Share of decisions in which a variant must do what float32 does, unless the caller says otherwise."""


@dataclass(frozen=True)
class Variant:
    """The same policy in fewer bits, and what was measured of it where it was made.

    Attributes:
        file: The graph, in the bundle's folder.
        precision: `"int8"` or `"bf16"`.
        runtime: What plays it: `"onnxruntime"` or `"openvino"`.
        certificate: How far its logits were from float32's on the bundle's parity sample, and how far they may be
            where it is loaded.
        agreement: How often it did what float32 does on recordings held out from training; see
            `understudy.agents.agreement.Divergence`.
        step_us: Median microseconds of a step of 64 bots, on one thread.
        fp32_step_us: The same of float32, measured in turn with it.
    """

    file: str
    precision: str
    runtime: str
    certificate: Mapping[str, Json]
    agreement: Mapping[str, Json]
    step_us: float
    fp32_step_us: float

    def __post_init__(self) -> None:
        if self.runtime not in RUNTIMES:
            raise ValueError(f"a variant for the runtime {self.runtime!r}; known: {', '.join(RUNTIMES)}")
        measured = (self.agreement["equal_actions"], self.certificate["tolerance"])
        if not all(isinstance(each, float) for each in measured):
            raise ValueError("a variant without what was measured of it")
        if not (self.step_us > 0 and self.fp32_step_us > 0):
            raise ValueError("a variant whose steps take no time")

    @property
    def speedup(self) -> float:
        """Against float32, where it was made."""
        return self.fp32_step_us / self.step_us

    @property
    def equal_actions(self) -> float:
        """Share of decisions equal to float32's, 0 to 1."""
        return float(str(self.agreement["equal_actions"]))


def pick_variant(
    variants: Mapping[str, Variant],
    precision: str = "auto",
    min_agreement: float = MIN_AGREEMENT,
    *,
    runs_here: Callable[[Variant], bool],
) -> str:
    """Return the name of the variant to play; empty for the graph in float32.

    Args:
        variants: Of the bundle, by name.
        precision: A variant's name, `"fp32"`, or `"auto"`: the fastest that agrees often enough and runs here.
        min_agreement: The least share of decisions, 0 to 1, that must be those of float32.
        runs_here: Whether this machine has what a variant needs.

    Raises:
        BundleError: If a variant was asked for by name and is not there, cannot run here, or agrees too rarely.
    """
    if precision == "fp32":
        return ""
    if precision != "auto":
        return _named(variants, precision, min_agreement, runs_here)
    fit = [
        (each.speedup, name)
        for name, each in variants.items()
        if each.speedup > 1 and each.equal_actions >= min_agreement and runs_here(each)
    ]
    return max(fit)[1] if fit else ""


def _named(
    variants: Mapping[str, Variant], name: str, min_agreement: float, runs_here: Callable[[Variant], bool]
) -> str:
    if name not in variants:
        raise BundleError(
            f"The bundle has no variant '{name}'.{suggest(name, ('fp32', *variants))} Make one with: understudy export "
            f"--variants {name}"
        )
    found = variants[name]
    if found.equal_actions < min_agreement:
        raise BundleError(
            f"The variant '{name}' decides as float32 does in {found.equal_actions:.2%} of the decisions, fewer than "
            f"the {min_agreement:.2%} asked for; allow fewer with --min-agreement, or play fp32."
        )
    if not runs_here(found):
        raise BundleError(
            f"The variant '{name}' cannot run here: it needs {found.runtime} and a processor with {found.precision}; "
            "play fp32 or auto."
        )
    return name
