"""The styles of personas that are shown by demonstrations, read before anybody plays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from understudy.errors import PlaytestError, SpecMismatchError
from understudy.playtest.persona import PersonaSpec


def with_styles(personas: Sequence[PersonaSpec], out: Path) -> list[PersonaSpec]:
    """Return the personas as they play: demonstrations become a style file in `out/styles/`.

    Args:
        personas: Of the spec.
        out: The playtest's folder.

    Raises:
        PlaytestError: If a demonstration is of another game or build.
        UnderstudyError: If a bundle or a recording cannot be read.
    """
    home = out.resolve() / "styles"
    return [_with_style(each, home / f"{each.name}.style.json") for each in personas]


def _with_style(persona: PersonaSpec, path: Path) -> PersonaSpec:
    if persona.agent != "bundle" or not persona.demonstrations:
        return persona
    if not path.exists():
        _read_style(persona, path)
    return persona.model_copy(update={"style": str(path), "skill": None, "demonstrations": ()})


def _read_style(persona: PersonaSpec, path: Path) -> None:
    from understudy.agents.bundle import Bundle
    from understudy.agents.styles import StyleFile, StyleReader
    from understudy.recordings import open_recordings

    bundle = Bundle.load(Path(persona.bundle))
    episodes = [each for folder in persona.demonstrations for each in open_recordings(folder)]
    try:
        style = StyleReader(bundle).read(episodes, skill=persona.skill)
    except SpecMismatchError as error:
        builds = sorted({each.provenance.build for each in episodes if each.provenance.build})
        told = f" They were recorded in the build {' and '.join(map(repr, builds))}." if builds else ""
        raise PlaytestError(
            f"The persona '{persona.name}' cannot play as its demonstrations show. {error}{told} Record demonstrations "
            "in a build that has what the bundle reads, or leave them out."
        ) from error
    kept = StyleFile(persona.name, bundle.name, bundle.digest, tuple(style.tolist()), tuple(e.name for e in episodes))
    path.parent.mkdir(parents=True, exist_ok=True)
    kept.save(path)
