"""A ray grid is read as it is recorded: scaling, types and convolutions are inside the network and its export."""

from __future__ import annotations

import io
import warnings

import numpy as np
import onnxruntime
import pytest
import torch
from gymnasium import spaces
from joint_policies import GRID, grid_readings

from understudy.agents.networks import RayGridEncoder
from understudy.errors import SpecError
from understudy.spec import SensorSpec


def encoder() -> RayGridEncoder:
    """With random weights."""
    torch.manual_seed(0)
    return RayGridEncoder(GRID, (6, 8), 10).eval()


@torch.no_grad()
def test_the_convolutions_read_distances_and_types() -> None:
    """The first layer gets 1 - d / reach, an exponential of d, and one plane per type; none where nothing was hit."""
    seen: list[torch.Tensor] = []
    network = encoder()
    network.stages.register_forward_hook(lambda _module, given, _out: seen.append(given[0]))
    rays = grid_readings(3)
    network(torch.from_numpy(rays))
    planes = seen[0].permute(0, 2, 3, 1).numpy()
    assert planes.shape == (3, 15, 15, 13)
    np.testing.assert_allclose(planes[..., 0], 1 - rays[..., 0] / 10_000, atol=1e-6)
    np.testing.assert_allclose(planes[..., 1], np.exp(-rays[..., 0] / 500), atol=1e-6)
    np.testing.assert_array_equal(planes[..., 2:], rays[..., 1:] == np.arange(1, 12))


@torch.no_grad()
def test_every_place_distance_and_type_reaches_the_features() -> None:
    """Changing one ray's distance or type, wherever it is, changes the features."""
    network = encoder()
    plain = np.full((1, 15, 15, 2), (3000, 1), np.int16)
    for row, column in ((0, 0), (7, 7), (14, 14), (3, 12)):
        for channel, value in ((0, 2000), (1, 7)):
            other = plain.copy()
            other[0, row, column, channel] = value
            assert not torch.equal(network(torch.from_numpy(other)), network(torch.from_numpy(plain)))


@torch.no_grad()
def test_onnx_reads_a_grid_as_torch_does() -> None:
    """The exported encoder takes int16 in any batch and gives the same features."""
    network = encoder()
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.from_numpy(grid_readings(2)),),
            buffer,  # type: ignore[arg-type]
            input_names=["rays"],
            dynamic_axes={"rays": {0: "batch"}},
            opset_version=18,
            dynamo=False,
        )
    session = onnxruntime.InferenceSession(buffer.getvalue(), providers=["CPUExecutionProvider"])
    for batch in (1, 5):
        rays = grid_readings(batch, seed=batch)
        expected = network(torch.from_numpy(rays)).numpy()
        np.testing.assert_allclose(session.run(None, {"rays": rays})[0], expected, atol=1e-5)


@pytest.mark.parametrize(
    "space",
    [
        spaces.Box(0, 1, (15, 15, 2), np.float32),
        spaces.Box(0, 100, (15, 15), np.int16),
        spaces.Box(0, 255, (15, 15, 3), np.uint8),
        spaces.Box(-1, 100, (15, 15, 2), np.int16),
        spaces.Box(0, 100, (15, 15, 2), np.uint16),
    ],
)
def test_what_is_no_ray_grid_is_refused(space: spaces.Box) -> None:
    """Numbers that are not distances in centimetres and types are not read as such."""
    with pytest.raises(
        SpecError, match=r"reads uint8 or signed integers of shape \(rows, columns, 2\) from 0; sensor 'other' is"
    ):
        RayGridEncoder(SensorSpec("other", space))
