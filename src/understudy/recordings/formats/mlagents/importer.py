"""Imports .demo files, whose facts are in `framing`, `episodes` and `rows`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from understudy.errors import RecordingError, require
from understudy.recordings.formats.guards import head
from understudy.recordings.formats.protocol import ImportOptions, LogDescription, LogEpisode, Settings
from understudy.recordings.formats.stored import stored_provenance
from understudy.recordings.provenance import Provenance
from understudy.spec import Json

if TYPE_CHECKING:
    from understudy.recordings.formats.mlagents import demo_pb2 as pb
    from understudy.recordings.formats.mlagents.behavior import Plan
    from understudy.recordings.formats.mlagents.episodes import Scan, Span
    from understudy.recordings.formats.mlagents.framing import Header


class MlagentsSettings(Settings):
    """What a .demo does not say."""

    decision_hz: float | None = Field(
        None,
        gt=0,
        le=1000,
        description="decisions a second, which the file does not hold; by default 10: Unity's 50 physics steps a "
        "second, and a decision at every fifth",
    )
    actions: Literal["auto", "next", "same"] = Field(
        "auto",
        description="where the action taken on an observation is: with the 'next' one, as Unity's recorder writes it, "
        "or the 'same'; 'auto' takes the same if Understudy wrote the file, or an episode begins with an action",
    )


class MlagentsImporter:
    """Reads what Unity's `DemonstrationRecorder` writes, of the format's versions 0 and 1.

    A sensor is an observation, a picture where it was compressed, named as in the file or `obs_0`, `obs_1`; the parts
    are `continuous` (all numbers, -1 to 1) and `branch_0`, `branch_1` for the discrete branches. Each agent's pairs
    are taken apart into its episodes. Extras: `action_mask` and `group_reward` where there were any.
    """

    name: ClassVar[str] = "mlagents"
    title: ClassVar[str] = "Unity ML-Agents demonstrations (.demo)"
    Settings: ClassVar[type[Settings]] = MlagentsSettings

    def sniff(self, path: Path) -> bool:
        """Whether a file begins with a demonstration's meta data and its agents' parameters."""
        if not path.is_file() or not 2 <= (head(path, 1) or b"\0")[0] <= 32:
            return False
        try:
            from understudy.recordings.formats.mlagents.framing import looks_like_demo
        except ImportError:
            return path.suffix.lower() == ".demo"
        return looks_like_demo(path)

    def describe(self, path: Path, options: ImportOptions) -> LogDescription:
        """Say what the header says; raises `RecordingError` if it is damaged or of another version."""
        header = _header(path)
        meta, hz = header.meta, _decision_hz(options)
        notes = [f"behaviour '{header.brain.brain_name[:80]}', format version {meta.api_version}"]
        if meta.number_steps <= 0:
            notes.append("empty, or its recorder was killed: read as far as it is whole")
        if hz is None and not header.brain.understudy:
            notes.append("the decision rate is not in the file: 10 Hz assumed; set decision_hz if it was another")
        if _actions_come_next(path, header, options):
            notes.append("each action is taken from the decision after, as Unity records it; or set actions to same")
        return LogDescription((path,), None, max(meta.number_steps, 0) or None, tuple(notes))

    def iter_episodes(self, path: Path, options: ImportOptions) -> Iterator[LogEpisode]:
        """Yield the episodes in the order of their ends; raises `RecordingError` if nothing can be read."""
        header = _header(path)
        from understudy.recordings.formats.mlagents.episodes import Scan

        scan = Scan(path, header, salvage=options.salvage)
        plan: Plan | None = None
        come_next = _actions_come_next(path, header, options)
        for index, span in enumerate(scan.spans()):
            plan = plan or _plan(path, header, scan, span, options)
            span.actions_come_next = come_next
            yield _episode(path, index, header, scan, span, plan, options)


def _header(path: Path) -> Header:
    require("google.protobuf", "logs")
    from understudy.recordings.formats.mlagents.framing import read_header

    return read_header(path)


def _decision_hz(options: ImportOptions) -> float | None:
    return options.settings.decision_hz if isinstance(options.settings, MlagentsSettings) else None


def _actions_come_next(path: Path, header: Header, options: ImportOptions) -> bool:
    from understudy.recordings.formats.mlagents.pairing import actions_come_next

    settings = options.settings
    return actions_come_next(path, header, settings.actions if isinstance(settings, MlagentsSettings) else "auto")


def _plan(path: Path, header: Header, scan: Scan, span: Span, options: ImportOptions) -> Plan:
    from understudy.recordings.formats.mlagents.behavior import make_plan
    from understudy.recordings.formats.mlagents.framing import DamageError

    try:
        return make_plan(header.brain, next(scan.pairs(span)).agent_info, _decision_hz(options))
    except DamageError as error:
        raise RecordingError(f"{path} cannot be read: {error}.") from error


def _episode(
    path: Path, index: int, header: Header, scan: Scan, span: Span, plan: Plan, options: ImportOptions
) -> LogEpisode:
    from understudy.recordings.formats.mlagents.names import file_name
    from understudy.recordings.formats.mlagents.pairing import moved_back
    from understudy.recordings.formats.mlagents.rows import extra_spaces, read_rows

    first = next(scan.pairs(span))
    log = LogEpisode(
        f"{file_name(path.stem, 'demo')}-{index:04d}",
        plan.behavior,
        _provenance(header, span, plan, first.understudy, options),
        iter(()),
        num_steps=span.num_steps,
        extras=extra_spaces(plan, span),
        losses=span.losses,
    )
    where = f"{path}, episode {index}"
    pairs = scan.pairs(span)
    log.rows = read_rows(
        moved_back(pairs) if span.actions_come_next else pairs, plan, span, log, where=where, salvage=options.salvage
    )
    return log


def _provenance(
    header: Header, span: Span, plan: Plan, own: pb.UnderstudyStepProto, options: ImportOptions
) -> Provenance:
    from understudy.recordings.formats.mlagents.behavior import team_of

    if plan.exact and (kept := stored_provenance(own.provenance)) is not None:
        return kept
    notes: dict[str, Json] = {"agent": span.agent}
    if (team := team_of(header.brain)) is not None:
        notes["team"] = team
    if span.actions_come_next:
        notes["actions"] = "of the decision after"
    if options.keep_text:
        notes["demonstration"] = header.meta.demonstration_name
    source = f"Unity ML-Agents demonstration, format version {header.meta.api_version}"
    return Provenance(plan.behavior.name, source=source, notes=notes)
