"""Playing over HTTP: the same actions as a local agent, whatever protocol and form carry them."""

from __future__ import annotations

import asyncio
import base64
import struct
import time
from typing import Any

import httpx
import numpy as np
import pytest
import uvloop
from arena import BEHAVIOR, observe
from web_server import PREFIX, Running, WebClient, as_numbers, serve_web

from understudy import __version__
from understudy.agents.bundle import Bundle
from understudy.agents.runtime import BundleAgent
from understudy.serving.web import web_pb2 as pb
from understudy.spec import BehaviorSpec

SEED = 2**64 - 3


def assert_agree(codec_rows: dict[str, np.ndarray], agents: list[BundleAgent], seen: dict[str, np.ndarray]) -> None:
    """Assert that each row is what its local agent does."""
    for row, agent in enumerate(agents):
        expected = agent.act({name: array[row] for name, array in seen.items()})
        for name in BEHAVIOR.action_names:
            np.testing.assert_allclose(codec_rows[name][row], expected[name], atol=1e-4, err_msg=f"{name}, row {row}")


def new_agents(bundle: Bundle, seeds: list[int]) -> list[BundleAgent]:
    """Return local agents with some seeds."""
    agents = [BundleAgent(bundle) for _ in seeds]
    for agent, seed in zip(agents, seeds, strict=True):
        agent.reset(seed)
    return agents


def read_numbers(actions: dict[str, Any], rows: int) -> dict[str, np.ndarray]:
    """Return the arrays of an answer in JSON."""
    return {
        each.name: np.array(actions[each.name]["numbers"], np.float32).reshape(rows, *each.shape)
        for each in BEHAVIOR.actions
    }


def test_describe_tells_the_bundles_with_their_specs(web: WebClient, bundles: list[Bundle]) -> None:
    """A page learns what it must send from the server itself."""
    answer = web.call("Describe")
    assert answer["serverVersion"] == __version__
    assert [each["name"] for each in answer["bundles"]] == ["rusher", "camper"]
    first = answer["bundles"][0]
    assert first["digest"] == bundles[0].digest
    assert BehaviorSpec.from_json(first["specJson"]).to_dict() == BEHAVIOR.to_dict()


def test_numbers_give_the_actions_of_local_agents(web: WebClient, bundles: list[Bundle]) -> None:
    """With the same seeds, bots over JSON do what `BundleAgent` does, at every tick of their lives."""
    seeds = [0, 7, SEED]
    agents = new_agents(bundles[0], seeds)
    opened = web.call("Open", bundle="rusher", specJson=BEHAVIOR.to_json())
    spawn = [{"bot": bot, "seed": str(seed)} for bot, seed in enumerate(seeds)]
    rng = np.random.default_rng(1)
    for tick in range(40):
        seen = observe(rng, 3)
        answer = web.call(
            "Tick", session=opened["session"], tick=tick, spawn=spawn, bots=[0, 1, 2], sensors=as_numbers(seen)
        )
        assert (answer["tick"], answer["late"]) == (tick, "WEB_LATE_NO")
        assert_agree(read_numbers(answer["actions"], 3), agents, seen)
        spawn = []
    web.call("Close", session=opened["session"])


def test_bytes_give_the_same_as_numbers(web: WebClient, bundles: list[Bundle]) -> None:
    """Base64 in JSON carries the very arrays of the tick stream, both ways."""
    agents = new_agents(bundles[1], [3])
    session = web.call("Open", bundle="camper", actions="WEB_FORM_BYTES")["session"]
    rng = np.random.default_rng(2)
    for tick in range(10):
        seen = observe(rng, 1)
        sensors = {name: {"data": base64.b64encode(array.tobytes()).decode()} for name, array in seen.items()}
        spawn = [] if tick else [{"bot": 9, "seed": 3}]
        actions = web.call("Tick", session=session, spawn=spawn, bots=[9], sensors=sensors)["actions"]
        arrays = {
            each.name: np.frombuffer(base64.b64decode(actions[each.name]["data"]), each.dtype).reshape(1, *each.shape)
            for each in BEHAVIOR.actions
        }
        assert_agree(arrays, agents, seen)


@pytest.mark.parametrize("content", ["application/proto", "application/grpc-web+proto"])
def test_protobuf_clients_get_the_same(running: Running, bundles: list[Bundle], content: str) -> None:
    """Connect protobuf and gRPC-Web give the actions of a local agent, as `connectrpc` and pages with stubs call."""
    agents = new_agents(bundles[0], [5])
    with httpx.Client(base_url=running.url, headers={"content-type": content}) as http:

        def call(method: str, request: Any, answer: Any) -> Any:
            body = request.SerializeToString()
            if "grpc" not in content:
                return answer.FromString(http.post(PREFIX + method, content=body).content)
            reply = http.post(PREFIX + method, content=struct.pack(">BI", 0, len(body)) + body).content
            size = struct.unpack(">BI", reply[:5])[1]
            assert b"grpc-status: 0" in reply[5 + size :]
            return answer.FromString(reply[5 : 5 + size])

        opened = call("Open", pb.WebOpen(bundle="rusher", actions=pb.WEB_FORM_BYTES), pb.WebOpened)
        seen = observe(np.random.default_rng(3), 1)
        sensors = {name: pb.WebArray(data=array.tobytes()) for name, array in seen.items()}
        tick = pb.WebTick(session=opened.session, spawn=[pb.WebSpawn(bot=1, seed=5)], bots=[1], sensors=sensors)
        answer = call("Tick", tick, pb.WebActions)
        arrays = {
            each.name: np.frombuffer(answer.actions[each.name].data, each.dtype).reshape(1, *each.shape)
            for each in BEHAVIOR.actions
        }
        assert_agree(arrays, agents, seen)


def test_a_saved_bot_plays_on_in_another_session(web: WebClient) -> None:
    """What a tick saves, another session can go on with: it then does exactly what the first one does."""
    first, second = (web.call("Open", bundle="rusher")["session"] for _ in range(2))
    rng = np.random.default_rng(4)
    seen = [as_numbers(observe(rng, 1)) for _ in range(6)]
    web.call("Tick", session=first, spawn=[{"bot": 0, "seed": 1}], bots=[0], sensors=seen[0])
    saved = web.call("Tick", session=first, bots=[0], sensors=seen[1], save=[0])["saved"]["0"]
    spawn = [{"bot": 5, "state": saved}]
    for each in seen[2:]:
        expected = web.call("Tick", session=first, bots=[0], sensors=each)["actions"]
        assert web.call("Tick", session=second, spawn=spawn, bots=[5], sensors=each)["actions"] == expected
        spawn = []


def test_a_tick_may_only_change_bots(running: Running, web: WebClient) -> None:
    """Spawning and despawning need no sensors; closing frees what is left."""
    before = running.num_bots
    session = web.call("Open", bundle="rusher")["session"]
    web.call("Tick", session=session, spawn=[{"bot": 1}, {"bot": 2}, {"bot": 3}])
    web.call("Tick", session=session, despawn=[2])
    assert running.num_bots == before + 2
    web.call("Close", session=session)
    assert running.num_bots == before


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_an_answer_leaves_at_once(bundles: list[Bundle], new_loop: Any) -> None:
    """No tick waits for the client's acknowledgement, which takes 40 ms where small answers are held back."""
    sensors = as_numbers(observe(np.random.default_rng(5), 1))
    times = []
    with serve_web(bundles, new_loop=new_loop) as running, WebClient(running.url) as web:
        session = web.call("Open", bundle="rusher")["session"]
        web.call("Tick", session=session, spawn=[{"bot": 0}])
        for _ in range(60):
            began = time.perf_counter()
            web.call("Tick", session=session, bots=[0], sensors=sensors)
            times.append(time.perf_counter() - began)
    assert np.quantile(times, 0.25) < 0.03  # a busy machine is slow at random, but not every time


def test_an_answer_says_its_length(web: WebClient) -> None:
    """No answer comes in chunks, whatever it is: the simplest of HTTP clients can read it."""
    for method, form in (("Describe", {}), ("Tick", {"session": "none"}), ("Nothing", {})):
        answer = web.post(method, form)
        assert int(answer.headers["content-length"]) == len(answer.content)
        assert "transfer-encoding" not in answer.headers
