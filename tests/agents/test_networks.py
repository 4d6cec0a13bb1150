"""The policy network does the same in training, over sequences, as in the exported graph, step by step."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium import spaces
from small_policies import SMALLER, make_policy, random_inputs

from toys import TOY
from understudy.agents.networks import InGraphPixels, PolicyShape, VectorEncoder
from understudy.agents.networks.encoders import Scale
from understudy.agents.networks.memory import GRUMemory
from understudy.errors import SpecError
from understudy.sensors import Pixels
from understudy.spec import SensorSpec


@torch.no_grad()
def test_a_gru_step_is_the_fused_operator() -> None:
    """Written out for the exported graph, the cell gives what torch's own operator gives over a sequence."""
    torch.manual_seed(0)
    memory = GRUMemory(5, 7)
    x, state = torch.randn(3, 11, 5), torch.randn(3, 7)
    out, last = memory(x, state)
    stepwise = []
    for moment in x.unbind(1):
        y, state = memory.step(moment, state)
        stepwise.append(y)
    torch.testing.assert_close(torch.stack(stepwise, 1), out, rtol=0, atol=1e-6)
    torch.testing.assert_close(state, last, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "shape",
    [
        PolicyShape(hidden=12, memory=10),
        PolicyShape(hidden=12, memory=0),
        PolicyShape(hidden=12, memory=10, past_actions=False),
        PolicyShape(hidden=12, memory=0, past_actions=False),
        PolicyShape(hidden=12, memory=10, bottleneck=3, remember_sensors=False, dropout=0.5, sensor_dropout=0.5),
    ],
)
@torch.no_grad()
def test_a_sequence_is_its_steps(shape: PolicyShape) -> None:
    """Reading a sequence at once, or in two windows, or step by step with the state carried, gives the same logits."""
    policy = make_policy(TOY, shape)
    sensors, noise = random_inputs(TOY, 12, policy.codec.num_choices)
    frames = torch.from_numpy(sensors[1][:, ::2, ::2]).unsqueeze(0)
    seen = {"rays": torch.from_numpy(sensors[0])[None], "frame": frames, "health": torch.from_numpy(sensors[2])[None]}
    past = policy.codec.one_hot((torch.from_numpy(noise)[None] * 2).long())
    start = torch.randn(1, shape.memory)
    whole, last = policy(seen, past, start)
    first, middle = policy({name: value[:, :5] for name, value in seen.items()}, past[:, :5], start)
    second, end = policy({name: value[:, 5:] for name, value in seen.items()}, past[:, 5:], middle)
    torch.testing.assert_close(torch.cat([first, second], 1), whole, rtol=0, atol=1e-5)
    torch.testing.assert_close(end, last, rtol=0, atol=1e-5)
    state = start
    for step in range(12):
        logits, state = policy.step({name: value[:, step] for name, value in seen.items()}, past[:, step], state)
        torch.testing.assert_close(logits, whole[:, step], rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", ["dropout", "sensor_dropout"])
@pytest.mark.parametrize("bottleneck", [0, 6])
def test_dropout_is_for_training_alone(kind: str, bottleneck: int) -> None:
    """With dropout, training's logits vary, and evaluation's are those without it."""
    plain, dropped = (
        make_policy(TOY.select(["rays"]), PolicyShape(12, 10, bottleneck=bottleneck, **{kind: share}))
        for share in (0.0, 0.5)
    )
    rays, past, state = torch.rand(1, 6, 5), torch.zeros(1, 6, 14), torch.zeros(1, 10)
    expected = plain({"rays": rays}, past, state)[0]
    torch.testing.assert_close(dropped({"rays": rays}, past, state)[0], expected)
    dropped.train()
    assert not torch.allclose(dropped({"rays": rays}, past, state)[0], expected)


@pytest.mark.parametrize(
    "pixels",
    [
        SMALLER,
        Pixels(source=(12, 16, 3), size=(5, 7)),
        Pixels(source=(12, 16, 3), size=(5, 7), channels="grey"),
        Pixels(source=(40, 60, 3), size=(9, 11), crop=(3, 5, 30, 50)),
        Pixels(source=(40, 60, 1), size=(9, 11), channels="grey"),
        Pixels(source=(12, 16, 3), size=(12, 16)),
    ],
)
def test_pixels_in_the_graph_are_pixels_outside_it(pixels: Pixels) -> None:
    """The graph's reduction of a picture is the sensor's, to within one level of 255, and in whole levels."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (4, *pixels.source)).astype(np.uint8)
    slope = np.broadcast_to(np.linspace(0, 255, pixels.source[1])[None, :, None], pixels.source).astype(np.uint8)
    frames = np.concatenate([noise, slope[None], np.full_like(slope, 255)[None]])
    found = InGraphPixels(pixels)(torch.from_numpy(frames)).numpy()
    expected = np.stack([pixels(frame) for frame in frames])
    assert found.shape == expected.shape
    assert (found == found.round()).all()
    assert np.abs(found - expected).max() <= 1


def test_a_memory_of_actions_alone_does_not_hear_of_sensors() -> None:
    """Without remembered sensors, what was seen earlier changes no later logits; what is seen now does."""
    policy = make_policy(TOY.select(["rays"]), PolicyShape(12, 10, remember_sensors=False))
    rays, past, state = torch.rand(1, 6, 5), torch.zeros(1, 6, 14), torch.zeros(1, 10)
    other = rays.clone()
    other[:, :5] = torch.rand(1, 5, 5)
    with torch.no_grad():
        logits, changed = (policy({"rays": each}, past, state)[0] for each in (rays, other))
    torch.testing.assert_close(changed[:, 5], logits[:, 5])
    assert not torch.allclose(changed[:, 4], logits[:, 4])


def test_a_policy_needs_something_to_decide_by() -> None:
    """Reading neither past actions nor sensors is refused."""
    with pytest.raises(SpecError, match="reads neither past actions nor sensors"):
        make_policy(shape=PolicyShape(past_actions=False, remember_sensors=False))


def test_a_stack_of_frames_is_refused() -> None:
    """A graph without a memory of frames cannot stack them, and says what to do instead."""
    with pytest.raises(SpecError, match="A stack of frames cannot be made inside the graph; record it as the sensor"):
        InGraphPixels(Pixels(source=(12, 16, 3), size=(6, 8), stack=2))


@pytest.mark.parametrize(
    ("space", "values", "expected"),
    [
        (spaces.Box(-10, 30, (2,), np.float32), [-10, 30], [0, 1]),
        (spaces.Box(0, 255, (2,), np.uint8), [0, 255], [0, 1]),
        (spaces.Box(-np.inf, np.inf, (2,), np.float32), [-5, 5], [-5, 5]),
        (spaces.Box(np.array([0, -np.inf]), np.array([10, 0]), dtype=np.float64), [5, -7], [0.5, -7]),
        (spaces.Box(3, 3, (2,), np.float32), [3, 3], [3, 3]),
    ],
)
def test_a_declared_range_is_scaled_to_one(space: spaces.Box, values: list[float], expected: list[float]) -> None:
    """A bounded number is mapped onto [0, 1]; one without bounds, or without room between them, is left as it is."""
    found = Scale(SensorSpec("sensor", space))(torch.tensor([values], dtype=torch.float64).to(torch.float64))
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found[0].numpy(), expected)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4)])
def test_a_vector_encoder_reads_any_shape(shape: tuple[int, ...]) -> None:
    """A single number, a vector or a grid is flattened."""
    encoder = VectorEncoder(SensorSpec("sensor", spaces.Box(0, 1, shape, np.float32)), (6, 4))
    assert encoder(torch.rand(5, *shape)).shape == (5, encoder.features) == (5, 4)


def test_a_sharp_encoder_tells_small_values_apart() -> None:
    """Before it has learned anything, half a degree to the left or right makes a greater difference to it."""
    torch.manual_seed(0)
    sensor = SensorSpec("sine", spaces.Box(-1, 1, (1,), np.float32))
    near = torch.tensor([[-0.01], [0.01]])
    plain, sharp = VectorEncoder(sensor, (64,)), VectorEncoder(sensor, (64,), (40.0,))
    read: list[torch.Tensor] = []
    for encoder in (plain, sharp):
        encoder.layers[0].register_forward_hook(lambda _layer, _input, output: read.append(output))
        assert encoder(near).shape == (2, 64)
    assert (read[1][0] - read[1][1]).norm() > 5 * (read[0][0] - read[0][1]).norm()


def test_octaves_read_the_doublings_of_an_angle() -> None:
    """Of each direction that the labels name, the sine and the cosine of two times and four times the angle."""
    sensor = SensorSpec("ways", spaces.Box(-1, 1, (2, 3), np.float32), computed={"labels": ("sin", "cos", "distance")})
    encoder, angles = VectorEncoder(sensor, (8,), octaves=2), torch.tensor([[0.3, -2.0]])
    read: list[torch.Tensor] = []
    encoder.layers[0].register_forward_hook(lambda _layer, given, _output: read.append(given[0]))
    encoder(torch.stack([angles.sin(), angles.cos(), torch.zeros(1, 2)], -1))
    expected = torch.cat([(2 * angles).sin(), (2 * angles).cos(), (4 * angles).sin(), (4 * angles).cos()], -1)
    torch.testing.assert_close(read[0][:, 6:], expected)


def test_octaves_need_directions() -> None:
    """A sensor whose labels name none is refused by name."""
    for labels in ({}, {"labels": ("speed", "sin")}):
        sensor = SensorSpec("self", spaces.Box(-1, 1, (2,), np.float32), computed=labels)
        with pytest.raises(SpecError, match="'self' has no directions"):
            VectorEncoder(sensor, (8,), octaves=1)
