"""Recipe files: YAML in, a pydantic model out, and what is wrong in one sentence with the key as the file has it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin

import yaml
from pydantic import BaseModel, Tag, ValidationError

from understudy.errors import RecipeError

Model = TypeVar("Model", bound=BaseModel)


def read_recipe(path: Path | str, model: type[Model], example_keys: tuple[str, str]) -> Model:
    """Read a recipe.

    Args:
        path: The YAML file.
        model: What it holds; its parts refuse unknown keys.
        example_keys: Of the file, to name to whoever wrote none.

    Raises:
        RecipeError: In one sentence: the file, the key, what was found, and a suggestion.
    """
    form = read_yaml(Path(path))
    if not isinstance(form, dict):
        first, second = example_keys
        raise RecipeError(f"{path} should hold keys such as '{first}' and '{second}', found {type(form).__name__}.")
    try:
        return model.model_validate(form)
    except ValidationError as error:
        raise RecipeError(f"{path}: {_sentence(model, error)}") from error


def read_yaml(path: Path) -> object:
    """Read a file that should be YAML; raises `RecipeError` if it cannot be read."""
    try:
        return yaml.safe_load(path.read_text())
    except OSError as error:
        raise RecipeError(f"The recipe {path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = getattr(error, "problem_mark", None)
        raise RecipeError(f"{path} is not YAML{f' at line {where.line + 1}' if where else ''}: {error}.") from error


def _sentence(model: type[BaseModel], error: ValidationError) -> str:
    first = error.errors()[0]
    keys, home = _walk(model, first["loc"])
    key = ".".join(keys)
    if first["type"] == "missing":
        return f"the key '{key}' is missing."
    if first["type"] == "value_error" and not key:
        return f"{first['msg'].removeprefix('Value error, ')}."
    if first["type"] != "extra_forbidden":
        return f"'{key}': {first['msg'][0].lower()}{first['msg'][1:]} (found {first['input']!r})."
    known = sorted(field.alias or name for name, field in home.model_fields.items())
    close = difflib.get_close_matches(keys[-1], known, n=1)
    return f"unknown key '{key}'.{f' Did you mean {close[0]!r}?' if close else ''} Known there: {', '.join(known)}."


def _walk(model: type[BaseModel], location: Sequence[str | int]) -> tuple[list[str], type[BaseModel]]:
    """Return the keys that the file has on the way to a location, and the last model on it.

    Where a place may hold one of several models, pydantic's location names which; the file has no such key.
    """
    keys: list[str] = []
    home, here = model, cast(Any, model)
    for step in location:
        members = _members(here)
        if len(members) > 1:
            here = next((each for each in members if _is_called(each, step)), None)
            continue
        keys.append(str(step))
        [here] = members
        home = here if _is_model(here) else home
        here = _below(here, step)
    return keys, home


def _members(annotation: Any) -> list[Any]:
    """The kinds that an annotation allows, without None."""
    if get_origin(annotation) is Annotated:
        return _members(get_args(annotation)[0])
    if get_origin(annotation) not in (Union, UnionType):
        return [annotation]
    kinds = [each for each in get_args(annotation) if each is not NoneType]
    return _members(kinds[0]) if len(kinds) == 1 else kinds


def _is_called(member: Any, tag: str | int) -> bool:
    """Whether a location names a union's member so: by its `Tag`, or by a `Literal` of one of its fields."""
    if any(isinstance(each, Tag) and each.tag == tag for each in getattr(member, "__metadata__", ())):
        return True
    [kind] = _members(member)
    return _is_model(kind) and any(tag in get_args(each.annotation) for each in kind.model_fields.values())


def _below(kind: Any, key: str | int) -> Any:
    """The annotation of what lies at a key of a model, a mapping or a sequence; None where there is none."""
    if _is_model(kind):
        fields = kind.model_fields.items()
        return next((field.annotation for name, field in fields if key in (name, field.alias)), None)
    return next((each for each in reversed(get_args(kind)) if each is not ...), None)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
