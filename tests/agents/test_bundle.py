"""A bundle on disk is whole, its own, and inside its folder, or it is refused in words."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from understudy.agents.bundle import Bundle, BundleCard, ParitySample, write_bundle
from understudy.errors import BundleError


@pytest.fixture
def folder(small_bundle: Bundle, tmp_path: Path) -> Path:
    """A copy of the small bundle, to be damaged."""
    return Path(shutil.copytree(small_bundle.folder, tmp_path / "copy"))


def edit_card(folder: Path, **changes: Any) -> None:
    """Change the card's JSON."""
    path = folder / "bundle.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def flip_byte(path: Path) -> None:
    """Change one byte in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_card_there_and_back_is_the_identity(small_bundle: Bundle) -> None:
    """The card survives its JSON, with the spec in it."""
    card = small_bundle.card
    assert BundleCard.from_json(card.to_json()) == card
    assert (small_bundle.name, small_bundle.noise_size) == ("small", 4)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda folder: (folder / "bundle.json").unlink(),
            "{folder} is no bundle: it has no bundle.json. Make one with: understudy export RUN {folder}",
        ),
        (
            lambda folder: (folder / "policy.onnx").unlink(),
            "The bundle {folder} lacks policy.onnx; copy it again from where it was exported.",
        ),
        (
            lambda folder: flip_byte(folder / "policy.onnx"),
            "{folder}/policy.onnx is not the file the bundle was written with (SHA-256 {found}…, expected "
            "{expected}…); copy the bundle again.",
        ),
        (
            lambda folder: (folder / "bundle.json").write_text("[1, 2]"),
            "{folder}/bundle.json is not a bundle's card (*); export the bundle again.",
        ),
        (
            lambda folder: (folder / "bundle.json").write_text('{"name": "some npm package"}'),
            "{folder}/bundle.json is not a bundle's card ('format'); export the bundle again.",
        ),
        (
            lambda folder: (folder / "bundle.json").write_bytes(b"\xff\xfe\x00"),
            "{folder}/bundle.json is not a bundle's card (*); export the bundle again.",
        ),
        (
            lambda folder: edit_card(folder, state_size="12"),
            "{folder}/bundle.json is not a bundle's card (*); export the bundle again.",
        ),
        (
            lambda folder: edit_card(folder, format=2),
            "{folder}/bundle.json is of another format; this version reads format 1; export the bundle again.",
        ),
        (
            lambda folder: edit_card(folder, behavior={"format": 1}),
            "{folder}/bundle.json is not a bundle's card (Not a behaviour spec: KeyError at 'sensors'.); "
            "export the bundle again.",
        ),
        (
            lambda folder: edit_card(folder, sha256={"../../etc/passwd": "0" * 64}),
            "{folder}/bundle.json names the file '../../etc/passwd', outside the bundle; do not use this bundle.",
        ),
        (
            lambda folder: edit_card(folder, sha256={}),
            "{folder}/bundle.json names no policy.onnx; export the bundle again.",
        ),
        (
            lambda folder: edit_card(folder, sha256=None),
            "{folder}/bundle.json is not a bundle's card (*); export the bundle again.",
        ),
    ],
)
def test_a_bundle_that_is_not_whole_is_refused(folder: Path, damage: Callable[[Path], None], message: str) -> None:
    """Each way a bundle can be broken is refused when it is loaded, with what is wrong and what to do."""
    expected = Bundle.load(folder).card.sha256["policy.onnx"][:12]
    damage(folder)
    with pytest.raises(BundleError) as caught:
        Bundle.load(folder)
    found = str(caught.value)
    digest = found.split("SHA-256 ")[1][:12] if "SHA-256 " in found else ""
    wanted = message.format(folder=folder, found=digest, expected=expected)
    start, _, end = wanted.partition("*")
    assert (found == wanted) if "*" not in wanted else (found.startswith(start) and found.endswith(end))


def card_of(bundle: Bundle) -> dict[str, Any]:
    """The fields `write_bundle` takes."""
    return {key: getattr(bundle.card, key) for key in bundle.card.__dataclass_fields__ if key != "sha256"}


def test_a_bundle_is_replaced_as_a_whole(small_bundle: Bundle, folder: Path) -> None:
    """Writing over a bundle leaves nothing of the old one."""
    (folder / "notes.txt").write_text("mine")
    replaced = write_bundle(folder, b"graph", None, **card_of(small_bundle))
    assert sorted(path.name for path in folder.iterdir()) == ["bundle.json", "policy.onnx"]
    assert replaced.digest != small_bundle.digest
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_what_is_no_bundle_is_not_replaced(small_bundle: Bundle, tmp_path: Path) -> None:
    """A folder of something else, named by mistake, is refused and keeps its files; an empty one is taken."""
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.tex").write_text("years of work")
    with pytest.raises(BundleError) as caught:
        write_bundle(tmp_path / "precious", b"graph", None, **card_of(small_bundle))
    assert str(caught.value) == (
        f"{tmp_path / 'precious'} is there and is no bundle; name another folder, or delete it yourself."
    )
    assert (tmp_path / "precious" / "thesis.tex").read_text() == "years of work"
    (tmp_path / "empty").mkdir()
    write_bundle(tmp_path / "empty", b"graph", None, **card_of(small_bundle))


def test_a_parity_sample_there_and_back_is_the_identity(tmp_path: Path) -> None:
    """The stored inputs and answers keep names, dtypes and values, without pickle."""
    rng = np.random.default_rng(0)
    sample = ParitySample(
        {"rays": rng.normal(size=(4, 5)).astype(np.float32), "frame": rng.integers(0, 255, (4, 2, 2, 3), np.uint8)},
        rng.random((4, 3), np.float32),
        rng.normal(size=(4, 9)).astype(np.float32),
        {"move": rng.integers(0, 3, 4), "turn": rng.normal(size=(4, 1)).astype(np.float32)},
    )
    sample.save(tmp_path / "parity.npz")
    back = ParitySample.load(tmp_path / "parity.npz")
    for mine, its in ((sample.observations, back.observations), (sample.actions, back.actions)):
        assert mine.keys() == its.keys()
        for name, value in mine.items():
            assert its[name].dtype == value.dtype
            np.testing.assert_array_equal(its[name], value)
    np.testing.assert_array_equal(back.noise, sample.noise)
    np.testing.assert_array_equal(back.logits, sample.logits)


def test_a_pickled_array_is_refused(tmp_path: Path) -> None:
    """A parity file with objects in it, which could run code, is not read."""
    np.savez(tmp_path / "evil.npz", noise=np.array([{"a": 1}], object), logits=np.zeros(1))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        ParitySample.load(tmp_path / "evil.npz")
