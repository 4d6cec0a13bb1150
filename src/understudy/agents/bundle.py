"""The bundle: an exported agent as a folder. Written once by `write_bundle`, read by everything through `Bundle.load`.

    policy.onnx   one decision for a batch of bots; see the names below
    bundle.json   the card: spec, sizes, provenance, parity certificate, the SHA-256 of the other files
    policy.int8.onnx, policy.bf16.onnx   optional: variants of the policy in fewer bits
    style.onnx    optional: from a few demonstrations to the style they show; see `understudy.agents.styles`
    parity.npz    recorded observations, noise, and the logits and actions that training computed for them

The graph's inputs are `observation.<sensor>` (batch, *sensor shape), `state` float32 (batch, state_size) and `noise`
float32 in [0, 1) (batch, noise_size); a new bot's state is all zeros. Its outputs are `action.<part>` (batch, *part
shape), `next_state` and `logits` float32 (batch, logits_size). Normalisation, sampling and decoding are inside. A
bundle with styles has one more input, `style`, float32 (batch, style_size).
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from operator import index
from pathlib import Path
from typing import Any

import numpy as np

from understudy.agents.variants import Variant
from understudy.errors import BundleError, SpecError, suggest
from understudy.spec import BehaviorSpec, Json

FORMAT = 1
POLICY_FILE = "policy.onnx"
STYLE_FILE = "style.onnx"
CARD_FILE = "bundle.json"
PARITY_FILE = "parity.npz"


@dataclass(frozen=True)
class BundleCard:
    """What `bundle.json` says.

    Attributes:
        name: Of the bundle, as the server announces it.
        behavior: What the bot sees and does.
        state_size: Numbers of recurrent state a bot carries from one decision to the next.
        noise_size: Uniform numbers a decision takes.
        logits_size: Numbers in the graph's `logits` output.
        provenance: The recipe, the recordings, the metrics, the versions.
        certificate: How closely the exported graph agrees with the network it was exported from.
        sha256: Of each other file, in hexadecimal.
        style_size: Numbers in a style; 0 if the bot has just one way to play.
        styles: Its named styles, each of `style_size` numbers; the first one is the default, else zeros are.
        variants: The same policy in fewer bits, by name.
        has_skill: Whether the last number of a style is skill, from 0 to 1.
        sliders: By trait, what to add to a style for one standard deviation more of it, each of `style_size` numbers.
        demonstrations: What `style.onnx` reads: sensors, steps of a piece, and its parity certificate.
    """

    name: str
    behavior: BehaviorSpec
    state_size: int
    noise_size: int
    logits_size: int
    provenance: Mapping[str, Json]
    certificate: Mapping[str, Json]
    sha256: Mapping[str, str]
    style_size: int = 0
    styles: Mapping[str, Sequence[float]] = field(default_factory=dict)
    variants: Mapping[str, Variant] = field(default_factory=dict)
    has_skill: bool = False
    sliders: Mapping[str, Sequence[float]] = field(default_factory=dict)
    demonstrations: Mapping[str, Json] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the JSON text."""
        form = {key: value for key, value in asdict(self).items() if key != "behavior"}
        # Not sorted: the first style is the default one.
        return json.dumps({"format": FORMAT, **form, "behavior": self.behavior.to_dict()}, indent=1)

    @classmethod
    def from_json(cls, text: str | bytes) -> BundleCard:
        """Rebuild from JSON text; raises `BundleError` if it is not a card."""
        try:
            form = json.loads(text)
            if form.pop("format") != FORMAT:
                raise BundleError(f"of another format; this version reads format {FORMAT}")
            form["behavior"] = BehaviorSpec.from_dict(form["behavior"])
            form |= {key: index(form[key]) for key in ("state_size", "noise_size", "logits_size")}
            form["style_size"] = index(form.get("style_size", 0))
            form["sha256"] = dict(form["sha256"])
            for key in ("styles", "sliders"):
                form[key] = {name: _style(each, form["style_size"]) for name, each in form.get(key, {}).items()}
            form["has_skill"] = bool(form.get("has_skill", False))
            form["demonstrations"] = dict(form.get("demonstrations", {}))
            form["variants"] = {name: Variant(**each) for name, each in form.get("variants", {}).items()}
            return cls(**form)
        except (ValueError, TypeError, KeyError, AttributeError, SpecError) as error:
            raise BundleError(f"not a bundle's card ({error})") from error


@dataclass(frozen=True)
class ParitySample:
    """Recorded inputs of consecutive decisions of one bot, and what training's network answered.

    Attributes:
        observations: By sensor name, shape (steps, *sensor shape).
        noise: float32, shape (steps, noise_size).
        logits: float32, shape (steps, logits_size).
        actions: By part name, shape (steps, *part shape).
    """

    observations: Mapping[str, np.ndarray]
    noise: np.ndarray
    logits: np.ndarray
    actions: Mapping[str, np.ndarray]

    def save(self, path: Path) -> None:
        """Write as an `.npz` of plain arrays."""
        arrays = {"noise": self.noise, "logits": self.logits}
        arrays |= {f"observation.{name}": value for name, value in self.observations.items()}
        arrays |= {f"action.{name}": value for name, value in self.actions.items()}
        np.savez_compressed(path, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> ParitySample:
        """Read it back, refusing anything but plain arrays."""
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        observations = {
            key.removeprefix("observation."): arrays[key] for key in arrays if key.startswith("observation.")
        }
        actions = {key.removeprefix("action."): arrays[key] for key in arrays if key.startswith("action.")}
        return cls(observations, arrays["noise"], arrays["logits"], actions)


@dataclass(frozen=True)
class Bundle:
    """A bundle on disk whose files are all there and are the ones its card was written for."""

    folder: Path
    card: BundleCard

    @property
    def name(self) -> str:
        """As the server announces it."""
        return self.card.name

    @property
    def behavior(self) -> BehaviorSpec:
        """What the bot sees and does."""
        return self.card.behavior

    @property
    def state_size(self) -> int:
        """Numbers of recurrent state per bot."""
        return self.card.state_size

    @property
    def noise_size(self) -> int:
        """Uniform numbers per decision."""
        return self.card.noise_size

    @property
    def style_size(self) -> int:
        """Numbers in a style; 0 if the bundle takes none."""
        return self.card.style_size

    def style(self, name: str = "") -> np.ndarray:
        """Return a named style, or the default one, float32 of shape (style_size,).

        Raises:
            BundleError: If there is no style of that name.
        """
        if not name:
            return np.array(next(iter(self.card.styles.values()), [0.0] * self.style_size), np.float32)
        if name not in self.card.styles:
            raise BundleError(f"The bundle '{self.name}' has no style '{name}'.{suggest(name, self.card.styles)}")
        return np.array(self.card.styles[name], np.float32)

    @property
    def digest(self) -> str:
        """SHA-256 of the graph, in hexadecimal."""
        return self.card.sha256[POLICY_FILE]

    @property
    def policy_path(self) -> Path:
        """The graph's file."""
        return self.folder / POLICY_FILE

    @property
    def parity_sample(self) -> ParitySample | None:
        """The stored inputs and answers, if the bundle has them."""
        path = self.folder / PARITY_FILE
        return ParitySample.load(path) if PARITY_FILE in self.card.sha256 else None

    @classmethod
    def load(cls, folder: Path | str) -> Bundle:
        """Open a bundle.

        Raises:
            BundleError: If a file is missing, damaged, or not the one the card was written for.
        """
        folder = Path(folder)
        if not (folder / CARD_FILE).is_file():
            raise BundleError(
                f"{folder} is no bundle: it has no {CARD_FILE}. Make one with: understudy export RUN {folder}"
            )
        try:
            card = BundleCard.from_json((folder / CARD_FILE).read_bytes())
        except BundleError as error:
            raise BundleError(f"{folder / CARD_FILE} is {error}; export the bundle again.") from error
        for name, expected in card.sha256.items():
            _check_file(folder, name, expected)
        for name in (POLICY_FILE, *(each.file for each in card.variants.values())):
            if name not in card.sha256:
                raise BundleError(f"{folder / CARD_FILE} names no {name}; export the bundle again.")
        return cls(folder, card)


def write_bundle(
    folder: Path | str,
    policy: bytes,
    parity: ParitySample | None,
    files: Mapping[str, bytes] | None = None,
    **card: Any,
) -> Bundle:
    """Write a bundle, all of it or nothing, replacing one that is there.

    Args:
        folder: Where it goes.
        policy: The ONNX graph.
        parity: Stored beside it, for the server to check at start.
        files: Further files by name, such as variants of the graph.
        **card: The fields of `BundleCard` but `sha256`.

    Raises:
        BundleError: If `folder` holds something that is no bundle, which would be lost.
    """
    folder = Path(folder).absolute()
    if folder.exists() and not (folder / CARD_FILE).is_file() and (folder.is_file() or any(folder.iterdir())):
        raise BundleError(f"{folder} is there and is no bundle; name another folder, or delete it yourself.")
    work = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    (work / POLICY_FILE).write_bytes(policy)
    if parity is not None:
        parity.save(work / PARITY_FILE)
    for name, content in (files or {}).items():
        (work / name).write_bytes(content)
    sha256 = {each.name: _sha256(each) for each in sorted(work.iterdir())}
    (work / CARD_FILE).write_text(BundleCard(**card, sha256=sha256).to_json())
    shutil.rmtree(folder, ignore_errors=True)
    work.rename(folder)
    return Bundle.load(folder)


def _style(vector: Sequence[float], size: int) -> list[float]:
    if len(vector) != size:
        raise ValueError(f"a style of {len(vector)} numbers where style_size is {size}")
    return [float(number) for number in vector]


def _check_file(folder: Path, name: str, expected: str) -> None:
    if Path(name).name != name:
        raise BundleError(f"{folder / CARD_FILE} names the file {name!r}, outside the bundle; do not use this bundle.")
    path = folder / name
    if not path.is_file():
        raise BundleError(f"The bundle {folder} lacks {name}; copy it again from where it was exported.")
    found = _sha256(path)
    if found != expected:
        raise BundleError(
            f"{path} is not the file the bundle was written with (SHA-256 {found[:12]}…, expected {expected[:12]}…); "
            "copy the bundle again."
        )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
