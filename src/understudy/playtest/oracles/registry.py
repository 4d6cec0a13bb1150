"""The kinds of oracles that a spec may name: ours, and those of installed packages as entry points.

A package brings an oracle by an entry point of the group `understudy.oracles`, named by its kind: a class with a class
`Options`, derived from `OracleOptions`, that is made with its options and has the methods of `Oracle`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated, Any, TypeAlias

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, SerializeAsAny
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from understudy.errors import PlaytestError, suggest
from understudy.playtest.oracles.bounds import OutOfBounds
from understudy.playtest.oracles.cost import FrameTime, Memory
from understudy.playtest.oracles.endings import Crash, Timeout
from understudy.playtest.oracles.falling import Falling
from understudy.playtest.oracles.faults import Nan
from understudy.playtest.oracles.goals import UnreachableGoal
from understudy.playtest.oracles.invariant import Invariant
from understudy.playtest.oracles.log import LogPattern
from understudy.playtest.oracles.oracle import Oracle, OracleOptions
from understudy.playtest.oracles.picture import PictureFault
from understudy.playtest.oracles.soft_lock import SoftLock
from understudy.playtest.oracles.stuck import Stuck

GROUP = "understudy.oracles"

BUILT_IN: Mapping[str, type[Any]] = {
    each.kind: each
    for each in (
        Crash,
        Stuck,
        Timeout,
        OutOfBounds,
        Falling,
        SoftLock,
        UnreachableGoal,
        FrameTime,
        Memory,
        Nan,
        PictureFault,
        LogPattern,
        Invariant,
    )
}


def oracle_kinds() -> tuple[str, ...]:
    """Return every kind of oracle that a spec may name: ours, and those of installed packages."""
    return (*BUILT_IN, *(each.name for each in entry_points(group=GROUP) if each.name not in BUILT_IN))


def oracle_class(kind: str) -> type[Any]:
    """Return the class of a known kind of oracle: ours, or an installed package's.

    Raises:
        PlaytestError: If a package's cannot be imported, or has no `Options` derived from `OracleOptions`.
    """
    if kind in BUILT_IN:
        return BUILT_IN[kind]
    (entry,) = entry_points(group=GROUP, name=kind)
    try:
        found = entry.load()
    except Exception as error:
        raise PlaytestError(f"{_named(entry)} cannot be imported: {type(error).__name__}: {error}") from error
    options = getattr(found, "Options", None)
    if not (isinstance(options, type) and issubclass(options, OracleOptions)):
        raise PlaytestError(
            f"{_named(entry)} needs a class 'Options' derived from understudy.playtest.oracles.OracleOptions."
        )
    return found


def build_oracle(options: OracleOptions) -> Oracle:
    """Return the oracle that these options describe.

    Raises:
        PlaytestError: If the user's part of it cannot be imported or read.
    """
    oracle: Oracle = oracle_class(options.kind)(options)
    return oracle


def _named(entry: EntryPoint) -> str:
    return f"The oracle '{entry.name}' ({entry.value})"


class _ByKind:
    """Validates options by the class that their `kind` names, so that packages can bring their own."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_wrap_validator_function(
            lambda value, _: _validated(value),
            handler(source),
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda options: options.model_dump(mode="json", by_alias=True)
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [handler(each.Options.__pydantic_core_schema__) for each in BUILT_IN.values()]}


def _validated(value: object) -> OracleOptions:
    if isinstance(value, OracleOptions):
        return value
    if not isinstance(value, dict):
        raise PydanticCustomError("model_type", "should be a mapping of keys")
    kind, known = value.get("kind"), oracle_kinds()
    if kind is None:
        raise PydanticCustomError("lacks", "lacks 'kind'.{hint}", {"hint": suggest("", known)})
    if kind not in known:
        hint = suggest(str(kind), known)
        raise PydanticCustomError(
            "lacks", "has the kind '{kind}', which is no oracle.{hint}", {"kind": kind, "hint": hint}
        )
    options: OracleOptions = oracle_class(kind).Options.model_validate(value)
    return options


OracleSpec: TypeAlias = Annotated[SerializeAsAny[OracleOptions], _ByKind]
