"""A sequence starts with a style, by name or as numbers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import tritonclient.grpc as triton
from arena import make_bundle, observe
from oip_server import OipServer, to_inputs

from understudy.agents.bundle import Bundle
from understudy.agents.noise import uniform_noise
from understudy.agents.runtime import PolicyRuntime

STYLES = {"calm": [0.0, 0.0], "left": [-2.0, 1.0], "right": [2.0, 1.0]}
ROWS, SEED = 3, 4


@pytest.fixture(scope="module")
def styled(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle whose bots turn as their style says."""
    return make_bundle(tmp_path_factory.mktemp("styled") / "bundle", styles=STYLES)


@pytest.fixture(scope="module")
def client(styled: Bundle) -> Iterator[triton.InferenceServerClient]:
    """Triton's client, at a server of that bundle."""
    with OipServer([styled]) as server, triton.InferenceServerClient(server.address) as client:
        yield client


@pytest.mark.parametrize("name", [*STYLES, ""])
@pytest.mark.parametrize("how", ["parameter", "input"])
def test_bots_play_the_style_they_started_with(
    client: triton.InferenceServerClient, styled: Bundle, name: str, how: str
) -> None:
    """To the end of the sequence, as the graph itself does; without one they play the default."""
    runtime, rng = PolicyRuntime(styled), np.random.default_rng(0)
    style = np.tile(styled.style(name), (ROWS, 1))
    state = np.zeros((ROWS, styled.state_size), np.float32)
    for step in range(5):
        seen, parameters = observe(rng, ROWS), {"seed": SEED}
        given = dict(seen)
        if step == 0 and name:
            parameters |= {"style": name} if how == "parameter" else {}
            given |= {"style": style} if how == "input" else {}
        flags = {"sequence_id": 1, "sequence_start": step == 0, "sequence_end": step == 4}
        result = client.infer("rusher", to_inputs(given), parameters=parameters, **flags)
        seeds, decisions = np.arange(SEED, SEED + ROWS, dtype=np.uint64), np.full(ROWS, step, np.uint64)
        noise = uniform_noise(seeds, decisions, styled.noise_size)
        (_, _, turn), state = runtime.step(list(seen.values()), state, noise, style)
        np.testing.assert_allclose(result.as_numpy("turn"), turn, atol=1e-3)


def test_an_unknown_style_is_refused(client: triton.InferenceServerClient) -> None:
    """With a suggestion."""
    inputs = to_inputs(observe(np.random.default_rng(0), 1))
    with pytest.raises(triton.InferenceServerException, match=r"has no style 'lift'\. Did you mean 'left'") as caught:
        client.infer("rusher", inputs, sequence_id=1, sequence_start=True, parameters={"style": "lift"})
    assert caught.value.status() == "StatusCode.INVALID_ARGUMENT"
