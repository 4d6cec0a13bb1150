"""A finding: one bug, everything that is known of it, and the inputs that lead to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from understudy.errors import PlaytestError
from understudy.playtest.findings.rate import Rate
from understudy.playtest.oracles import OracleOptions, OracleSpec, OverRuns, build_oracle
from understudy.playtest.persona import PersonaSpec
from understudy.playtest.report.video import film
from understudy.playtest.run.moment import Sighting, cell_of
from understudy.playtest.run.personas import save_inputs
from understudy.playtest.run.pictures import picture_at
from understudy.playtest.run.trace import Trace
from understudy.playtest.spec import GameSpec, PlaytestSpec, VideoSpec
from understudy.playtest.spec_file import moved
from understudy.recordings.layout import encode_png

FORMAT = 1
FINDING_FILE = "finding.json"
INPUTS_FILE = "inputs.npz"
PICTURE_FILE = "moment.png"
CLIP_FILE = "clip.mp4"
SHRUNK_FILE = "shrunk.npz"
SHRUNK_CLIP_FILE = "shrunk.mp4"
_CLIP_S = 10.0


class Seen(BaseModel):
    """One time that a bug was seen: by whom, with which seed, at which decision."""

    model_config = ConfigDict(frozen=True)

    persona: str
    seed: int
    tick: int


class Shrunk(BaseModel):
    """The shortest inputs found that still show a bug.

    Attributes:
        decisions: How many they are.
        asks: How many of them ask for anything.
        original: How many the run's inputs were.
        tried: Replays that looking for them took.
        complete: Whether nothing more can be left out, as far as the search looks; else its budget was used up.
        replays: How often they were replayed afterwards.
        reproduced: How often the same oracle then saw the bug.
    """

    model_config = ConfigDict(frozen=True)

    decisions: int
    asks: int
    original: int
    tried: int
    complete: bool
    replays: int = 0
    reproduced: int = 0

    @property
    def rate(self) -> Rate:
        """How often they show the bug."""
        return Rate(self.reproduced, self.replays)


class Finding(BaseModel):
    """A bug with its replay, as `finding.json` holds it.

    Attributes:
        id: The kind and a number.
        kind: Of the oracle that saw it.
        message: What is wrong, in a sentence.
        detail: A traceback or the end of what the game printed.
        persona: Who met it; of all who did, the one who took the fewest decisions.
        seed: Of that run.
        tick: The decision at which the oracle was certain.
        seconds: Of game time until then.
        position: Where, in the game's units; None if the game does not say.
        cell: The square cell of that position.
        cell_size: Side of a cell.
        seen: Every time it was seen.
        game: The game.
        oracle: The oracle that saw it, with its options.
        spec_digest: SHA-256 of the spec.
        pictures: Whether the game rendered pictures, so that a replay does the same.
        folder: Where the spec lay; the game's own module is looked for there.
        replays: How often it was replayed.
        reproduced: How often the same oracle then saw it again.
        key: What tells it from other bugs of its kind, where the place does not.
        reach: From how far away it is seen.
        shrunk: Shorter inputs that show it too; None if they were not looked for, or there are none.
    """

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    id: str
    kind: str
    message: str
    detail: str = ""
    persona: PersonaSpec
    seed: int
    tick: int
    seconds: float
    position: tuple[float, ...] | None
    cell: tuple[int, int] | None
    cell_size: float
    seen: tuple[Seen, ...]
    game: GameSpec
    oracle: OracleSpec
    spec_digest: str
    pictures: bool = True
    folder: Path
    replays: int = 0
    reproduced: int = 0
    key: str = ""
    reach: float = 0.0
    shrunk: Shrunk | None = None

    @property
    def rate(self) -> Rate:
        """How often replaying the run's inputs shows the bug."""
        return Rate(self.reproduced, self.replays)

    @property
    def sighting(self) -> Sighting:
        """What the oracle saw."""
        return Sighting(self.kind, self.message, self.tick, self.position, self.detail, self.key, self.reach)

    @property
    def place(self) -> str:
        """Where it is, in words."""
        if self.position is None:
            return f"decision {self.tick}"
        return f"({', '.join(f'{value:.0f}' for value in self.position)}), decision {self.tick}"

    def save(self, folder: Path) -> None:
        """Write `finding.json` into `folder`, which is made if it is not there."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FINDING_FILE).write_text(self.model_dump_json(indent=1, by_alias=True), encoding="utf-8")

    @classmethod
    def load(cls, path: Path, home: Path | None = None) -> Finding:
        """Read a finding from its folder or its `finding.json`.

        Args:
            path: The folder or the file.
            home: Where what lay in the spec's folder is looked for if that is not there; by default the current folder.

        Raises:
            PlaytestError: If it is not there or not a finding.
        """
        path = path / FINDING_FILE if path.is_dir() else path
        try:
            text = path.read_text(encoding="utf-8")
            found = cls.model_validate_json(text)
            if found.folder.is_dir():
                return found
            return cls.model_validate_json(moved(text, found.folder, home or Path.cwd()))
        except OSError as error:
            raise PlaytestError(f"{path} cannot be read; name a folder under OUT/findings of a playtest.") from error
        except (ValidationError, UnicodeDecodeError) as error:
            raise PlaytestError(f"{path} is not a finding of this version; run the playtest again.") from error


def collect(spec: PlaytestSpec, folder: Path, traces: Sequence[Trace]) -> list[tuple[Finding, Trace]]:
    """Return each bug once, with the run that leads to it in the fewest decisions.

    The result depends on the runs alone, not on the order in which they came home.

    Args:
        spec: The playtest's spec.
        folder: Where the spec lies.
        traces: In the order of the spec.
    """
    sightings = [(sighting, trace) for trace in traces for sighting in trace.sightings]
    sightings += [seen for oracle in spec.oracles for seen in concluded(oracle, traces)]
    bugs = group(sightings, spec.coverage.cell)
    counts: dict[str, int] = {each.kind: 0 for each in spec.oracles}
    found = []
    for times in sorted(bugs, key=lambda bug: list(counts).index(bug[0][0].kind)):
        sighting, trace = min(times, key=lambda each: each[0].tick)
        counts[sighting.kind] += 1
        found.append(
            (_finding(spec, folder, f"{sighting.kind}-{counts[sighting.kind]}", times, sighting, trace), trace)
        )
    return found


def concluded(options: OracleOptions, traces: Sequence[Trace]) -> list[tuple[Sighting, Trace]]:
    """Return what an oracle that decides over all runs sees in these, each with the run that shows it best."""
    noted = [each for each in traces if options.kind in each.notes]
    oracle = build_oracle(options) if noted else None
    if not isinstance(oracle, OverRuns):
        return []
    found = oracle.conclude([each.notes[options.kind] for each in noted])
    return [(sighting, noted[index]) for index, sighting in found]


def group(sightings: Iterable[tuple[Sighting, Trace]], cell: float) -> list[list[tuple[Sighting, Trace]]]:
    """Return the sightings bug by bug: each joins the first bug whose first sighting is the same bug as it."""
    bugs: list[list[tuple[Sighting, Trace]]] = []
    for each in sightings:
        home = next((bug for bug in bugs if bug[0][0].same_bug(each[0], cell)), None)
        if home is None:
            bugs.append([each])
        else:
            home.append(each)
    return bugs


def _finding(
    spec: PlaytestSpec,
    folder: Path,
    name: str,
    times: Sequence[tuple[Sighting, Trace]],
    sighting: Sighting,
    trace: Trace,
) -> Finding:
    position = sighting.position
    return Finding(
        id=name,
        kind=sighting.kind,
        message=sighting.message,
        detail=sighting.detail,
        persona=trace.run.persona,
        seed=trace.run.seed,
        tick=sighting.tick,
        seconds=sighting.tick / trace.hz,
        position=position,
        cell=cell_of(position, spec.coverage.cell) if position else None,
        cell_size=spec.coverage.cell,
        seen=tuple(Seen(persona=run.run.persona.name, seed=run.run.seed, tick=seen.tick) for seen, run in times),
        game=spec.game,
        oracle=next(each for each in spec.oracles if each.kind == sighting.kind),
        spec_digest=spec.digest,
        pictures=spec.video.runs > 0,
        folder=folder,
        key=sighting.key,
        reach=sighting.reach,
    )


def keep_evidence(finding: Finding, trace: Trace, folder: Path) -> None:
    """Write the finding and the inputs that lead to it and, if the run has pictures, one of the moment and a video."""
    finding.save(folder)
    if trace.behavior is not None and trace.actions:
        save_inputs(folder / INPUTS_FILE, trace.behavior, trace.actions[: finding.tick + 1])
    picture = picture_at(trace, finding.tick)
    if picture is not None:
        (folder / PICTURE_FILE).write_bytes(encode_png(picture))
    clip = film(trace, VideoSpec(seconds=_CLIP_S), until=finding.tick)
    if clip is not None:
        (folder / CLIP_FILE).write_bytes(clip.mp4)
