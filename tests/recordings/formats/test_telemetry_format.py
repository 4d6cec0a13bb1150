"""A studio's own tables are recognised and mapped, and exported tables come back exactly."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from gymnasium import spaces
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matrix_toys import CONTINUOUS, PIXELS, PLAIN, VECTOR, record
from telemetry_reading import BASE, episodes, mapped, steady
from telemetry_tables import browser, gridworld, unity, unreal, write_csv

from toys import sample_action, sample_observation
from understudy.errors import RecordingError
from understudy.recordings import Episode, EpisodeWriter, Provenance, open_recordings
from understudy.recordings.formats import ImportOptions, export_logs, import_logs
from understudy.recordings.formats.telemetry import TelemetryImporter
from understudy.recordings.formats.telemetry.mapping import check_mapping, read_mapping
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec


def assert_same(before: Episode, after: Episode) -> None:
    """Assert that everything the matrix asks for came back exactly."""
    assert after.behavior == before.behavior
    for name in before.behavior.sensor_names:
        np.testing.assert_array_equal(before.observation(name), after.observation(name))
    for name in before.behavior.action_names:
        np.testing.assert_array_equal(before.action(name), after.action(name))
    np.testing.assert_array_equal(before.reward, after.reward)
    np.testing.assert_array_equal(before.tick, after.tick)
    np.testing.assert_array_equal(before.time_ns, after.time_ns)
    assert after.events == before.events
    assert (after.terminated, after.truncated) == (before.terminated, before.truncated)
    first, second = before.final_observation(), after.final_observation()
    assert (first is None) == (second is None)
    for name in first or {}:
        np.testing.assert_array_equal(first[name], second[name])


# What comes back


@pytest.mark.parametrize("behavior", [VECTOR, PLAIN, CONTINUOUS], ids=lambda each: each.name)
@pytest.mark.parametrize("steps_per_file", ["0", "30"])
def test_export_comes_back_exactly(tmp_path: Path, behavior: BehaviorSpec, steps_per_file: str) -> None:
    """Recordings exported as tables and imported again are the same in every aspect, as one file and as many."""
    before = record(tmp_path / "before", behavior)
    export_logs(before, tmp_path / "out", "telemetry", settings={"steps_per_file": steps_per_file})
    report = import_logs([tmp_path / "out"], tmp_path / "after", options=ImportOptions(salvage=False))
    after = open_recordings(tmp_path / "after")
    assert len(after) == len(before)
    assert not report.losses
    for first, second in zip(before, after, strict=True):
        assert_same(first, second)
        assert second.provenance.map == first.provenance.map


DTYPES = st.sampled_from(["float32", "float64", "uint8", "int16", "int64", "uint32"])
SHAPES = st.sampled_from([(), (1,), (3,), (2, 2)])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sensors=st.lists(st.tuples(DTYPES, SHAPES), min_size=1, max_size=3),
    labels=st.lists(st.text(min_size=1, max_size=5), min_size=2, max_size=4),
    steps=st.integers(1, 40),
    seed=st.integers(0, 99),
)
def test_any_behaviour_comes_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, sensors: list, labels: list[str], steps: int, seed: int
) -> None:
    """For sensors of any dtype and shape, and choices with any labels, the round trip is exact."""
    folder = tmp_path_factory.mktemp("trip")
    specs = tuple(
        SensorSpec(f"s{i}", spaces.Box(0, 200, shape, np.dtype(dtype).type), "m")
        for i, (dtype, shape) in enumerate(sensors)
    )
    parts = (
        ActionSpec("pick", spaces.Discrete(len(labels)), labels=tuple(labels)),
        ActionSpec("keys", spaces.MultiBinary(2)),
        ActionSpec("aim", spaces.Box(-2, 3, (2, 2), np.float32), "degrees"),
    )
    behavior = BehaviorSpec("any", specs, parts, 17.5)
    with EpisodeWriter(folder / "before", behavior, Provenance("toy"), name="one") as writer:
        for step in range(steps):
            action = sample_action(behavior, seed, step)
            writer.append(sample_observation(behavior, seed, step), action, tick=5 * step, time_ns=2**62 + step)
        writer.finish(truncated=seed % 2 == 0, terminated=seed % 3 == 0)
    export_logs(open_recordings(folder / "before"), folder / "out", "telemetry")
    import_logs([folder / "out"], folder / "after", options=ImportOptions(salvage=False))
    assert_same(open_recordings(folder / "before")[0], open_recordings(folder / "after")[0])


def test_mapping_file_reads_the_export_without_its_metadata(tmp_path: Path) -> None:
    """Stripped of what only Understudy knows, the exported table still comes in by its mapping.yaml."""
    before = record(tmp_path / "before", VECTOR)
    table, mapping = export_logs(before, tmp_path / "out", "telemetry")
    pq.write_table(pq.read_table(table).replace_schema_metadata(None), table)
    import_logs([table], tmp_path / "after", options=ImportOptions(mapping=mapping))
    for first, second in zip(before, open_recordings(tmp_path / "after"), strict=True):
        np.testing.assert_array_equal(first.observation("obs"), second.observation("obs"))
        np.testing.assert_array_equal(first.action("move"), second.action("move"))
        assert second.terminated == first.terminated


def test_pictures_are_refused_with_what_to_do(tmp_path: Path) -> None:
    """A sensor of thousands of numbers is refused by name before anything is written."""
    with pytest.raises(RecordingError, match=r"'frame' has 12,288 numbers.*Mask it out"):
        export_logs(record(tmp_path / "before", PIXELS, lengths=(3,)), tmp_path / "out", "telemetry")
    assert not (tmp_path / "out").exists()


# Whose files


def test_tables_are_recognised_and_others_are_not(tmp_path: Path) -> None:
    """Tables of all kinds are claimed; VPT's lines, a LeRobot data set's insides, prose and other files are not."""
    sniff = TelemetryImporter().sniff
    assert sniff(unreal(tmp_path))
    assert sniff(unity(tmp_path))
    assert sniff(browser(tmp_path))
    vpt = tmp_path / "vpt.jsonl"
    vpt.write_text('{"mouse": {"x": 1}, "keyboard": {"keys": []}, "tick": 0}\n')
    (tmp_path / "prose.csv").write_text("one column\nonly\n")
    (tmp_path / "lines.jsonl").write_text("[1, 2]\n")
    (tmp_path / "no.parquet").write_bytes(b"PAR2" + bytes(20))
    (tmp_path / "bin.csv").write_bytes(b"a,b\0\0\n")
    foreign = tmp_path / "set" / "data" / "chunk-000" / "file-000.parquet"
    foreign.parent.mkdir(parents=True)
    (tmp_path / "set" / "meta").mkdir()
    (tmp_path / "set" / "meta" / "info.json").write_text("{}")
    pq.write_table(pa.table({"a": [1], "b": [2]}), foreign)
    for path in (
        vpt,
        foreign,
        tmp_path,
        tmp_path / "none.csv",
        *map(tmp_path.joinpath, ("prose.csv", "lines.jsonl", "no.parquet", "bin.csv")),
    ):
        assert not sniff(path), path


def test_without_a_mapping_the_command_is_named(tmp_path: Path) -> None:
    """A table without a mapping is refused with the command that writes one."""
    with pytest.raises(RecordingError, match="understudy logs map"):
        import_logs([browser(tmp_path)], tmp_path / "out")


@pytest.mark.parametrize("place", ["browser.tsv.map.yaml", "browser.map.yaml", "mapping.yaml"])
def test_mapping_beside_the_table_is_found(tmp_path: Path, place: str) -> None:
    """A mapping is found by the table's name with or without suffix, or as mapping.yaml."""
    path = browser(tmp_path)
    form = {**BASE, "clock": {"column": "timestamp_ms", "unit": "ms"}, "sensors": [{"name": "hp", "columns": ["hp"]}]}
    form["actions"] = [{"name": "keys", "kind": "buttons", "columns": ["key_w"]}]
    (tmp_path / place).write_text(yaml.safe_dump(form))
    assert import_logs([path], tmp_path / "out").steps > 100


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sensorz": []}, "no key 'sensorz'.*Did you mean 'sensors'"),
        ({"clock": {"colum": "t", "unit": "s"}}, "Did you mean 'column'|column: Field required"),
        ({"clock": {"column": "t", "unit": "h"}}, "unit"),
        ({"clock": None}, "needs a clock"),
        ({"sensors": [{"name": "x y", "columns": ["x"]}]}, "letters, digits and underscores"),
        ({"sensors": [{"name": "x", "columns": ["x"], "shape": [3]}]}, "do not fill the shape"),
        ({"actions": [{"name": "a", "kind": "axes", "columns": ["x"], "low": 0}]}, "high"),
        ({"actions": [{"name": "a", "kind": "axes", "columns": ["x"], "low": -math.inf, "high": 1}]}, "bounded"),
        ({"actions": []}, "actions"),
    ],
)
def test_wrong_mapping_is_one_sentence(tmp_path: Path, change: dict, message: str) -> None:
    """A wrong mapping is refused with the place and, for unknown keys, a suggestion."""
    path = mapped(write_csv(tmp_path / "a.csv", steady(5)), **change)
    with pytest.raises(RecordingError, match=message):
        episodes(path)


def test_missing_column_is_suggested(tmp_path: Path) -> None:
    """A column that the table lacks is named, with the nearest one it has."""
    path = mapped(write_csv(tmp_path / "a.csv", steady(5)), tick="tt")
    with pytest.raises(RecordingError, match=r"no column 'tt'.*Did you mean 't'"):
        episodes(path)


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_mapping_file_is_survived(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    """Whatever is in a mapping file, a RecordingError comes out."""
    path = tmp_path_factory.mktemp("map") / "m.yaml"
    path.write_bytes(data)
    with pytest.raises(RecordingError):
        read_mapping(path)


def test_import_again_keeps_and_a_changed_mapping_imports_anew(tmp_path: Path) -> None:
    """The same table with the same mapping is not imported twice; with another mapping it is."""
    path = mapped(write_csv(tmp_path / "a.csv", steady(20)))
    import_logs([path], tmp_path / "out")
    assert len(import_logs([path], tmp_path / "out").kept) == 1
    assert len(import_logs([mapped(path, rate_hz=5)], tmp_path / "out").written) == 1


def test_describe_says_what_is_left_out(tmp_path: Path) -> None:
    """What is known of a table before it is read: its mapping, its rows, and the text that stays out."""
    rows = [{**row, "chat": ""} for row in steady(20)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    found = TelemetryImporter().describe(mapped(tmp_path / "a.parquet", text=["chat"], steps="rows"), ImportOptions())
    assert found.num_steps == 20
    assert any("chat" in note for note in found.notes)


def test_mapping_round_trips_through_yaml(tmp_path: Path) -> None:
    """The mapping that an export writes is the one that its behaviour has."""
    _, mapping = export_logs(record(tmp_path / "a", VECTOR, lengths=(3,)), tmp_path / "out", "telemetry")
    assert check_mapping(yaml.safe_load(mapping.read_text()), "here").behavior().action_names == VECTOR.action_names


def test_grid_table_comes_in_with_rewards_and_endings(tmp_path: Path) -> None:
    """A researcher's table with semicolons: ten episodes that ended by themselves, with rewards and ticks."""
    form = {
        "name": "grid", "rate_hz": 5, "steps": "rows", "clock": {"column": "date", "unit": "iso"}, "max_gap_s": 2,
        "episode": ["episode"], "tick": "step", "terminated": "done", "reward": {"column": "reward"},
        "sensors": [{"name": "p", "columns": ["x", "y"], "dtype": "int16"}],
        "actions": [{"name": "go", "kind": "choice", "column": "action", "values": ["up", "down", "left", "right"]}],
    }  # fmt: skip
    path = gridworld(tmp_path)
    path.with_name("mapping.yaml").write_text(yaml.safe_dump(form))
    report = import_logs([path], tmp_path / "out")
    found = open_recordings(tmp_path / "out")
    assert len(report.written) == 10
    assert all(each.terminated and each.reward[-1] == 1 and each.tick.tolist() == list(range(40)) for each in found)


def test_the_pages_mapping_is_a_mapping() -> None:
    """The mapping shown in the docs is read as it stands."""
    page = Path(__file__).parents[3] / "docs" / "logs" / "telemetry.md"
    (form,) = (block.split("```")[0] for block in page.read_text("utf-8").split("```yaml\n")[1:])
    assert check_mapping(yaml.safe_load(form), "the page").behavior().action_names == ("keys", "weapon", "look")
