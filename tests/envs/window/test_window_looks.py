"""Recognising pictures, and the number of a screen."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.envs.window.looks import Look, read_template, screen_number
from understudy.errors import GameError


def noise(seed: int, height: int = 60, width: int = 80) -> np.ndarray:
    """A picture like no other."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@given(st.integers(0, 50), st.integers(0, 60))
def test_a_template_is_found_wherever_it_lies(top: int, left: int) -> None:
    """A piece of a picture is in it, and in no other picture."""
    picture = noise(1)
    piece = picture[top : top + 10, left : left + 20]
    assert Look(template=piece).distance(picture) < 0.5
    assert not Look(template=piece).matches(noise(2))


def test_the_distance_is_in_levels() -> None:
    """A template that is ten levels brighter everywhere is ten levels away."""
    picture = np.full((20, 30, 3), 100, np.uint8)
    assert Look(template=picture + np.uint8(10)).distance(picture) == pytest.approx(10, abs=0.1)


def test_a_colour_is_the_mean_of_its_region() -> None:
    """Only the region counts."""
    picture = noise(3)
    picture[40:, :30] = (10, 200, 30)
    look = Look(region=(40, 0, 20, 30), colour=(10, 200, 30), within=1)
    assert look.matches(picture)
    assert not look.matches(noise(3))


def test_a_look_outside_of_the_window_is_refused() -> None:
    """Both a region that leaves the window and a template larger than its region."""
    with pytest.raises(
        GameError, match=r"\[0, 70, 10, 20\] \(top, left, height, width\) leaves the window, which is 80x60"
    ):
        Look(region=(0, 70, 10, 20), colour=(0, 0, 0)).require_inside(60, 80)
    with pytest.raises(GameError, match="20x10 pixels cannot lie in a region of 8x9"):
        Look(region=(0, 0, 9, 8), template=noise(0, 10, 20)).require_inside(60, 80)


def test_templates_are_read_as_rgb(tmp_path: Path) -> None:
    """A red file is red."""
    cv2.imwrite(str(tmp_path / "red.png"), np.full((4, 4, 3), (0, 0, 255), np.uint8))
    assert read_template(tmp_path / "red.png")[0, 0].tolist() == [255, 0, 0]
    with pytest.raises(GameError, match=r"There is no picture .*blue\.png"):
        read_template(tmp_path / "blue.png")


@given(st.integers(0, 10_000))
def test_alike_screens_share_a_number(seed: int) -> None:
    """Faint noise leaves a screen its number, and a negative has all bits the other way."""
    generator = np.random.default_rng(seed)
    blocks = np.kron(generator.permutation(20).reshape(4, 5) * 12, np.ones((16, 16)))
    picture = np.repeat(blocks[..., None], 3, axis=2).astype(np.uint8)
    noisy = np.clip(picture + generator.integers(-2, 3, picture.shape), 0, 255).astype(np.uint8)
    assert 0 <= screen_number(picture) < 1 << 16
    assert screen_number(picture) == screen_number(noisy)
    assert screen_number(255 - picture) == 0xFFFF ^ screen_number(picture)
