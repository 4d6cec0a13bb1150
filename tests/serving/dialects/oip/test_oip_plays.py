"""A bundle that Triton's own client plays acts as a local agent does."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Mapping

import numpy as np
import pytest
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio
from arena import BEHAVIOR, observe
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oip_server import LocalBots, OipServer, to_actions, to_inputs

from understudy.agents.bundle import Bundle
from understudy.agents.runtime import PolicyRuntime

SIZES = {"state": 8, "noise": 6}


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.integers(1, 5),
    seed=st.integers(-(2**63), 2**63 - 1),
    sequence=st.integers(1, 2**63 - 1) | st.text("abc-é", min_size=1),
)
def test_a_sequence_plays_as_local_agents(
    client: triton.InferenceServerClient, bundles: list[Bundle], rows: int, seed: int, sequence: int | str
) -> None:
    """Row r of a sequence with a seed gives the actions of a local agent with seed + r, to its last decision."""
    local = LocalBots(bundles[0], [(seed + row) % 2**64 for row in range(rows)])
    rng = np.random.default_rng(rows)
    for decision in range(40):
        observations = observe(rng, rows)
        result = client.infer(
            "rusher",
            to_inputs(observations),
            sequence_id=sequence,
            sequence_start=decision == 0,
            sequence_end=decision == 39,
            parameters={"seed": seed} if decision == 0 else None,
        )
        local.require_equal(observations, to_actions(result))


def test_a_stream_plays_many_sequences_at_once(client: triton.InferenceServerClient, bundles: list[Bundle]) -> None:
    """Requests sent ahead over Triton's stream are answered in order, each sequence as its local agent plays."""
    answers: queue.Queue = queue.Queue()
    client.start_stream(lambda result, error: answers.put((result, error)))
    rng, sent = np.random.default_rng(0), []
    for decision in range(30):
        for sequence in (1, 2, 3, "four"):
            observations = observe(rng, 2)
            client.async_stream_infer(
                "camper",
                to_inputs(observations),
                sequence_id=sequence,
                sequence_start=decision == 0,
                sequence_end=decision == 29,
                parameters={"seed": 7},
                request_id=f"{sequence}/{decision}",
            )
            sent.append((sequence, f"{sequence}/{decision}", observations))
    local = {sequence: LocalBots(bundles[1], [7, 8]) for sequence in (1, 2, 3, "four")}
    for sequence, request_id, observations in sent:
        result, error = answers.get(timeout=20)
        assert error is None
        assert result.get_response().id == request_id
        local[sequence].require_equal(observations, to_actions(result))
    client.stop_stream()


def test_the_asyncio_client_plays_the_same(oip: OipServer, bundles: list[Bundle]) -> None:
    """So does the asynchronous client, with several sequences waiting at once."""

    async def play(client: triton_aio.InferenceServerClient, sequence: int) -> None:
        local, rng = LocalBots(bundles[0], [sequence]), np.random.default_rng(sequence)
        for decision in range(20):
            observations = observe(rng, 1)
            result = await client.infer(
                "rusher",
                to_inputs(observations),
                sequence_id=sequence,
                sequence_start=decision == 0,
                sequence_end=decision == 19,
                parameters={"seed": sequence},
            )
            local.require_equal(observations, to_actions(result))

    async def main() -> None:
        async with triton_aio.InferenceServerClient(oip.address) as client:
            await asyncio.gather(*(play(client, sequence) for sequence in range(1, 8)))

    asyncio.run(main())


def test_each_row_may_bring_its_seed(client: triton.InferenceServerClient, bundles: list[Bundle]) -> None:
    """The input `seed`, as an exported Triton repository takes it, seeds each row by itself."""
    seeds = np.array([[3], [-1], [3]], np.int64)
    local, observations = LocalBots(bundles[0], [3, 2**64 - 1, 3]), observe(np.random.default_rng(0), 3)
    for start in (True, False):
        inputs = to_inputs({**observations, "seed": seeds})
        result = client.infer("rusher", inputs, sequence_id=5, sequence_start=start, sequence_end=not start)
        local.require_equal(observations, to_actions(result))


def test_a_seed_that_was_drawn_is_told(client: triton.InferenceServerClient, bundles: list[Bundle]) -> None:
    """A sequence without a seed gets another one each time, and can be played again with the one that is told."""
    observations, seeds = observe(np.random.default_rng(0), 2), []
    for _ in range(2):
        result = client.infer("rusher", to_inputs(observations), sequence_id=6, sequence_start=True, sequence_end=True)
        seeds.append(result.get_response().parameters["seed"].int64_param)
        LocalBots(bundles[0], [seeds[-1], seeds[-1] + 1]).require_equal(observations, to_actions(result))
    assert seeds[0] != seeds[1]


def test_starting_again_starts_afresh(client: triton.InferenceServerClient, bundles: list[Bundle]) -> None:
    """A sequence that is started while it lives forgets its bots, and may have another number of them."""
    for rows in (3, 2):
        local, observations = LocalBots(bundles[0], range(rows)), observe(np.random.default_rng(rows), rows)
        for start in (True, False):
            result = client.infer(
                "rusher", to_inputs(observations), sequence_id=9, sequence_start=start, parameters={"seed": 0}
            )
            local.require_equal(observations, to_actions(result))
    client.infer("rusher", to_inputs(observations), sequence_id=9, sequence_end=True)


def alone(client: triton.InferenceServerClient, arrays: Mapping[str, np.ndarray], **given: object) -> tuple:
    """Decide once without a sequence; returns the actions and the next state."""
    result = client.infer("rusher", to_inputs(arrays), **given)
    return to_actions(result), result.as_numpy("next_state")


def test_a_client_may_keep_the_memory_itself(client: triton.InferenceServerClient, bundles: list[Bundle]) -> None:
    """Without a sequence, state and noise go in and the next state comes out, as the graph itself has it."""
    runtime, rng, rows = PolicyRuntime(bundles[0]), np.random.default_rng(1), 4
    state = np.zeros((rows, SIZES["state"]), np.float32)
    for _ in range(10):
        observations, noise = observe(rng, rows), rng.random((rows, SIZES["noise"]), np.float32)
        expected, expected_state = runtime.step(list(observations.values()), state, noise)
        actions, state = alone(client, {**observations, "state": state, "noise": noise})
        np.testing.assert_allclose(state, expected_state, atol=1e-5)
        for name, part in zip(BEHAVIOR.action_names, expected, strict=True):
            np.testing.assert_allclose(actions[name], part, atol=1e-3)


def test_without_memory_each_request_is_a_new_bot(client: triton.InferenceServerClient, bundles: list[Bundle]) -> None:
    """A request with sensors alone is the first decision of new bots, seeded as they ask."""
    observations = observe(np.random.default_rng(2), 3)
    for _ in range(2):
        actions, _ = alone(client, observations, parameters={"seed": 11})
        LocalBots(bundles[0], [11, 12, 13]).require_equal(observations, actions)


def test_only_the_wanted_outputs_come(client: triton.InferenceServerClient) -> None:
    """A client may ask for some of the outputs, in its order."""
    wanted = [triton.InferRequestedOutput(name) for name in ("turn", "move")]
    result = client.infer("rusher", to_inputs(observe(np.random.default_rng(0), 1)), outputs=wanted)
    assert [each.name for each in result.get_response().outputs] == ["turn", "move"]


@pytest.mark.parametrize("ending", ["closed", "broken off"])
def test_a_stream_that_breaks_off_ends_its_sequences(oip: OipServer, ending: str) -> None:
    """A client that vanishes frees its bots at once; one that closes its stream may go on by other calls."""
    before, answered = oip.registry.num_bots, queue.Queue()
    inputs = to_inputs(observe(np.random.default_rng(0), 2))
    with triton.InferenceServerClient(oip.address) as client:
        client.start_stream(lambda result, error: answered.put(error or result))
        client.async_stream_infer("rusher", inputs, sequence_id=77, sequence_start=True)
        assert isinstance(answered.get(timeout=10), triton.InferResult)
        assert oip.registry.num_bots == before + 2
        client.stop_stream(cancel_requests=ending == "broken off")
        if ending == "closed":
            client.infer("rusher", inputs, sequence_id=77, sequence_end=True)
        oip.wait_for_bots(before)


def test_idle_sequences_end(bundles: list[Bundle]) -> None:
    """A sequence that nobody asks for ends after its time, and its bots with it; one that is used lives on."""
    observations = observe(np.random.default_rng(0), 3)
    with OipServer(bundles, idle_s=0.4) as server, triton.InferenceServerClient(server.address) as client:
        for sequence in (1, 2):
            client.infer("rusher", to_inputs(observations), sequence_id=sequence, sequence_start=True)
        while server.registry.num_bots > 3:
            client.infer("rusher", to_inputs(observations), sequence_id=1)
        client.infer("rusher", to_inputs(observations), sequence_id=1)
        with pytest.raises(triton.InferenceServerException, match="No sequence 2 of 'rusher' is running"):
            client.infer("rusher", to_inputs(observations), sequence_id=2)
        server.wait_for_bots(0)
