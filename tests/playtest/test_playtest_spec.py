from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from understudy.cli.playtest import init
from understudy.errors import PlaytestError
from understudy.playtest.oracles.registry import oracle_kinds
from understudy.playtest.oracles.stuck import StuckSpec
from understudy.playtest.schema import SCHEMA_FILE, spec_schema
from understudy.playtest.spec_file import read_spec

GAME = "game: {id: a/B-v0}\n"
MONKEY = "personas: [{name: monkey, agent: random}]\n"
KINDS = ", ".join(repr(each) for each in sorted(oracle_kinds()))

MISTAKES = [
    (
        "game: {id: a/B-v0, arg: {}}\n" + MONKEY,
        "SPEC: 'arg' is not a key of game. Did you mean 'args'? Known: 'args', 'build', 'id', 'import'.",
    ),
    (
        GAME + MONKEY + "budgt: {}\n",
        "SPEC: 'budgt' is not a key of a playtest. Did you mean 'budget'? Known: 'budget', 'coverage', 'game', "
        "'notes', 'oracles', 'pass', 'personas', 'replay', 'video'.",
    ),
    (
        GAME + "personas: [{name: monkey, agent: random, run: 3}]\n",
        "SPEC: 'run' is not a key of personas[0]. Did you mean 'runs'? Known: 'address', 'agent', 'bundle', "
        "'demonstrations', 'detector', 'inspect', 'name', 'runs', 'seed', 'skill', 'sliders', 'style'.",
    ),
    (
        GAME + MONKEY + "oracles: [{kind: stuck, distanse: 3}]\n",
        "SPEC: 'distanse' is not a key of oracles[0]. Did you mean 'distance'? Known: 'distance', 'kind', 'parts', "
        "'seconds', 'share'.",
    ),
    (
        GAME + MONKEY + "oracles: [{kind: crush}]\n",
        f"SPEC: oracles[0] has the kind 'crush', which is no oracle. Did you mean 'crash'? Known: {KINDS}.",
    ),
    (
        GAME + MONKEY + "oracles: [{seconds: 3}]\n",
        f"SPEC: oracles[0] lacks 'kind'. Known: {KINDS}.",
    ),
    (GAME + MONKEY + "oracles: [{kind: crash}, {kind: crash}]\n", "SPEC: the playtest has the oracle 'crash' twice."),
    (MONKEY, "SPEC: the playtest lacks 'game'."),
    (GAME, "SPEC: the playtest lacks 'personas'."),
    (GAME + "personas: []\n", "SPEC: the playtest has no persona; name at least one under 'personas'."),
    (
        GAME + "personas: [{name: monkey, agent: rnadom}]\n",
        "SPEC: personas[0].agent should be 'random', 'sticky', 'scripted', 'retrieval', 'bundle', 'remote', "
        "'go_explore' or 'navmesh', not 'rnadom'.",
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
        f"SPEC: pass.max_findings names 'crush', which is no oracle. Did you mean 'crash'? Known: {KINDS}.",
    ),
    (
        GAME + MONKEY + "pass: {personas: {monky: {min_coverage: 3}}}\n",
        "SPEC: the playtest has criteria for 'monky', which is no persona. Did you mean 'monkey'? Known: 'monkey'.",
    ),
    (
        GAME + MONKEY + "budget: {plateau: {percent: 2}}\n",
        "SPEC: budget.plateau needs 'runs' or 'steps': how many of them may find nothing new.",
    ),
    (
        GAME + MONKEY + "budget: {plateau: {run: 2}}\n",
        "SPEC: 'run' is not a key of budget.plateau. Did you mean 'runs'? Known: 'percent', 'runs', 'steps'.",
    ),
    (
        GAME + "personas: [{name: monkey, agent: random, style: rusher}]\n",
        "SPEC: personas[0] has a style, but the agent 'random' has none to choose.",
    ),
    (
        GAME + "personas: [{name: bot, agent: remote, address: 'a:1', demonstrations: [demos]}]\n",
        "SPEC: personas[0] has a style from files, which needs the agent 'bundle'.",
    ),
    (
        GAME + "personas: [{name: bot, agent: bundle, bundle: b, style: rusher, demonstrations: [demos]}]\n",
        "SPEC: personas[0] has demonstrations and a style; leave one of them out.",
    ),
    (
        GAME + "personas: [{name: bot, agent: bundle, bundle: b, style: a.style.json, skill: 0.5}]\n",
        "SPEC: personas[0] has a style file and sliders or a skill; leave one of them out.",
    ),
    (
        GAME + "personas: [{name: bot, agent: bundle, bundle: b, skill: 2}]\n",
        "SPEC: personas[0].skill should be less than or equal to 1, not 2.",
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
        PlaytestError, match=r"nowhere\.yaml is not there\. Write a first spec: understudy playtest init"
    ):
        read_spec(tmp_path / "nowhere.yaml")


def test_a_bundle_is_looked_for_beside_the_spec(tmp_path: Path) -> None:
    """A relative bundle folder is taken from the folder of the spec."""
    path = tmp_path / "playtest.yaml"
    path.write_text(GAME + "personas: [{name: bot, agent: bundle, bundle: bundles/bot}]\n")
    assert read_spec(path).personas[0].bundle == str(tmp_path / "bundles/bot")


def test_the_first_spec_is_valid_and_never_overwrites(tmp_path: Path) -> None:
    """What init writes can be read, holds the defaults, and a second call refuses to replace it."""
    path = tmp_path / "playtest.yaml"
    init(spec=path)
    spec = read_spec(path)
    assert spec.game.id == "understudy/Doom-v0"
    assert spec.oracles[1] == StuckSpec()
    with pytest.raises(PlaytestError, match="is there already"):
        init(spec=path)


def test_a_first_spec_is_written_for_the_game_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a gymnasium id, init writes playtest.yaml for that game; given a file, it writes that file."""
    monkeypatch.chdir(tmp_path)
    init("CartPole-v1")
    assert read_spec(Path("playtest.yaml")).game.id == "CartPole-v1"
    init("level.yaml")
    assert read_spec(Path("level.yaml")).game.id == "understudy/Doom-v0"
    with pytest.raises(PlaytestError, match="'CartPole' is neither a game's id, such as CartPole-v1, nor a file"):
        init("CartPole")


def test_the_digest_changes_with_the_spec(tmp_path: Path) -> None:
    """Two specs have one digest exactly if they ask for the same."""
    texts = [GAME + MONKEY, MONKEY + GAME, GAME + MONKEY + "budget: {steps: 7}\n"]
    digests = []
    for text in texts:
        (tmp_path / "playtest.yaml").write_text(text)
        digests.append(read_spec(tmp_path / "playtest.yaml").digest)
    assert digests[0] == digests[1] != digests[2]


def test_the_schema_knows_what_the_spec_knows() -> None:
    """The exported schema takes every spec that comes with the package, and marks a typo."""
    jsonschema = pytest.importorskip("jsonschema")
    root = Path(__file__).parents[2]
    known = jsonschema.Draft202012Validator(spec_schema())
    specs = [*root.glob("examples/*/playtest*.yaml"), *root.glob("src/understudy/playtest/templates/*.yaml")]
    assert len(specs) >= 3
    for each in specs:
        form = yaml.safe_load(each.read_text())
        assert not [error.message for error in known.iter_errors(form)], each
        assert not known.is_valid({**form, "budgt": {}})


def test_the_schema_explains_every_key() -> None:
    """An editor can show for each key what its docstring says."""
    schema = spec_schema()
    assert schema["$defs"]["BudgetSpec"]["properties"]["retries"]["description"].startswith("How often a run is played")
    for name in ("BudgetSpec", "GameSpec", "PersonaSpec", "PlateauSpec", "PassSpec", "CoverageSpec", "VideoSpec"):
        undescribed = [key for key, form in schema["$defs"][name]["properties"].items() if "description" not in form]
        assert not undescribed, name


def test_a_first_spec_names_its_schema(tmp_path: Path) -> None:
    """What init writes begins with the line that editors find the schema by, and the schema lies there."""
    init(spec=tmp_path / "first.yaml")
    line = (tmp_path / "first.yaml").read_text().splitlines()[0]
    assert line == f"# yaml-language-server: $schema={SCHEMA_FILE}"
    assert json.loads((tmp_path / SCHEMA_FILE).read_text()) == spec_schema()


def test_a_style_is_written_as_one_text(tmp_path: Path) -> None:
    """A persona's blend, sliders and skill become the text that bundles and servers read styles from."""
    path = tmp_path / "playtest.yaml"
    bot = "{name: bot, agent: bundle, bundle: b, style: 'rusher:0.7+anchor:0.3', sliders: {speed: 1.5}, skill: 0.8}"
    path.write_text(GAME + f"personas: [{bot}]\n")
    assert read_spec(path).personas[0].style_text == "rusher:0.7+anchor:0.3,speed=1.5,skill=0.8"
