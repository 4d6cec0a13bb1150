from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from understudy.envs.skirmish import corpus as corpus_module
from understudy.envs.skirmish.corpus import Corpus, make_corpus, skill_of
from understudy.envs.skirmish.players import PERSONAS
from understudy.envs.skirmish.players.matches import MatchPlan, Seat, record_matches
from understudy.envs.skirmish.players.portrait import MEASURES, portray
from understudy.errors import GameError, RecordingError
from understudy.recordings import Episode, open_recordings

SEATS = (Seat("rusher", 1, 0.4), Seat("support", 2, 0.8), Seat("anchor", 3, 0.6), Seat("novice", 4, 0.2))
PLAN = MatchPlan(7, 1234, "terrace", 2, SEATS)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One block of two matches of two rounds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus_module, "MATCHES_PER_BLOCK", 2)
        return make_corpus(tmp_path_factory.mktemp("corpus") / "logs", 0.01, 3, levels=["foundry"], rounds=2)


def _rows(folder: Path) -> dict[str, np.ndarray]:
    """What was done and seen in each recording."""
    rows = {}
    for path in sorted(folder.rglob("*.arrows")):
        episode = Episode(path)
        behavior = episode.behavior
        parts = [episode.observation(each.name) for each in behavior.sensors]
        parts += [episode.action(each.name) for each in behavior.actions]
        rows[path.name] = np.concatenate([part.reshape(len(part), -1).astype(float) for part in parts], axis=1)
    return rows


def test_individuals_have_fixed_skills_over_the_whole_range() -> None:
    """Ten of each persona, evenly spread."""
    for persona in PERSONAS:
        skills = sorted(skill_of(persona, identity) for identity in range(10))
        assert skills == pytest.approx([0.05 + 0.1 * step for step in range(10)])


def test_matches_are_drawn_from_the_seed() -> None:
    """The same number is the same match; other numbers and seeds are others, and all personas and levels come."""
    corpus = Corpus(seed=1)
    assert corpus.match(5) == Corpus(seed=1).match(5)
    assert corpus.match(5) != corpus.match(6)
    assert corpus.match(5) != Corpus(seed=2).match(5)
    drawn = [corpus.match(number) for number in range(100)]
    assert all(len(set(match.seats)) == 4 for match in drawn)
    assert {seat.persona for match in drawn for seat in match.seats} == set(PERSONAS)
    assert {match.level for match in drawn} == set(corpus.levels)


def test_a_corpus_of_other_individuals_shares_no_player() -> None:
    """Counting from another number on gives nobody that plays in the first corpus, at skills over the whole range."""
    seen, held_out = (
        {(seat.persona, seat.identity, seat.skill) for number in range(200) for seat in corpus.match(number).seats}
        for corpus in (Corpus(), Corpus(identities=4, first_identity=10))
    )
    assert {each[:2] for each in held_out} == {(name, number) for name in PERSONAS for number in range(10, 14)}
    assert not {each[:2] for each in held_out} & {each[:2] for each in seen}
    assert {skill for _, _, skill in held_out} == {0.125, 0.375, 0.625, 0.875}


def test_recordings_say_who_played(small: Path) -> None:
    """Each is whole, of skirmish, with its persona, skill, side, match and round, and the individual's name."""
    episodes = list(open_recordings(small))
    assert len(episodes) == 2 * 2 * 4
    for episode in episodes:
        notes = episode.provenance.notes
        assert episode.complete
        assert episode.provenance.game == "skirmish"
        assert episode.provenance.map == "foundry"
        assert notes["persona"] in PERSONAS
        assert 0 < notes["skill"] < 1
        assert notes["side"] in ("attack", "defend")
        assert isinstance(notes["won"], bool)
        assert re.fullmatch(rf"{notes['persona']}-\d\d", episode.provenance.player)
    # Each round is won by one side.
    assert len({(each.provenance.notes["match"], each.provenance.notes["round"]) for each in episodes}) == 4
    assert len({each.provenance.player for each in episodes}) <= 8


def test_what_is_whole_is_kept(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same command again plays nothing, and what was left half-written is played anew, with the same outcome."""
    monkeypatch.setattr(corpus_module, "MATCHES_PER_BLOCK", 2)
    before = _rows(small)
    times = {path: path.stat().st_mtime_ns for path in small.rglob("*.arrows")}
    make_corpus(small, 0.01, 3, levels=["foundry"], rounds=2)
    assert times == {path: path.stat().st_mtime_ns for path in small.rglob("*.arrows")}
    shutil.move(small / "block-0000", small / ".block-0000")
    make_corpus(small, 0.01, 3, levels=["foundry"], rounds=2)
    after = _rows(small)
    assert before.keys() == after.keys()
    for name, rows in before.items():
        np.testing.assert_array_equal(rows, after[name])
    assert not (small / ".block-0000").exists()


def test_a_portrait_tells_how_each_persona_plays(small: Path) -> None:
    """Every measure, of every persona and skill that played, within what is possible."""
    portrait = portray(small)
    played = {each.provenance.notes["persona"] for each in open_recordings(small)}
    assert set(portrait["persona"]) == played
    for kind in ("persona", "skill"):
        assert sum(row["rounds"] for row in portrait[kind].values()) == 16
        for row in portrait[kind].values():
            assert set(row) == {*MEASURES, "rounds"}
            assert 0 < row["speed"] < 5.1
            assert 0 <= row["walking"] <= 1
            assert 0 <= row["won"] <= 1
    won = sum(row["won"] * row["rounds"] for row in portrait["persona"].values())
    assert won == pytest.approx(8)


def test_progress_is_told(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In player minutes, up to what was asked for."""
    monkeypatch.setattr(corpus_module, "MATCHES_PER_BLOCK", 2)
    told: list[tuple[str, int, int]] = []
    make_corpus(small, 0.05, 3, levels=["foundry"], rounds=2, progress=lambda *each: told.append(each))
    assert told[-1][1:] == (3, 3)


def test_matches_side_by_side_do_not_touch_each_other(tmp_path: Path) -> None:
    """A match is played alike alone and beside another."""
    plans = [PLAN, MatchPlan(8, 99, "foundry", 2, SEATS)]
    record_matches(plans, tmp_path / "together")
    for plan in plans:
        record_matches([plan], tmp_path / "alone")
    together, alone = _rows(tmp_path / "together"), _rows(tmp_path / "alone")
    assert together.keys() == alone.keys()
    for name, rows in together.items():
        np.testing.assert_array_equal(rows, alone[name])


@pytest.mark.slow
def test_processes_share_a_corpus(tmp_path: Path) -> None:
    """Two processes leave the same blocks as one, none too many, and no half-written folder."""
    make_corpus(tmp_path / "one", 0.4, 5, rounds=2)
    make_corpus(tmp_path / "two", 0.4, 5, rounds=2, jobs=2)
    one, two = _rows(tmp_path / "one"), _rows(tmp_path / "two")
    assert one.keys() == two.keys()
    assert all(np.array_equal(rows, two[name]) for name, rows in one.items())
    assert not list((tmp_path / "two").glob(".block*"))


def test_a_folder_holds_one_corpus(small: Path) -> None:
    """Another seed or another choice of levels goes into another folder."""
    with pytest.raises(RecordingError, match="holds a corpus of other seed"):
        make_corpus(small, 0.01, 4, levels=["foundry"], rounds=2)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"hours": 0}, "hours above 0"),
        ({"jobs": 0}, "at least one job"),
        ({"personas": ["rushr"]}, "no persona named 'rushr'"),
        ({"levels": ["foundary"]}, "Did you mean 'foundry'"),
        ({"levels": []}, "at least one level"),
        ({"rounds": 3}, "an even number of rounds"),
        ({"seed": -1}, "a seed of at least 0"),
        ({"first_identity": -1}, "a seed of at least 0"),
        ({"identities": "ten"}, "identities of a corpus should be a whole number"),
    ],
)
def test_what_cannot_be_made_is_refused(tmp_path: Path, wrong: dict, message: str) -> None:
    """In one sentence, before anything is written."""
    with pytest.raises(GameError, match=message):
        make_corpus(tmp_path / "logs", **{"hours": 1.0, **wrong})
    assert not (tmp_path / "logs").exists()


def test_a_damaged_plan_is_said(tmp_path: Path) -> None:
    """A `corpus.json` that is no JSON is no corpus."""
    (tmp_path / "corpus.json").write_text("{", encoding="utf-8")
    with pytest.raises(RecordingError, match="can be neither read nor begun"):
        make_corpus(tmp_path, 1.0)
