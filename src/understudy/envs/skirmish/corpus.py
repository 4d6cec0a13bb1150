"""A corpus of scripted play: matches drawn from a seed, played and recorded in parallel, resumed where they stopped.

Matches come in blocks; a block is written into a hidden folder and renamed when it is whole, so that a corpus that is
stopped at any moment holds whole matches only, and the same command again plays what is missing. The same arguments
give the same play, however many processes share the work.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from understudy.envs.skirmish.level import MAP_NAMES, load_level
from understudy.envs.skirmish.players import PERSONAS
from understudy.envs.skirmish.players.matches import MatchPlan, Seat, record_matches
from understudy.envs.skirmish.players.personas import find_persona
from understudy.errors import GameError, RecordingError

Progress = Callable[[str, int, int], None]

NUM_IDENTITIES = 10
"""Individuals of each persona."""
MATCHES_PER_BLOCK = 6
CHOICES = ("levels", "personas", "identities", "first_identity", "rounds", "disturbed")
"""What of `make_corpus` the command line's `--args` may name."""
PLAN_FILE, BLOCK_FILE = "corpus.json", "block.json"
NUM_ROUNDS = 8
"""Of a match at most: the money of both halves is seen, and teams still change often."""


@dataclass(frozen=True)
class Corpus:
    """What a corpus is made from; kept in its folder as `corpus.json`.

    Attributes:
        seed: From which all is drawn, at least 0.
        levels: Names, see `level.load_level`.
        personas: Names of `PERSONAS`.
        identities: Individuals of each persona, at least 1.
        first_identity: The first one's number: players of another corpus that ends before it are none of these.
        rounds: Of a match at most, an even number.
        disturbed: Share of decisions in which hands do something else than their players want; what is recorded is what
            they want. See `players.disturbance`.
    """

    seed: int = 0
    levels: tuple[str, ...] = MAP_NAMES
    personas: tuple[str, ...] = tuple(PERSONAS)
    identities: int = NUM_IDENTITIES
    rounds: int = NUM_ROUNDS
    first_identity: int = 0
    disturbed: float = 0.0

    def __post_init__(self) -> None:
        if not self.levels or not self.personas:
            raise GameError("A corpus needs at least one level and one persona.")
        for name in ("seed", "identities", "rounds", "first_identity"):
            if not isinstance(getattr(self, name), int):
                raise GameError(f"The {name} of a corpus should be a whole number, got {getattr(self, name)!r}.")
        if not 0 <= self.disturbed <= 0.5:
            raise GameError(f"The disturbed share of a corpus goes from 0 to 0.5, got {self.disturbed!r}.")
        for level in self.levels:
            load_level(str(level))
        for persona in self.personas:
            find_persona(str(persona))
        if min(self.seed, self.first_identity) < 0 or self.identities < 1 or self.rounds < 2 or self.rounds % 2:
            raise GameError(
                f"A corpus needs a seed of at least 0, an identity and an even number of rounds; got seed {self.seed}, "
                f"{self.identities} identities from {self.first_identity} on, and {self.rounds} rounds."
            )

    def match(self, number: int) -> MatchPlan:
        """Return match `number`, from 0."""
        rng = random.Random(f"{self.seed}/{number}")
        a, b, c, d = self._draw_seats(rng)
        return MatchPlan(
            number, rng.getrandbits(48), rng.choice(self.levels), self.rounds, (a, b, c, d), self.disturbed
        )

    def block(self, number: int) -> tuple[MatchPlan, ...]:
        """Return the matches of block `number`."""
        first = number * MATCHES_PER_BLOCK
        return tuple(self.match(first + index) for index in range(MATCHES_PER_BLOCK))

    def _draw_seats(self, rng: random.Random) -> list[Seat]:
        """Draw four individuals, nobody twice if there are enough of them."""
        seats: list[Seat] = []
        while len(seats) < 4:
            persona, identity = rng.choice(self.personas), rng.randrange(self.identities)
            skill = skill_of(persona, identity, self.identities)
            seat = Seat(persona, self.first_identity + identity, skill)
            if seat not in seats or len(self.personas) * self.identities < 4:
                seats.append(seat)
        return seats


def skill_of(persona: str, identity: int, identities: int = NUM_IDENTITIES) -> float:
    """Return the skill of a corpus' n-th individual of a persona: they are spread evenly over [0, 1], in no order."""
    order = list(range(identities))
    random.Random(persona).shuffle(order)
    return round((order[identity % identities] + 0.5) / identities, 3)


def make_corpus(
    out: Path | str,
    hours: float,
    seed: int = 0,
    *,
    levels: str | Sequence[str] = MAP_NAMES,
    personas: str | Sequence[str] = tuple(PERSONAS),
    identities: int = NUM_IDENTITIES,
    rounds: int = NUM_ROUNDS,
    first_identity: int = 0,
    disturbed: float = 0.0,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Path:
    """Record at least `hours` of scripted play, one recording per player and round.

    Args:
        out: The folder of recordings; whole blocks that are there already are kept.
        hours: Of player time: a round of four players that lasts a minute counts four.
        seed: At least 0. The same seed gives the same play.
        levels: Names of the levels, see `level.load_level`.
        personas: Names of the personas.
        identities: Individuals of each persona, each with a skill of its own.
        rounds: Of a match at most, an even number.
        first_identity: Number of the first individual of each persona.
        disturbed: Share of decisions in which hands do something else than their players want, at most 0.5.
        jobs: Processes that play at the same time.
        progress: Called with what is done, player minutes recorded, and player minutes in all.

    Returns:
        `out`.

    Raises:
        GameError: If there is no such level or persona, or a number is out of range.
        RecordingError: If `out` holds another corpus, or cannot be written.
    """
    corpus = Corpus(seed, _names(levels), _names(personas), identities, rounds, first_identity, disturbed)
    if not hours > 0 or jobs < 1:
        raise GameError(f"A corpus needs hours above 0 and at least one job, got {hours} hours and {jobs} jobs.")
    folder = Path(out)
    _claim(folder, corpus)
    ledger = _Ledger(folder, hours * 3600, progress)
    with _pool(jobs) as pool:
        _fill(corpus, folder, ledger, pool, jobs)
    ledger.drop_surplus()
    return folder


def _names(names: str | Sequence[str]) -> tuple[str, ...]:
    """Several names, or one."""
    return (names,) if isinstance(names, str) else tuple(names)


class _Ledger:
    """Which blocks are whole, and how much play they hold."""

    def __init__(self, folder: Path, wanted_s: float, progress: Progress | None) -> None:
        self._folder, self._wanted_s, self._progress = folder, wanted_s, progress
        self.seconds = {_number(path): _seconds(path) for path in folder.glob(f"block-*/{BLOCK_FILE}")}
        self.report()

    def enter(self, number: int, seconds: float) -> None:
        self.seconds[number] = seconds
        self.report()

    def needed(self) -> int:
        """How many blocks from the first on are needed, as far as is known; one more than are whole if too few."""
        total = 0.0
        for number in range(len(self.seconds) + 1):
            if total >= self._wanted_s or number not in self.seconds:
                return number if total >= self._wanted_s else number + 1
            total += self.seconds[number]
        return len(self.seconds)

    def worth_beginning(self, number: int, running: int) -> bool:
        """Whether block `number` will be needed, guessing that those that run are as long as those that are whole."""
        if number < self.needed():
            return True
        known = list(self.seconds.values())
        typical = sum(known) / len(known) if known else 0.0
        return sum(known) + running * typical < self._wanted_s

    def drop_surplus(self) -> None:
        """Remove blocks beyond those that are needed, so that chance in who was first leaves no trace."""
        needed = self.needed()
        for number in [each for each in self.seconds if each >= needed]:
            shutil.rmtree(self._folder / _name(number))
            del self.seconds[number]

    def report(self) -> None:
        if self._progress is not None:
            total = round(self._wanted_s / 60)
            self._progress("Player minutes", min(round(sum(self.seconds.values()) / 60), total), total)


def _fill(corpus: Corpus, folder: Path, ledger: _Ledger, pool: Executor, jobs: int) -> None:
    """Have blocks played until enough are whole."""
    running: dict[Future[float], int] = {}
    upcoming = 0
    while True:
        while len(running) < jobs and ledger.worth_beginning(upcoming, len(running)):
            if upcoming not in ledger.seconds:
                running[pool.submit(_play_block, corpus, folder, upcoming)] = upcoming
            upcoming += 1
        if not running:
            return
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            ledger.enter(running.pop(future), future.result())


def _play_block(corpus: Corpus, folder: Path, number: int) -> float:
    """Play and record a block, and return the seconds of play that it holds."""
    hidden = folder / f".{_name(number)}"
    shutil.rmtree(hidden, ignore_errors=True)
    hidden.mkdir()
    seconds = record_matches(corpus.block(number), hidden)
    (hidden / BLOCK_FILE).write_text(json.dumps({"seconds": seconds}), encoding="utf-8")
    hidden.rename(folder / _name(number))
    return seconds


class _SameProcess(Executor):
    """Plays at once, where it is asked to."""

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(call(*args, **kwargs))
        return future


@contextmanager
def _pool(jobs: int) -> Iterator[Executor]:
    """Processes that are started fresh: nothing of this one's threads is copied. An error stops them."""
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) if jobs > 1 else _SameProcess()
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


def _claim(folder: Path, corpus: Corpus) -> None:
    """Begin a corpus in `folder`, or find that it is the one that was begun there."""
    form = json.loads(json.dumps(asdict(corpus)))
    path = folder / PLAN_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
        if found is None:
            path.write_text(json.dumps(form, indent=1), encoding="utf-8")
    except (OSError, ValueError) as error:
        raise RecordingError(f"The corpus in {folder} can be neither read nor begun: {error}.") from error
    if found is not None and found != form:
        different = ", ".join(name for name in form if found.get(name) != form[name])
        raise RecordingError(f"{folder} holds a corpus of other {different}; use its own, or name another folder.")


def _name(number: int) -> str:
    return f"block-{number:04d}"


def _number(path: Path) -> int:
    return int(path.parent.name.removeprefix("block-"))


def _seconds(path: Path) -> float:
    return float(json.loads(path.read_text(encoding="utf-8"))["seconds"])
