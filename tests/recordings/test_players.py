"""Players are people: their names are not stored unless they are meant to be."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from toys import write_episode
from understudy.errors import RecordingError
from understudy.recordings import Episode, hash_player
from understudy.recordings.provenance import KEY_FILE, project_key

NAME = "Ann Example"


def test_a_player_is_hashed_by_default(tmp_path: Path) -> None:
    """The name is nowhere in the file, and the same player gets the same hash in the same folder."""
    first, second = (write_episode(tmp_path, name, steps=2, player=NAME) for name in ("a", "b"))
    other = write_episode(tmp_path, "c", steps=2, player="Ben")
    found = [Episode(path).provenance.player for path in (first, second, other)]
    assert found[0] == found[1] == hash_player(NAME, project_key(tmp_path))
    assert found[2] != found[0]
    assert len(found[0]) == 16
    assert NAME.encode() not in first.read_bytes()


def test_another_folder_gives_another_hash(tmp_path: Path) -> None:
    """Without a folder's key, nobody can tell that two projects know the same player."""
    paths = [write_episode(tmp_path / folder, steps=2, player=NAME) for folder in ("one", "two")]
    assert len({Episode(path).provenance.player for path in paths}) == 2


def test_a_player_is_revealed_on_request(tmp_path: Path) -> None:
    """`reveal_player` stores the name as it is, and makes no key."""
    path = write_episode(tmp_path, steps=2, player=NAME, reveal_player=True)
    assert Episode(path).provenance.player == NAME
    assert not (tmp_path / KEY_FILE).exists()


def test_the_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Whoever has the key can test names against the recordings, so only its owner may read it."""
    project_key(tmp_path)
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "abc", "zz" * 32, "ab" * 31])
def test_a_broken_key_is_refused(tmp_path: Path, text: str) -> None:
    """A key cut short would hash players under a guessable key; it is refused."""
    (tmp_path / KEY_FILE).write_text(text)
    with pytest.raises(RecordingError) as caught:
        project_key(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / KEY_FILE} should hold 64 hexadecimal digits; restore it, or delete it to begin a new key."
    )


def test_writers_that_start_together_share_one_key(tmp_path: Path) -> None:
    """However many recorders start in a new folder at once, all of them hash under the same key."""
    start = threading.Barrier(8)
    keys: list[bytes] = []

    def ask() -> None:
        start.wait()
        keys.append(project_key(tmp_path))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1
