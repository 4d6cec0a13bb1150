"""Augmentation shows the same play otherwise: mirrored twice it is itself, and a sequence is seen in one way only."""

from __future__ import annotations

from typing import Any

import torch
from steering import PIXELS, STEERING, steering_recipe

from understudy.training.augment import Augment

MIRROR = {"sensors": ["frame"], "negate": ["turn"], "reverse": ["strafe"]}


def make(mirror: dict[str, Any] | None = None, **pixels: Any) -> Augment:
    """An augmentation of the steering game's frames."""
    recipe = steering_recipe(sensors={"frame": {**PIXELS, **pixels}}, mirror=mirror)
    return Augment(recipe, STEERING)


def window(batch: int = 16, time: int = 4) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Random frames and actions."""
    generator = torch.Generator().manual_seed(0)
    sensors = {"frame": torch.randint(0, 256, (batch, time, 8, 12, 3), generator=generator).to(torch.uint8)}
    actions = {
        "turn": torch.randn(batch, time, 1, generator=generator),
        "strafe": torch.randint(0, 3, (batch, time), generator=generator),
        "buttons": torch.randint(0, 2, (batch, time, 2), generator=generator),
    }
    return sensors, actions


def test_a_mirror_twice_is_the_identity() -> None:
    """What was mirrored and is mirrored again is what it was, in frames and actions."""
    augment = make(MIRROR)
    sensors, actions = window()
    twice = augment(*augment(sensors, actions, 3), 3)
    assert torch.equal(twice[0]["frame"], sensors["frame"])
    for name, value in actions.items():
        assert torch.equal(twice[1][name], value)


def test_a_mirrored_sequence_is_mirrored_in_all_it_says() -> None:
    """Frames are flipped left to right, turns change sign, strafes change sides, and buttons stay; or nothing is."""
    sensors, actions = window()
    seen, done = make(MIRROR)(sensors, actions, 0)
    flipped = [not torch.equal(seen["frame"][row], sensors["frame"][row]) for row in range(16)]
    assert 0 < sum(flipped) < 16
    for row, mirrored in enumerate(flipped):
        frames, turns, strafes = sensors["frame"][row], actions["turn"][row], actions["strafe"][row]
        assert torch.equal(seen["frame"][row], frames.flip(2) if mirrored else frames)
        assert torch.equal(done["turn"][row], -turns if mirrored else turns)
        assert torch.equal(done["strafe"][row], 2 - strafes if mirrored else strafes)
    assert torch.equal(done["buttons"], actions["buttons"])


def test_a_group_is_always_seen_alike() -> None:
    """All windows of a group are augmented alike, whatever their length; another group otherwise."""
    augment = make(MIRROR, shift=2, contrast=0.3)
    sensors, actions = window(time=6)
    whole, _ = augment(sensors, actions, 5)
    piece, _ = augment({"frame": sensors["frame"][:, 2:4]}, {name: value[:, 2:4] for name, value in actions.items()}, 5)
    assert torch.equal(piece["frame"], whole["frame"][:, 2:4])
    assert not torch.equal(augment(sensors, actions, 6)[0]["frame"], whole["frame"])


def test_a_shift_moves_the_picture_and_repeats_its_edge() -> None:
    """Each sequence's pictures are moved by at most that many pixels, all alike, the border filled with the edge."""
    sensors, actions = window(batch=8)
    seen, done = make(shift=2)(sensors, actions, 1)
    assert seen["frame"].dtype == torch.uint8
    for row in range(8):
        moved = [
            (down, right)
            for down in range(-2, 3)
            for right in range(-2, 3)
            if torch.equal(
                seen["frame"][row][:, 2:-2, 2:-2],
                sensors["frame"][row][:, 2 - down : 6 - down, 2 - right : 10 - right],
            )
        ]
        assert len(moved) == 1
    for name, value in actions.items():
        assert torch.equal(done[name], value)


def test_light_varies_within_its_share() -> None:
    """Levels stay in 0 to 255 and change by no more than gain and offset allow."""
    sensors, actions = window()
    seen, _ = make(contrast=0.2)(sensors, actions, 1)
    frames = sensors["frame"].float()
    assert seen["frame"].min() >= 0
    assert seen["frame"].max() <= 255
    assert ((seen["frame"] - frames).abs() <= 0.2 * frames + 0.2 * 127.5 + 1e-3).all()
    assert (seen["frame"] != frames).any()


def test_without_augmentation_nothing_changes() -> None:
    """A recipe that asks for none gets none."""
    sensors, actions = window()
    seen, done = make()(sensors, actions, 9)
    assert torch.equal(seen["frame"], sensors["frame"])
    assert all(torch.equal(done[name], value) for name, value in actions.items())
