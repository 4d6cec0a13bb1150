"""Messages that no game sends."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlagents_arena import SERVER_SEED, WALKER, observe_walker

from understudy.agents.bundle import Bundle
from understudy.serving.dialects.mlagents import SERVICE
from understudy.serving.dialects.mlagents import mlagents_pb2 as pb
from understudy.serving.dialects.mlagents.testing import ComparedGame, Turn, observe
from understudy.serving.dialects.mlagents.unity import UnitySide, brain_parameters

METHOD = f"/{SERVICE}/Exchange"
NAMES = ["Walker?team=0", "Runner", "Nobody", ""]
GOOD = observe(WALKER.sensors, observe_walker(np.random.default_rng(0)))

names = st.sampled_from(NAMES)
small = st.integers(-2, 7) | st.integers(-(2**31), 2**31 - 1)
numbers = st.builds(pb.ObservationProto.FloatData, data=st.lists(st.floats(width=32), max_size=7))
strange = st.builds(
    pb.ObservationProto,
    shape=st.lists(small, max_size=4),
    compression_type=st.sampled_from([0, 1, 9]),
    float_data=numbers,
    compressed_channel_mapping=st.lists(small, max_size=4),
    name=st.sampled_from(["rays", "frame", "health", ""]),
) | st.builds(
    pb.ObservationProto,
    shape=st.sampled_from([[4, 5, 3], [3, 4, 5], [4, 5], []]),
    compression_type=st.just(1),
    compressed_data=st.sampled_from([GOOD[1].compressed_data, GOOD[1].compressed_data[:-9]]) | st.binary(max_size=40),
    compressed_channel_mapping=st.lists(small, max_size=4),
)
observations = st.just(GOOD) | st.lists(strange, max_size=4) | strange.map(lambda each: [GOOD[0], each, GOOD[2]])
infos = st.builds(
    pb.AgentInfoProto,
    id=small,
    done=st.booleans(),
    max_step_reached=st.booleans(),
    action_mask=st.just([]) | st.lists(st.booleans(), min_size=7, max_size=7) | st.lists(st.booleans(), max_size=9),
    observations=observations,
)
brains = names.map(lambda name: brain_parameters(name, WALKER)) | st.builds(
    pb.BrainParametersProto,
    brain_name=names,
    vector_action_size_deprecated=st.lists(small, max_size=3),
    vector_action_space_type_deprecated=st.sampled_from([0, 1, 5]),
)
hellos = st.builds(
    pb.UnityRLInitializationOutputProto,
    communication_version=st.sampled_from(["1.5.0", "1.0.0", "0.1.0", "", "1." + "9" * 50]),
    package_version=st.text(max_size=8),
    brain_parameters=st.lists(brains, max_size=3),
)
agents = st.dictionaries(
    names, st.builds(pb.UnityRLOutputProto.ListAgentInfoProto, value=st.lists(infos, max_size=4)), max_size=3
)
outputs = (
    st.builds(pb.UnityOutputProto)
    | st.builds(pb.UnityOutputProto, rl_initialization_output=hellos)
    | st.builds(
        pb.UnityOutputProto,
        rl_initialization_output=hellos | st.none(),
        rl_output=st.builds(pb.UnityRLOutputProto, agentInfos=agents, side_channel=st.binary(max_size=9)),
    )
)
messages = st.builds(
    pb.UnityMessageProto,
    header=st.builds(pb.HeaderProto, status=st.sampled_from([200, 200, 200, 200, 200, 200, 400, 0, -1])),
    unity_output=outputs | st.none(),
).map(lambda message: message.SerializeToString())
damaged = st.tuples(messages, st.integers(0, 90), st.binary(max_size=4)).map(
    lambda parts: parts[0][: parts[1]] + parts[2] + parts[0][parts[1] + len(parts[2]) :]
)


@pytest.fixture(scope="module")
def good_game(games_address: str, walkers: list[Bundle]) -> Iterator[ComparedGame]:
    """A game that plays on all the while."""
    with UnitySide(games_address) as side:
        side.connect()
        yield ComparedGame(side, {NAMES[0]: walkers[0]}, SERVER_SEED)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(connected=st.booleans(), raw=st.lists(messages | damaged | st.binary(max_size=30), min_size=1, max_size=5))
def test_no_message_harms_the_server(
    games_address: str, good_game: ComparedGame, connected: bool, raw: list[bytes]
) -> None:
    """Whatever bytes arrive are answered with a status and, if it is 400, a reason; and another game plays on."""
    with UnitySide(games_address) as side:
        if connected:
            side.connect()
        for each in raw:
            call = side._channel.unary_unary(METHOD)
            answer = pb.UnityMessageProto.FromString(call(each, timeout=20))
            assert answer.header.status in (200, 400)
            assert "internal error" not in answer.header.message
    seen = observe_walker(np.random.default_rng(len(raw)))
    good_game.step({NAMES[0]: [Turn(1, seen), Turn(2, seen)]})
