from __future__ import annotations

from pathlib import Path

import pytest

from understudy.cli.playtest import playtest_init
from understudy.errors import PlaytestError
from understudy.playtest.spec import StuckSpec, read_spec

GAME = "game: {id: a/B-v0}\n"
MONKEY = "personas: [{name: monkey, agent: random}]\n"

MISTAKES = [
    (
        "game: {id: a/B-v0, arg: {}}\n" + MONKEY,
        "SPEC: 'arg' is not a key of game. Did you mean 'args'? Known: 'args', 'id', 'import'.",
    ),
    (
        GAME + MONKEY + "budgt: {}\n",
        "SPEC: 'budgt' is not a key of a playtest. Did you mean 'budget'? Known: 'budget', 'coverage', 'game', "
        "'notes', 'oracles', 'pass', 'personas', 'video'.",
    ),
    (
        GAME + "personas: [{name: monkey, agent: random, run: 3}]\n",
        "SPEC: 'run' is not a key of personas[0]. Did you mean 'runs'? Known: 'address', 'agent', 'bundle', 'name', "
        "'runs', 'seed'.",
    ),
    (
        GAME + MONKEY + "oracles: [{kind: stuck, distanse: 3}]\n",
        "SPEC: 'distanse' is not a key of oracles[0]. Did you mean 'distance'? Known: 'distance', 'kind', 'parts', "
        "'seconds', 'share'.",
    ),
    (
        GAME + MONKEY + "oracles: [{kind: crush}]\n",
        "SPEC: oracles[0].kind is 'crush', which is no oracle. Did you mean 'crash'? Known: 'crash', 'stuck', "
        "'timeout'.",
    ),
    (
        GAME + MONKEY + "oracles: [{seconds: 3}]\n",
        "SPEC: oracles[0] lacks 'kind'. Known: 'crash', 'stuck', 'timeout'.",
    ),
    (GAME + MONKEY + "oracles: [{kind: crash}, {kind: crash}]\n", "SPEC: the playtest has the oracle 'crash' twice."),
    (MONKEY, "SPEC: the playtest lacks 'game'."),
    (GAME, "SPEC: the playtest lacks 'personas'."),
    (GAME + "personas: []\n", "SPEC: the playtest has no persona; name at least one under 'personas'."),
    (
        GAME + "personas: [{name: monkey, agent: rnadom}]\n",
        "SPEC: personas[0].agent should be 'random', 'scripted', 'bundle' or 'remote', not 'rnadom'.",
    ),
    (
        GAME + "personas: [{name: bot, agent: bundle}]\n",
        "SPEC: personas[0] has the agent 'bundle' but no 'bundle'; name the bundle's folder.",
    ),
    (
        GAME + "personas: [{name: bot, agent: remote}]\n",
        "SPEC: personas[0] has the agent 'remote' but no 'address'; name the server as host:port.",
    ),
    (
        GAME + "personas: [{name: a/b, agent: random}]\n",
        "SPEC: personas[0].name should be letters, digits, '-' and '_', not 'a/b'.",
    ),
    (
        GAME + "personas: [{name: monkey, agent: random, runs: 0}]\n",
        "SPEC: personas[0].runs should be greater than or equal to 1, not 0.",
    ),
    (
        GAME + MONKEY + "pass: {max_findings: {crash: -1}}\n",
        "SPEC: pass.max_findings.crash should be greater than or equal to 0, not -1.",
    ),
    (
        GAME + MONKEY + "pass: {max_findings: {crush: 1}}\n",
        "SPEC: pass.max_findings names 'crush', which is no oracle. Did you mean 'crash'? Known: 'crash', 'stuck', "
        "'timeout'.",
    ),
    (GAME + MONKEY + "budget: 7\n", "SPEC: budget should be a mapping of keys, not 7."),
    ("- a list\n", "SPEC: the playtest should be a mapping of keys, not ['a list']."),
    ("game: {id: [\n", "SPEC, line 2, column 1: not YAML: expected the node content, but found '<stream end>'."),
]


@pytest.mark.parametrize(("text", "message"), MISTAKES, ids=range(len(MISTAKES)))
def test_each_mistake_is_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    """A mistake in a spec is told in one sentence: which file, which key, what was found, what was meant."""
    path = tmp_path / "playtest.yaml"
    path.write_text(text)
    with pytest.raises(PlaytestError) as told:
        read_spec(path)
    assert str(told.value) == message.replace("SPEC", str(path))


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """Two mistakes are two sentences, each on its own line."""
    path = tmp_path / "playtest.yaml"
    path.write_text(GAME + "personas: [{name: monkey, agent: random, run: 3}]\nbudget: {steps: 0}\n")
    with pytest.raises(PlaytestError) as told:
        read_spec(path)
    first, second = str(told.value).split("\n")
    assert "'run' is not a key of personas[0]" in first
    assert second == f"{path}: budget.steps should be greater than or equal to 1, not 0."


def test_a_missing_file_says_how_to_write_one(tmp_path: Path) -> None:
    """A spec that is not there names the command that writes a first one."""
    with pytest.raises(
        PlaytestError, match=r"nowhere\.yaml is not there\. Write a first spec: understudy playtest-init"
    ):
        read_spec(tmp_path / "nowhere.yaml")


def test_a_bundle_is_looked_for_beside_the_spec(tmp_path: Path) -> None:
    """A relative bundle folder is taken from the folder of the spec."""
    path = tmp_path / "playtest.yaml"
    path.write_text(GAME + "personas: [{name: bot, agent: bundle, bundle: bundles/bot}]\n")
    assert read_spec(path).personas[0].bundle == str(tmp_path / "bundles/bot")


def test_the_first_spec_is_valid_and_never_overwrites(tmp_path: Path) -> None:
    """What playtest-init writes can be read, holds the defaults, and a second call refuses to replace it."""
    path = tmp_path / "playtest.yaml"
    playtest_init(path)
    spec = read_spec(path)
    assert spec.game.id == "understudy/Doom-v0"
    assert spec.oracles[1] == StuckSpec()
    with pytest.raises(PlaytestError, match="is there already"):
        playtest_init(path)


def test_the_digest_changes_with_the_spec(tmp_path: Path) -> None:
    """Two specs have one digest exactly if they ask for the same."""
    texts = [GAME + MONKEY, MONKEY + GAME, GAME + MONKEY + "budget: {steps: 7}\n"]
    digests = []
    for text in texts:
        (tmp_path / "playtest.yaml").write_text(text)
        digests.append(read_spec(tmp_path / "playtest.yaml").digest)
    assert digests[0] == digests[1] != digests[2]
