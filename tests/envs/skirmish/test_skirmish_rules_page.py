"""The page of the rules says what the rules are."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path

from understudy.envs.skirmish.behavior import skirmish_behavior
from understudy.envs.skirmish.rules import ARSENAL, WEAPONS

PAGE = (Path(__file__).parents[3] / "docs" / "skirmish" / "rules.md").read_text(encoding="utf-8")


def table(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its first two lines."""
    lines = PAGE.split(f"## {heading}\n")[1].splitlines()
    first = next(index for index, line in enumerate(lines) if line.startswith("|"))
    rows = []
    for line in lines[first + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def test_the_weapons_are_those_of_the_arsenal() -> None:
    """Each row of the table is a field of the weapons, in their order."""
    columns = list(zip(*(row[1:] for row in table("Weapons")), strict=True))

    assert [tuple(map(float, column)) for column in columns] == [
        tuple(map(float, astuple(ARSENAL[name]))) for name in WEAPONS
    ]


def test_the_sensors_are_those_of_the_behavior() -> None:
    """Each is there with its shape and dtype."""
    rows = {row[0].strip("`"): row[1] for row in table("What is sensed")}
    behavior = skirmish_behavior(tuple(rows))

    assert rows == {each.name: f"{each.shape} {each.dtype}" for each in behavior.sensors}
    assert {*skirmish_behavior().sensor_names, "enemies"} == set(rows)
