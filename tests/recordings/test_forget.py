"""A player who asks to be forgotten is, in recordings, edited recordings and caches; nothing else is touched."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from toys import TOY, write_episode
from understudy.errors import RecordingError
from understudy.recordings import Cache, Episode, open_recordings, privacy
from understudy.recordings.privacy import find_player, forget_player
from understudy.recordings.surgery import Anonymise, Mask, Plan, Split, Trim, apply_plan

TINY = {
    "name": "tiny",
    "sensors": {"rays": {"encoder": "vector", "widths": [8]}},
    "bins": {"turn": {"bins": [-10, -3, 0, 3, 10]}},
    "policy": {"hidden": 8, "memory": 4},
    "split": {"tail": 0.3},
    "loop": {"updates": 2, "batch": 2, "window": 8, "segment": 16, "threads": 1},
}


def snapshot(folder: Path) -> dict[str, str]:
    """The digest of every file below a folder, by its path in it."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def names(paths: tuple[Path, ...], folder: Path) -> list[str]:
    """Paths as seen from a folder."""
    return [str(path.relative_to(folder)) for path in paths]


@pytest.fixture
def estate(tmp_path: Path, toy_logs: Path) -> Path:
    """Logs of Ann (two episodes) and Ben, caches of all and of Ben alone, an edited copy, and cards of bundles."""
    everyone = open_recordings(toy_logs)
    Cache.build(everyone, tmp_path / "runs" / "cache", sensors=("rays",))
    Cache.build([everyone[1]], tmp_path / "runs" / "cache", sensors=("rays",))
    apply_plan(Plan(operations=(Split(every=30), Anonymise())), everyone, tmp_path / "edited")
    apply_plan(Plan(operations=(Mask(sensors=("frame",)),)), open_recordings(tmp_path / "edited"), tmp_path / "twice")
    for name, used in (("of-all", everyone), ("of-ben", everyone[1:2])):
        card = {"provenance": {"recordings": [{"name": each.name, "digest": each.digest} for each in used]}}
        (tmp_path / "bundles" / name).mkdir(parents=True)
        (tmp_path / "bundles" / name / "bundle.json").write_text(json.dumps(card))
    return tmp_path


@pytest.mark.parametrize("in_clear", [True, False])
def test_a_player_is_forgotten_and_nobody_else(estate: Path, in_clear: bool) -> None:
    """By name or by hash, all that is of Ann goes, edited and anonymised copies too, and every other file stays."""
    logs, before = estate / "logs", snapshot(estate)
    player = "ann" if in_clear else Episode(logs / "episode-0.arrows").provenance.player
    traces = find_player(player, logs, [estate])
    assert snapshot(estate) == before
    assert names(traces.recordings, logs) == ["episode-0.arrows", "episode-2.arrows"]
    pieces = ["episode-0.001.arrows", "episode-0.002.arrows"] + [f"episode-2.00{n}.arrows" for n in (1, 2, 3)]
    assert names(traces.derived, estate) == [f"{folder}/{piece}" for folder in ("edited", "twice") for piece in pieces]
    assert len(traces.caches) == 1
    assert names(traces.bundles, estate) == ["bundles/of-all"]
    removed = forget_player(logs, traces)
    assert removed == traces.removable
    cache = str(traces.caches[0].relative_to(estate))
    gone = {*names(traces.recordings + traces.derived, estate)}
    left = {path: digest for path, digest in before.items() if path not in gone and not path.startswith(cache)}
    assert snapshot(estate) == left
    assert {each.provenance.player for each in open_recordings(logs)} == {
        Episode(logs / "episode-1.arrows").provenance.player
    }
    with pytest.raises(RecordingError, match=f"No recording in .* is by '{player}'"):
        find_player(player, logs, [estate])


@pytest.mark.parametrize("stopped_at", range(0, 14, 2))
def test_an_interrupted_forget_is_finished_by_the_next(
    estate: Path, monkeypatch: pytest.MonkeyPatch, stopped_at: int
) -> None:
    """Stopped before any removal, the same call again finds and removes the rest, and lists the same bundles."""
    logs, count, remove = estate / "logs", 0, privacy._remove
    traces = find_player("ann", logs, [estate])

    def failing(path: Path) -> None:
        nonlocal count
        count += 1
        if count > stopped_at:
            raise KeyboardInterrupt
        remove(path)

    monkeypatch.setattr(privacy, "_remove", failing)
    if stopped_at < len(traces.removable):
        with pytest.raises(KeyboardInterrupt):
            forget_player(logs, traces)
    monkeypatch.undo()
    again = find_player("ann", logs, [estate])
    assert (again.recordings, again.bundles, again.runs) == (traces.recordings, traces.bundles, traces.runs)
    removed = forget_player(logs, again)
    assert set(removed) == set(traces.removable[min(stopped_at, len(traces.removable)) :])
    assert not any(path.exists() for path in traces.removable)
    assert not list(logs.glob(".forgetting*"))


def test_what_cannot_be_removed_is_named_and_comes_first_again(estate: Path) -> None:
    """A recording replaced by a folder cannot be removed as one; others of the player are then gone or still listed."""
    logs = estate / "logs"
    traces = find_player("ann", logs)
    traces.recordings[0].unlink()
    assert forget_player(logs, traces) == traces.recordings[1:]
    assert [each.name for each in open_recordings(logs)] == ["episode-1"]


def test_a_half_removed_or_unfinished_cache_goes_too(estate: Path) -> None:
    """Rows in a cache that was never finished, or begun to be removed, are nobody's to keep."""
    logs = estate / "logs"
    (cache,) = find_player("ann", logs, [estate / "runs"]).caches
    cache.rename(cache.with_name(f"{cache.name}.part"))
    (unfinished,) = find_player("ann", logs, [estate / "runs"]).caches
    assert unfinished.name == f"{cache.name}.part"
    forget_player(logs, find_player("ann", logs, [estate / "runs"]))
    assert not unfinished.exists()


def test_another_recording_of_the_same_name_is_left_alone(estate: Path) -> None:
    """A cache of other recordings stays though their names are the same, and a bundle of them is listed apart."""
    other = estate / "elsewhere"
    write_episode(other / "logs", "episode-0", steps=60, seed=9, player="cleo")
    cache = Cache.build(open_recordings(other / "logs"), other / "cache", sensors=("rays",))
    card = {"provenance": {"recordings": [{"name": "episode-0", "digest": "0" * 64}]}}
    (other / "bundle").mkdir()
    (other / "bundle" / "bundle.json").write_text(json.dumps(card))
    traces = find_player("ann", estate / "logs", [other])
    assert traces.caches == traces.bundles == ()
    assert names(traces.perhaps_bundles, other) == ["bundle"]
    forget_player(estate / "logs", traces)
    assert cache.folder.exists()


def test_files_that_are_not_ours_are_no_harm(estate: Path) -> None:
    """Other programs' index.json and bundle.json, in whatever form, are read past."""
    for number, text in enumerate(
        ("[]", "{", "null", '{"spans": 3}', '{"spans": [1, {"player": 5}]}', '{"provenance": []}')
    ):
        folder = estate / "other" / str(number)
        folder.mkdir(parents=True)
        for name in ("index.json", "bundle.json"):
            (folder / name).write_text(text)
    assert len(find_player("ann", estate / "logs", [estate]).caches) == 1


def test_a_damaged_recording_is_told_and_left(estate: Path) -> None:
    """What cannot be read may be anyone's: it is listed, and not removed."""
    broken = estate / "logs" / "broken.arrows"
    broken.write_bytes(b"not a recording")
    traces = find_player("ann", estate / "logs")
    assert traces.unreadable == (broken,)
    forget_player(estate / "logs", traces)
    assert broken.exists()


def test_a_journal_leads_nowhere_else(estate: Path) -> None:
    """A journal that came with somebody's logs cannot have other files removed."""
    logs = estate / "logs"
    outside = estate / "precious.arrows"
    outside.write_text("precious")
    inside = logs / "notes.txt"
    inside.write_text("notes")
    player = Episode(logs / "episode-0.arrows").provenance.player
    paths = [str(outside), str(inside), str(logs / ".." / "precious.arrows")]
    lists = ("recordings", "derived", "caches", "bundles", "perhaps_bundles", "runs", "unreadable")
    form = {"players": [player], **dict.fromkeys(lists, paths)}
    privacy._journal(logs, player).write_text(json.dumps(form))
    forget_player(logs, find_player("ann", logs))
    assert outside.exists()
    assert inside.exists()


def test_not_found_says_what_to_do(toy_logs: Path) -> None:
    """Without the key a name cannot be found, and the sentence says so; the hash still can."""
    player = Episode(toy_logs / "episode-0.arrows").provenance.player
    (toy_logs / "player.key").unlink()
    with pytest.raises(RecordingError, match=r"put player\.key back into .* or give the hash"):
        find_player("ann", toy_logs)
    assert len(find_player(player, toy_logs).recordings) == 2


def test_nobody_is_not_forgotten(tmp_path: Path) -> None:
    """An empty name means no player, and does not take recordings without one for theirs."""
    write_episode(tmp_path / "logs", steps=3)
    with pytest.raises(RecordingError, match="Name the player to forget"):
        find_player("", tmp_path / "logs")


def test_a_trained_bundle_is_listed(tmp_path: Path, toy_logs: Path) -> None:
    """A bundle that was really trained, and its run and cache, are found; they are listed and the cache is removed."""
    pytest.importorskip("torch", reason="the package 'torch' is not installed")
    from understudy.training.export import export_run
    from understudy.training.loop import train
    from understudy.training.recipe import Recipe

    recordings = open_recordings(toy_logs)
    train(Recipe.model_validate(TINY), recordings, tmp_path / "runs" / "tiny")
    export_run(tmp_path / "runs" / "tiny", recordings, tmp_path / "bundles" / "tiny")
    traces = find_player("ben", toy_logs, [tmp_path])
    assert names(traces.bundles, tmp_path) == ["bundles/tiny"]
    assert names(traces.runs, tmp_path) == ["runs/tiny"]
    assert [path.parent for path in traces.caches] == [tmp_path / "runs" / "cache"]
    forget_player(toy_logs, traces)
    assert traces.bundles[0].exists()
    assert traces.runs[0].exists()


def test_a_trimmed_recording_is_found_by_name_through_its_own_folder(tmp_path: Path, toy_logs: Path) -> None:
    """Surgery takes the key along, so a player is found by name in what was edited though the logs are gone."""
    apply_plan(Plan(operations=(Trim(keep=((0, 5),)),)), open_recordings(toy_logs), tmp_path / "out")
    assert (tmp_path / "out" / "player.key").stat().st_mode & 0o777 == 0o600
    assert len(find_player("ann", tmp_path / "out").recordings) == 2
    assert open_recordings(tmp_path / "out").behavior == TOY
