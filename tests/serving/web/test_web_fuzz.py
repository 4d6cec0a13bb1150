"""Malformed requests at every method of the web port: no crash, no hang, other sessions unharmed."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from arena import observe
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from web_server import PREFIX, Running, WebClient, as_numbers

from understudy.agents.bundle import Bundle
from understudy.agents.runtime import BundleAgent
from understudy.serving.web import web_pb2 as pb

REQUESTS = {"Describe": pb.WebDescribe, "Open": pb.WebOpen, "Tick": pb.WebTick, "Close": pb.WebClose}
ALLOWED = {200, 400, 404, 415, 429}
"""Never 500: nothing that a client sends is the server's failure."""

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner))
numbers = st.lists(st.floats(width=32) | st.integers(-(2**70), 2**70), max_size=20)
array_forms = values | st.fixed_dictionaries({}, optional={"numbers": numbers | values, "data": st.text(max_size=9)})
sensor_forms = values | st.dictionaries(st.sampled_from(["rays", "frame"]) | st.text(max_size=4), array_forms)
bots = st.lists(st.integers(0, 5) | st.integers(), max_size=5)
spawns = st.lists(st.fixed_dictionaries({"bot": st.integers(0, 5)}, optional={"seed": values, "style": values}))
ticks = st.fixed_dictionaries(
    {"session": st.just("SESSION") | st.text(max_size=5)},
    optional={
        "bots": bots | values,
        "spawn": spawns | values,
        "despawn": bots,
        "restyle": spawns,
        "sensors": sensor_forms,
        "save": bots,
        "tick": values,
    },
)
openings = st.fixed_dictionaries(
    {}, optional={"bundle": st.sampled_from(["rusher", ""]) | values, "specJson": st.text(), "actions": values}
)
json_bodies = (ticks | openings | values).map(lambda form: json.dumps(form).encode()) | st.binary(max_size=40)
proto_bodies = st.binary(max_size=60) | st.builds(
    lambda bot, rays, session: pb.WebTick(
        session=session, bots=bot, spawn=[pb.WebSpawn(bot=1)], sensors={"rays": pb.WebArray(data=rays)}
    ).SerializeToString(),
    st.lists(st.integers(0, 3), max_size=3),
    st.binary(max_size=20),
    st.just("SESSION"),
)
frames = st.builds(
    lambda flag, body: struct.pack(">BI", flag, len(body)) + body, st.sampled_from([0, 1, 128]), proto_bodies
)
calls = st.tuples(
    st.sampled_from(list(REQUESTS)),
    st.one_of(
        st.tuples(st.just("application/json"), json_bodies),
        st.tuples(st.just("application/proto"), proto_bodies),
        st.tuples(st.just("application/grpc-web+proto"), frames | proto_bodies),
        st.tuples(st.just("application/grpc-web+json"), json_bodies),
        st.tuples(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20), json_bodies),
    ),
)


class GoodSession:
    """A session that plays on all the while, compared with a local agent."""

    def __init__(self, url: str, bundle: Bundle) -> None:
        self._web = WebClient(url)
        self._agent = BundleAgent(bundle)
        self._agent.reset(3)
        self._rng = np.random.default_rng(0)
        self._session = self._web.call("Open", bundle=bundle.name)["session"]
        self._web.call("Tick", session=self._session, spawn=[{"bot": 0, "seed": 3}])

    def play(self) -> None:
        """Tick once; fails if the bot does anything else than the local one."""
        seen = observe(self._rng, 1)
        actions = self._web.call("Tick", session=self._session, bots=[0], sensors=as_numbers(seen))["actions"]
        expected = self._agent.act({name: array[0] for name, array in seen.items()})
        assert actions["move"]["numbers"] == [expected["move"]]
        np.testing.assert_allclose(actions["turn"]["numbers"], expected["turn"], atol=1e-3)

    def close(self) -> None:
        """End the session."""
        self._web.call("Close", session=self._session)
        self._web.close()


@pytest.fixture(scope="module")
def good(running: Running, bundles: list[Bundle]) -> Iterator[GoodSession]:
    """A session around all the malformed calls."""
    session = GoodSession(running.url, bundles[0])
    yield session
    session.close()


@pytest.fixture(scope="module")
def victim(running: Running) -> Iterator[httpx.Client]:
    """The connection that sends what is malformed."""
    with httpx.Client(base_url=running.url, timeout=20, verify=False) as http:
        yield http


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(call=calls)
def test_no_request_harms_the_server(running: Running, victim: httpx.Client, good: GoodSession, call: Any) -> None:
    """Whatever bytes arrive, they are answered in time and not by a failure, and a good session plays on."""
    method, (content_type, body) = call
    session = open_session(victim, running)
    body = body.replace(b"SESSION", session.encode())
    answer = victim.post(PREFIX + method, content=body, headers={"content-type": content_type})
    assert answer.status_code in ALLOWED, f"{answer.status_code}: {answer.text}"
    assert b"Traceback" not in answer.content
    assert b"its log says why" not in answer.content
    good.play()


_OPEN: dict[str, str] = {}


def open_session(http: httpx.Client, running: Running) -> str:
    """Return a session of the client that misbehaves; it lives until it closes it itself."""
    name = _OPEN.get(running.url, "")
    if not name or http.post(PREFIX + "Tick", json={"session": name}).status_code == 404:
        name = http.post(PREFIX + "Open", json={"bundle": "rusher"}).json()["session"]
        _OPEN[running.url] = name
    return name
