"""The game's own spec, as it arrives from outside: parsed with care, then compared with the bundle's."""

from __future__ import annotations

import json
import math
from typing import Any

from understudy.agents.bundle import Bundle
from understudy.errors import SpecError, UnderstudyError
from understudy.spec import BehaviorSpec

MAX_SPEC_BYTES = 1 << 20
MAX_SENSOR_NUMBERS = 1 << 24
"""Of all its sensors and action parts: a gymnasium Box allocates its bounds as soon as it is made."""


def require_playable(bundle: Bundle, spec_json: str) -> None:
    """Raise unless a game with the spec `spec_json` can be played by `bundle`; an empty text is not compared.

    Raises:
        SpecError: If the text is not a spec.
        SpecMismatchError: If it lacks a sensor of the bundle, or has other actions or another rate.
    """
    if spec_json and spec_json != bundle.behavior.to_json():
        offered = parse_spec(spec_json)
        bundle.behavior.require_from(offered, expected=f"the bundle '{bundle.name}'", where="the game")


def parse_spec(text: str) -> BehaviorSpec:
    """Return the spec that a stranger sent; raises `SpecError` if it is none, or is too large to be one."""
    if len(text) > MAX_SPEC_BYTES:
        raise SpecError(f"The game's spec has {len(text)} characters; at most {MAX_SPEC_BYTES} are read.")
    try:
        form = json.loads(text)
        total = 0
        for each in (*form["sensors"], *form["actions"]):
            total = _add_size(total, each["name"], each["space"])
        return BehaviorSpec.from_dict(form)
    except UnderstudyError:
        raise
    except (
        ArithmeticError,
        AssertionError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        # The many ways in which json, numpy and gymnasium refuse a form that is no spec.
        raise SpecError(f"The game's spec is not a behaviour spec: {type(error).__name__}: {error}.") from error


def _add_size(total: int, name: str, space: Any) -> int:
    numbers = math.prod(space.get("shape", ()))
    if numbers < 0 or total + numbers > MAX_SENSOR_NUMBERS:
        raise SpecError(
            f"'{name}' in the game's spec holds {numbers} numbers, after {total} of others; at most "
            f"{MAX_SENSOR_NUMBERS} are allowed together."
        )
    return total + numbers
