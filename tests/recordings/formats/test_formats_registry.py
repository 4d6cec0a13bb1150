"""Formats are found through entry points: ours, and those of installed packages."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points

import pytest

from understudy.errors import RecordingError
from understudy.recordings.formats import Exporter, Importer, exporters, importers
from understudy.recordings.formats.registry import exporter, importer, read_settings


def test_every_format_that_is_declared_is_there() -> None:
    """Each entry point of the package loads, under its own name, and is what it says it is."""
    for group, found, kind in (("importers", importers(), Importer), ("exporters", exporters(), Exporter)):
        declared = {point.name for point in entry_points(group=f"understudy.{group}")}
        assert set(found) == declared
        for name, each in found.items():
            assert isinstance(each, kind), name
            assert each.name == name
            assert each.title


def test_every_setting_is_described() -> None:
    """`understudy logs formats` has a sentence for each setting, and each can be left out."""
    for each in (*importers().values(), *exporters().values()):
        each.Settings()
        for key, field in each.Settings.model_fields.items():
            assert field.description, f"{each.name}: {key}"


def test_an_exporter_says_what_comes_back_by_known_aspects() -> None:
    """`keeps` names each aspect of the matrix, and no other."""
    from understudy.recordings.formats import ASPECTS

    for each in exporters().values():
        assert set(each.keeps) == set(ASPECTS), each.name


def test_a_format_of_an_installed_package_is_found(install: Callable[..., None]) -> None:
    """Whoever installs a package with an entry point has its format, in the order of the names."""
    install(importers={"toylog": "toy_format:ToyImporter"}, exporters={"toylog": "toy_format:ToyExporter"})

    assert importer("toylog").title == "Toy logs (.toylog)"
    assert exporter("toylog").name == "toylog"
    assert list(importers()) == sorted(importers())


def test_an_unknown_format_is_refused_with_a_near_name(install: Callable[..., None]) -> None:
    """A wrong name gives the right one."""
    install(importers={"toylog": "toy_format:ToyImporter"}, exporters={"toylog": "toy_format:ToyExporter"})

    with pytest.raises(RecordingError, match=r"There is no importer 'tylog'\. Did you mean 'toylog'\? Known: "):
        importer("tylog")
    with pytest.raises(RecordingError, match=r"There is no exporter 'toylok'\. Did you mean 'toylog'\? Known: "):
        exporter("toylok")


@pytest.mark.parametrize(
    ("value", "why"), [("no_such_module:Importer", "No module named 'no_such_module'"), ("json:Importer", "Importer")]
)
def test_a_package_whose_format_does_not_load_is_named(install: Callable[..., None], value: str, why: str) -> None:
    """The sentence says whose format it is, and why it does not load."""
    install("brokenformat", importers={"broken": value})

    with pytest.raises(RecordingError, match=rf"The format 'broken' of the package 'brokenformat' cannot be .*{why}"):
        importers()


def test_two_packages_may_not_bring_the_same_format(install: Callable[..., None]) -> None:
    """Which one reads a log must not depend on the order of a path."""
    install("one", importers={"toylog": "toy_format:ToyImporter"})
    install("two", importers={"toylog": "toy_format:ToyImporter"})

    with pytest.raises(RecordingError, match=r"'(one|two)' and the package '(one|two)' both bring a format .*'toylog'"):
        importers()


def test_settings_are_read_from_words() -> None:
    """`KEY=VALUE` becomes the field's type, and what is not given has its default."""
    from toy_format import ToyImporter, ToySettings

    assert read_settings(ToyImporter(), {"scale": "2.5"}) == ToySettings(scale=2.5)
    assert read_settings(ToyImporter(), {}) == ToySettings()
