"""What tells one place or state from another: a key for each decision."""

from __future__ import annotations

import importlib
import importlib.util
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from typing import Any, Protocol, TypeAlias

from understudy.errors import PlaytestError, suggest
from understudy.playtest.coverage.navmesh import Navmesh
from understudy.playtest.coverage.options import CoverageSpec
from understudy.playtest.run.moment import Number, Position, cell_of

Key: TypeAlias = "tuple[int | str, ...]"
Info: TypeAlias = "Mapping[str, Number]"


class Measure(Protocol):
    """Gives each decision its key.

    Attributes:
        noun: What is counted, in the singular.
    """

    noun: str

    def key(self, position: Position | None, info: Info) -> Key | None:
        """Return the key of a decision, None if it has none; raises `PlaytestError` if that cannot be told."""
        ...

    def area(self, keys: Collection[Key]) -> float | None:
        """Return the area of these keys on the plan, in square units; None if they have none."""
        ...


class Cells:
    """Squares of the plan, or cubes, of side `side`."""

    noun = "cell"

    def __init__(self, side: float, dimensions: int = 2) -> None:
        self.side, self.dimensions = side, dimensions

    def key(self, position: Position | None, info: Info) -> Key | None:  # noqa: ARG002
        """Return the cell's column, row and, in 3-D, level."""
        if position is None:
            return None
        if self.dimensions == 2:
            return cell_of(position, self.side)
        if len(position) < 3:
            raise PlaytestError(
                "Coverage has 'dimensions: 3', but the game's info['position'] has two numbers; use 2, or report three."
            )
        return *cell_of(position, self.side), math.floor(position[2] / self.side)

    def area(self, keys: Collection[Key]) -> float:
        """Return the area of the squares that the cells stand on."""
        return len({each[:2] for each in keys}) * self.side**2


class Polygons:
    """Polygons of a navigation mesh, by their number."""

    noun = "polygon"

    def __init__(self) -> None:
        self.mesh: Navmesh | None = None

    def key(self, position: Position | None, info: Info) -> Key | None:  # noqa: ARG002
        """Return the number of the polygon under the player; None beside the mesh."""
        if self.mesh is None:
            raise PlaytestError(
                "Coverage has the kind 'navmesh' but the game has no navmesh(); give the environment one that returns "
                "its polygons as arrays, or use the kind 'cells'."
            )
        index = self.mesh.locate(position) if position is not None else None
        return None if index is None else (index,)

    def area(self, keys: Collection[Key]) -> float:
        """Return the area of the polygons."""
        mesh = self.mesh
        return sum(mesh.areas[int(each[0])] for each in keys) if mesh else 0.0


class States:
    """Values of a user's key."""

    noun = "state"

    def __init__(self, key: Callable[[Info], Any]) -> None:
        self._key = key

    def key(self, position: Position | None, info: Info) -> Key | None:  # noqa: ARG002
        """Return what the user's key says, as a tuple of whole numbers and words."""
        value = self._key(info)
        if value is None:
            return None
        return tuple(_plain(each) for each in (value if isinstance(value, (tuple, list)) else (value,)))

    def area(self, keys: Collection[Key]) -> None:  # noqa: ARG002
        """States have no area."""
        return


def open_measure(options: CoverageSpec) -> Measure:
    """Return the measure that a spec asks for.

    Raises:
        PlaytestError: If the key's function cannot be imported.
    """
    if options.kind == "navmesh":
        return Polygons()
    if options.key is None:
        return Cells(options.cell, options.dimensions)
    if isinstance(options.key, str):
        return States(_told(load_function(options.key), options.key))
    return States(_binned(options.key))


def load_function(name: str) -> Callable[..., Any]:
    """Return the function that `module:function` or `path/module.py:function` names.

    Raises:
        PlaytestError: If it cannot be imported, or has no such function.
    """
    home, _, attribute = name.rpartition(":")
    try:
        module = _import(home)
    except Exception as error:
        raise PlaytestError(f"'{name}' cannot be imported: {type(error).__name__}: {error}") from error
    function = getattr(module, attribute, None)
    if not callable(function):
        raise PlaytestError(f"{home} has no function '{attribute}'.{suggest(attribute, vars(module))}")
    return function


@cache
def _import(home: str) -> Any:
    """A module by its name, or by its file: the files of two specs may be called the same."""
    spec = importlib.util.spec_from_file_location(home, home) if home.endswith(".py") else None
    if spec is None or spec.loader is None:
        return importlib.import_module(home)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _told(function: Callable[[Info], Any], name: str) -> Callable[[Info], Any]:
    def key(info: Info) -> Any:
        try:
            return function(info)
        except Exception as error:
            raise PlaytestError(f"The coverage key '{name}' failed: {type(error).__name__}: {error}") from error

    return key


def _binned(bins: Mapping[str, float]) -> Callable[[Info], Sequence[int]]:
    def key(info: Info) -> Sequence[int]:
        missing = next((name for name in bins if name not in info), None)
        if missing is not None:
            hint = suggest(missing, info)
            raise PlaytestError(f"The game's info has no number '{missing}' to count states by.{hint}")
        return tuple(math.floor(value / width) for name, width in bins.items() for value in _numbers(info[name]))

    return key


def _numbers(value: Number) -> Sequence[float]:
    return value if isinstance(value, list) else (value,)


def _plain(value: Any) -> int | str:
    """Whole numbers stay numbers; everything else is told apart by its words."""
    if isinstance(value, (int, str)):
        return value
    return int(value) if hasattr(value, "__index__") else str(value)
