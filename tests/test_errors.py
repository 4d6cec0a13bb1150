"""Errors are one tree, and each says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from understudy import errors
from understudy.errors import MissingExtraError, UnderstudyError, require, suggest


def test_every_error_of_the_module_is_an_understudy_error() -> None:
    """Whoever catches `UnderstudyError` catches all of them."""
    classes = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Exception)]
    assert len(classes) > 8
    assert all(issubclass(each, UnderstudyError) for each in classes)


def test_a_present_package_is_returned() -> None:
    """`require` returns the module itself, however deep it lies."""
    import json.decoder

    assert require("json.decoder", "logs") is json.decoder


def test_a_missing_package_is_answered_with_the_install_command() -> None:
    """A missing extra is one sentence with the command that installs it, and still an ImportError."""
    with pytest.raises(MissingExtraError) as caught:
        require("surely_not_installed.inner", "train")
    assert isinstance(caught.value, ImportError)
    assert str(caught.value) == (
        "This needs the package 'surely_not_installed.inner', which is not installed. "
        "Run: pip install 'understudy[train]'"
    )


def test_what_a_present_package_lacks_is_not_blamed_on_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If an installed package fails over a package of its own, that package's name stays in the error."""
    (tmp_path / "half_installed.py").write_text("import surely_not_installed\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="surely_not_installed") as caught:
        require("half_installed", "logs")
    assert not isinstance(caught.value, UnderstudyError)


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("ray", ["rays", "frame"], " Did you mean 'rays'? Known: 'frame', 'rays'."),
        ("zzz", ["rays", "frame"], " Known: 'frame', 'rays'."),
        ("zzz", [], " Known: none."),
    ],
)
def test_suggestions(name: str, known: list[str], expected: str) -> None:
    """An unknown name is answered with the nearest known one and all of them, in order."""
    assert suggest(name, known) == expected
