"""From a bundle to a model that an engine runs by itself, with a certificate beside it, or to a refusal."""

from __future__ import annotations

import hashlib
import json
import platform
import tempfile
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from understudy.agents.bundle import Bundle
from understudy.agents.profiles.check_godot import check_godot
from understudy.agents.profiles.check_unity import check_unity
from understudy.agents.profiles.compare_godot import compare_godot
from understudy.agents.profiles.compare_unity import compare_unity
from understudy.agents.profiles.godot import build_godot, godot_keys, observation_keys
from understudy.agents.profiles.layout import Layout, find_layout
from understudy.agents.profiles.nodes import Model
from understudy.agents.profiles.parity import BOTS, Parity, carries_state
from understudy.agents.profiles.policy import PolicyGraph
from understudy.agents.profiles.unity import build_unity, unity_sensors
from understudy.agents.runtime import PARITY_TOLERANCE, PolicyRuntime
from understudy.errors import BundleError, UnderstudyError, suggest

Profile = Literal["unity", "godot"]
PROFILES: tuple[Profile, ...] = ("unity", "godot")


@dataclass(frozen=True)
class Exported:
    """A model that was written.

    Attributes:
        path: Of the `.onnx` file.
        certificate: What is written beside it: what the model reads and does, in order, and how it was checked.
    """

    path: Path
    certificate: dict[str, Any]


def export_profile(
    bundle: Bundle, profile: str, out: Path | str, *, style: str = "", sampled: bool = False
) -> Exported:
    """Write a bundle as a model for an engine, with `<out>.json` beside it.

    Args:
        bundle: To convert.
        profile: `"unity"` or `"godot"`.
        out: The file; its name should end in `.onnx`.
        style: A name among the bundle's styles, fixed in the model; its default if left out.
        sampled: For Godot: draw actions as the bundle does, rather than taking the likeliest. Unity has both.

    Raises:
        BundleError: If the profile cannot say this policy, the file breaks the engine's contract, or it does not play
            as the bundle does; nothing is written then.
    """
    if profile not in PROFILES:
        raise BundleError(f"There is no profile '{profile}'.{suggest(profile, PROFILES)}")
    if sampled and profile == "unity":
        raise BundleError("A Unity model always has both drawn and likeliest actions; leave --sampled out.")
    out = Path(out)
    if out.is_dir():
        raise BundleError(f"{out} is a folder; name the file to write, such as {out / f'{bundle.name}.onnx'}.")
    try:
        model, parity, contract = _make(_with_style(bundle, style), profile, sampled)
    except UnderstudyError:
        raise
    except Exception as error:  # onnxruntime raises several unrelated classes
        raise BundleError(f"The policy of '{bundle.name}' failed while it was checked: {error}") from error
    data = model.SerializeToString()
    certificate = json.loads(json.dumps(_certificate(bundle, profile, style, data, parity) | contract))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(data)
    out.with_suffix(out.suffix + ".json").write_text(json.dumps(certificate, indent=1) + "\n")
    return Exported(out, certificate)


def _make(bundle: Bundle, profile: str, sampled: bool) -> tuple[Model, Parity, dict[str, Any]]:
    layout = find_layout(bundle, PolicyGraph(bundle, 17))
    stateful = carries_state(bundle, PolicyRuntime(bundle))
    if profile == "unity":
        return _make_unity(bundle, layout, stateful)
    return _make_godot(bundle, layout, stateful, sampled)


def _make_unity(bundle: Bundle, layout: Layout, stateful: bool) -> tuple[Model, Parity, dict[str, Any]]:
    def build(noise_inside: bool) -> Model:
        return build_unity(bundle, layout, carries_state=stateful, noise_inside=noise_inside)

    parity = compare_unity(build(False), bundle, layout, stateful=stateful)
    model = build(True)
    found = _checked(model, check_unity)
    return (
        model,
        parity,
        {
            **asdict(found),
            "sensors": [each.name for each in unity_sensors(bundle)],
            "discrete_branches": [each.name for each in layout.choices],
            "continuous_actions": _named_numbers(layout),
        },
    )


def _make_godot(bundle: Bundle, layout: Layout, stateful: bool, sampled: bool) -> tuple[Model, Parity, dict[str, Any]]:
    def build(noise_inside: bool) -> Model:
        return build_godot(bundle, layout, carries_state=stateful, noise_inside=noise_inside, sampled=sampled)

    parity = compare_godot(build(False), bundle, layout, stateful=stateful, sampled=sampled)
    model = build(True)
    keys = godot_keys(layout, bundle.behavior.action_names)
    found = _checked(model, lambda path: check_godot(path, keys))
    return (
        model,
        parity,
        {
            **asdict(found),
            "sensors": {key: each.name for key, each in observation_keys(bundle).items()},
            "action_space": {
                key.name: {"size": key.size, "action_type": "discrete" if key.discrete else "continuous"}
                for key in keys
            },
            "sampled": sampled,
        },
    )


def _checked(model: Model, check: Any) -> Any:
    """Check the very bytes that will be written."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(model.SerializeToString())
        return check(path)


def _named_numbers(layout: Layout) -> list[str]:
    names: list[str] = []
    for part in layout.numbers:
        labels = part.labels or tuple(str(index) for index in range(part.num_labels))
        names += [f"{part.name}_{label}" for label in labels]
    return names


def _with_style(bundle: Bundle, style: str) -> Bundle:
    if not style:
        return bundle
    vector = bundle.style(style).tolist()
    return replace(bundle, card=replace(bundle.card, styles={style: vector}))


def _certificate(bundle: Bundle, profile: str, style: str, data: bytes, parity: Parity) -> dict[str, Any]:
    return {
        "profile": profile,
        "bundle": bundle.name,
        "bundle_digest": bundle.digest,
        "style": style,
        "sha256": hashlib.sha256(data).hexdigest(),
        "parity": {**asdict(parity), "bots": BOTS, "tolerance": PARITY_TOLERANCE},
        "onnx": version("onnx"),
        "onnxruntime": version("onnxruntime"),
        "machine": platform.machine(),
    }
