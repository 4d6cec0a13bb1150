"""The example page in a headless Chromium: bots walk by what they see, and a blindfold makes them walk into walls."""

from __future__ import annotations

import base64
import importlib.util
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from web_server import Running, serve_web

from understudy.agents.bundle import Bundle
from understudy.agents.runtime import BundleAgent

PAGE = Path(__file__).parents[3] / "examples" / "browser"
NUM_BOTS, NUM_TICKS, SEED = 6, 150, 11
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage")

pytestmark = pytest.mark.engine


class PageServer(ThreadingHTTPServer):
    """Serves the example's folder, and keeps what its page reports."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), partial(PageHandler, directory=str(PAGE)))
        self.reports: SimpleQueue[dict[str, Any]] = SimpleQueue()


class PageHandler(SimpleHTTPRequestHandler):
    """Files by GET, and the report by POST."""

    server: PageServer

    def do_POST(self) -> None:
        """Keep the report."""
        self.server.reports.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def chromium() -> str:
    """The browser's path; the tests are skipped where there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.skip("There is no Chromium here; on Debian: apt-get install --no-install-recommends chromium")


@pytest.fixture(scope="module")
def wanderer(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The example's bundle, as its script writes it."""
    return load_script().make_bundle(tmp_path_factory.mktemp("bundles") / "wanderer")


@pytest.fixture(scope="module")
def game(wanderer: Bundle) -> Iterator[Running]:
    """A web port that serves it."""
    with serve_web([wanderer]) as running:
        yield running


@pytest.fixture(scope="module")
def pages() -> Iterator[PageServer]:
    """The web server of the page."""
    with PageServer() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def seeing(chromium: str, game: Running, pages: PageServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What happened to bots that see."""
    return play(chromium, game, pages, tmp_path_factory.mktemp("seeing"), blind=0)


@pytest.fixture(scope="module")
def blinded(
    chromium: str, game: Running, pages: PageServer, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What happened to the same bots with rays that see nothing."""
    return play(chromium, game, pages, tmp_path_factory.mktemp("blinded"), blind=1)


def load_script() -> ModuleType:
    """Return the example's script as a module."""
    spec = importlib.util.spec_from_file_location("browser_make_bundle", PAGE / "make_bundle.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def play(chromium: str, game: Running, pages: PageServer, profile: Path, blind: int) -> dict[str, Any]:
    """Open the page in a browser of its own and return its report."""
    query = f"server={game.url}&bots={NUM_BOTS}&ticks={NUM_TICKS}&seed={SEED}&blind={blind}"
    url = f"http://127.0.0.1:{pages.server_address[1]}/index.html?{query}"
    command = [chromium, *FLAGS, f"--user-data-dir={profile}", url]
    browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        report = pages.reports.get(timeout=90)
    finally:
        browser.terminate()
        browser.wait(20)
    assert "error" not in report, report["error"]
    (profile / "canvas.png").write_bytes(base64.b64decode(report["picture"].partition(",")[2]))
    return report


def places(report: dict[str, Any]) -> np.ndarray:
    """Return where each bot was after each tick, shape (ticks, bots, 2)."""
    return np.array([each["places"] for each in report["history"]])


def test_bots_that_see_walk_far_and_seldom_touch_a_wall(seeing: dict[str, Any]) -> None:
    """Every bot leaves its place, and less than one step in fifty ends at a wall."""
    paths = places(seeing)
    walked = np.linalg.norm(np.diff(paths, axis=0), axis=2).sum(axis=0)
    assert (walked > 200).all(), walked
    assert sum(seeing["bumps"]) < NUM_BOTS * NUM_TICKS / 50, seeing["bumps"]


def test_blinded_bots_walk_straight_into_a_wall_and_stay_there(seeing: dict[str, Any], blinded: dict[str, Any]) -> None:
    """With rays that see nothing, each bot soon stands at a wall: it was the rays that kept it away."""
    assert min(blinded["bumps"]) > NUM_TICKS / 4, blinded["bumps"]
    assert sum(blinded["bumps"]) > 20 * (sum(seeing["bumps"]) + 1)
    walked = {
        name: np.abs(np.diff(places(each)[-30:], axis=0)).sum()
        for name, each in (("seeing", seeing), ("blinded", blinded))
    }
    assert walked["blinded"] < walked["seeing"] / 4, walked


def test_the_page_gets_the_actions_of_local_agents(seeing: dict[str, Any], wanderer: Bundle) -> None:
    """Each bot does, at every tick, what a local agent with its seed does with what it saw."""
    agents = [BundleAgent(wanderer) for _ in range(NUM_BOTS)]
    for bot, agent in enumerate(agents):
        agent.reset(SEED + bot)
    for tick in seeing["history"]:
        rays = np.array(tick["rays"], np.float32).reshape(NUM_BOTS, -1, 2)
        for bot, agent in enumerate(agents):
            action = agent.act({"rays": rays[bot]})
            assert tick["turns"][bot] == pytest.approx(float(action["turn"][0]), abs=1e-3)
            assert tick["speeds"][bot] == pytest.approx(float(action["speed"][0]), abs=1e-4)


def test_a_refusal_reaches_the_page(chromium: str, game: Running, pages: PageServer, tmp_path: Path) -> None:
    """The server's sentence is what the page shows."""
    url = f"http://127.0.0.1:{pages.server_address[1]}/index.html?server={game.url}&bundle=wonderer&ticks=1"
    command = [chromium, *FLAGS, f"--user-data-dir={tmp_path}", "--virtual-time-budget=5000", "--dump-dom", url]
    dom = subprocess.run(command, capture_output=True, timeout=90, check=True, text=True).stdout
    assert "This server plays no bundle named 'wonderer'. Did you mean 'wanderer'?" in dom
