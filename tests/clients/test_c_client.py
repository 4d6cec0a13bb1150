"""The C library, played by C programs against a real server."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import trustme
from client_builds import build_library, require_packages, run
from served_bots import Served, serve, trajectories
from steering_bundle import BEHAVIOR

from understudy.recordings import Episode

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

FIRST_BAFFLE = 8
NO, LATE, GONE = 0, 3, 4
LATE_COLUMN = 4
TOKEN = "0123456789abcdef" * 2


@contextmanager
def playing(library: Path, address: str, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Run `play` beside the test; its lines can be read one at a time."""
    command = [str(library / "play"), address, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def read_lates(process: subprocess.Popen[str], until: int, at_most: int = 400) -> list[int]:
    """Read ticks until one is answered with `until`; returns what each was answered with."""
    assert process.stdout is not None
    lates: list[int] = []
    while until not in lates and len(lates) < at_most:
        line = process.stdout.readline()
        if re.match(r"\d+ \d+ ", line):
            lates.append(int(line.split()[-1]))
    return lates


def test_a_seeing_bot_walks_the_corridor_and_a_blinded_one_meets_the_first_wall(library: Path, served: Served) -> None:
    """Three seeing bots pass both baffles; with blinded rays none passes the first, on the same server and seed."""
    seeing = trajectories(run(library / "play", served.address, "--bots", "3"))
    blind = trajectories(run(library / "play", served.address, "--bots", "3", "--blind"))

    assert all(path[:, 1].max() > 20 for path in seeing.values())
    assert all(path[:, 1].max() < FIRST_BAFFLE for path in blind.values())
    assert all((path[:, LATE_COLUMN] == NO).all() for path in (*seeing.values(), *blind.values()))


@pytest.mark.parametrize("sanitize", [False, True], ids=["plain", "sanitized"])
def test_every_promise_of_the_header_holds(served: Served, sanitize: bool) -> None:
    """The contract program passes, also under AddressSanitizer and UndefinedBehaviorSanitizer, leaks included."""
    assert run(build_library(sanitize=sanitize) / "contract", served.address) == "Every promise holds.\n"


def test_valgrind_finds_nothing(library: Path, served: Served) -> None:
    """No invalid access, no use of unset memory, nothing lost."""
    require_packages("check")
    # Blocks that are only possibly lost are the stacks of gRPC's own helper threads, alive at exit.
    kinds = "--errors-for-leak-kinds=definite,indirect"
    valgrind = ("valgrind", "--quiet", "--error-exitcode=9", "--leak-check=full", "--show-leak-kinds=definite", kinds)
    assert "Every promise holds." in run(*valgrind, library / "contract", served.address)


def test_a_sanitized_bot_walks_the_same_way(library: Path, served: Served) -> None:
    """The same seed gives the same trajectory in another build of the library."""
    plain, sanitized = (
        run(folder / "play", served.address, "--ticks", "60").partition("\n")[2]
        for folder in (library, build_library(sanitize=True))
    )
    assert plain == sanitized


def test_a_stalled_server_costs_patience_and_no_more(library: Path, bundle_folder: Path) -> None:
    """While the server stands still the bots repeat their last action; when it goes on, so do decisions."""
    with (
        serve(bundle_folder) as served,
        playing(library, served.address, "--ticks", "5000", "--patience", "20", "--pause", "5") as process,
    ):
        assert read_lates(process, NO)[-1] == NO
        served.process.send_signal(signal.SIGSTOP)
        assert read_lates(process, LATE)[-1] == LATE
        served.process.send_signal(signal.SIGCONT)
        assert read_lates(process, NO, at_most=2000)[-1] == NO


def test_a_killed_server_leaves_fallbacks_and_one_sentence(library: Path, bundle_folder: Path) -> None:
    """The game goes on to its end with the last action of each bot, and is told once why."""
    with (
        serve(bundle_folder) as served,
        playing(library, served.address, "--ticks", "400", "--pause", "2") as process,
    ):
        read_lates(process, NO)
        served.process.kill()
        printed, errors = process.communicate(timeout=60)
    path = trajectories(printed)[0]
    gone = path[path[:, LATE_COLUMN] == GONE]

    assert process.returncode == 0
    assert f"The server at {served.address} is gone" in errors
    assert errors.count("\n") == 1
    assert len(gone) > 1
    turns = np.diff(gone[:, 3])
    assert np.allclose(turns, turns[0], atol=2e-3)


def test_a_killed_game_gets_its_bots_back(library: Path, bundle_folder: Path) -> None:
    """A stream opened with the lease of one that was cut off has its bots, with their state, without spawning them."""
    with serve(bundle_folder, "--grace", "30") as served:
        with playing(library, served.address, "--ticks", "5000", "--pause", "5") as process:
            assert process.stdout is not None
            lease = process.stdout.readline().split()[1]
            read_lates(process, NO)
        fresh = trajectories(run(library / "play", served.address, "--ticks", "1"))[0]
        resumed = trajectories(run(library / "play", served.address, "--ticks", "1", "--resume", lease))[0]
    assert resumed[0, LATE_COLUMN] == NO
    assert resumed[0, 3] != fresh[0, 3]


def test_a_tick_allocates_nothing_of_ours(library: Path, served: Served) -> None:
    """Over a thousand ticks of 64 bots the library asks for memory not once; gRPC below it does, a few times a tick."""
    ours, others = map(int, re.findall(r"\d+", run(library / "allocations", served.address, "1000")))
    assert ours == 0
    assert 0 < others < 20_000


def test_the_client_itself_is_cheap(library: Path, tmp_path: Path) -> None:
    """Against a server that does nothing, half of the ticks of 64 bots come back within a millisecond."""
    spec = tmp_path / "spec.json"
    spec.write_text(BEHAVIOR.to_json())
    with subprocess.Popen([str(library / "echo_server"), str(spec)], stdout=subprocess.PIPE, text=True) as echo:
        try:
            assert echo.stdout is not None
            address = echo.stdout.readline().strip()
            numbers = json.loads(run(library / "latency", address, "--ticks", "1000"))
        finally:
            echo.kill()
    assert numbers["p50_us"] < 1000


def test_only_the_abi_leaves_the_library(library: Path) -> None:
    """Every symbol that a program can bind to is one that the header declares, and the other way round."""
    require_packages("check")
    exported = set(re.findall(r" T (\w+)", run("nm", "-D", "--defined-only", library / "libunderstudy.so")))
    header = (Path(__file__).parents[2] / "clients/c/include/understudy.h").read_text()
    assert exported == set(re.findall(r"^US_API .*?(us_\w+)\(", header, re.MULTILINE))


def test_the_latency_tool_prints_its_numbers(library: Path, served: Served) -> None:
    """One JSON object with the percentiles, in order."""
    numbers = json.loads(run(library / "latency", served.address, "--bots", "8", "--ticks", "50", "--in-flight", "2"))
    assert (numbers["bots"], numbers["ticks"], numbers["sensor_bytes"], numbers["late"]) == (8, 50, 120, 0)
    assert 0 < numbers["min_us"] <= numbers["p50_us"] <= numbers["p99_us"] <= numbers["max_us"]


def test_a_person_takes_over_and_both_are_recorded(library: Path, bundle_folder: Path, tmp_path: Path) -> None:
    """The recording holds the person's action where one had the controls, and what the policy answered throughout."""
    with serve(bundle_folder, "--record", str(tmp_path)) as served:
        printed = run(library / "play", served.address, "--ticks", "40", "--record", "ann")
    (path,) = tmp_path.glob("*.arrows")
    episode = Episode(path)
    person, turn, answered = episode.extra("person") == 1, episode.action("turn"), episode.extra("policy_turn")
    turned = -np.diff(trajectories(printed)[0][:, 3], prepend=0)

    assert np.flatnonzero(person).tolist() == [*range(10, 20), *range(30, 40)]
    assert (turn[person] == -3).all()
    assert np.allclose(turn[:, 0], turned, atol=2e-3)
    assert np.array_equal(turn[~person], answered[~person])
    assert not np.isin(-3, answered)


def test_a_server_that_knows_its_clients_knows_this_one(library: Path, bundle_folder: Path, tmp_path: Path) -> None:
    """With certificates of one authority on both sides and a token it plays; with another token it is told so."""
    authority = trustme.CA()
    root, server, client = (tmp_path / name for name in ("root.pem", "server.pem", "client.pem"))
    authority.cert_pem.write_to_path(root)
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(server)
    authority.issue_cert("game@example.org").private_key_and_cert_chain_pem.write_to_path(client)
    tokens = tmp_path / "tokens"
    tokens.write_text(f"game {TOKEN}\n")
    tls = ("--tls-cert", str(server), "--tls-key", str(server), "--tls-client-ca", str(root), "--tokens", str(tokens))
    known = ("--root", root, "--cert", client, "--key", client)
    with serve(bundle_folder, *tls) as served:
        path = trajectories(run(library / "play", served.address, *known, "--token", TOKEN, "--ticks", "3"))[0]
        command = [str(each) for each in (library / "play", served.address, *known, "--token", TOKEN[::-1])]
        stranger = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert (path[:, LATE_COLUMN] == NO).all()
    assert (stranger.returncode, stranger.stdout) == (1, "")
    assert "does not know that token" in stranger.stderr
