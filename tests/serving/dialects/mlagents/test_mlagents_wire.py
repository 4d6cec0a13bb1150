"""The schema against the one that ML-Agents ships: the descriptors in the wheel of mlagents-envs 0.28.0."""

from __future__ import annotations

import pytest
from google.protobuf.descriptor import FieldDescriptor as Field

from understudy.serving.dialects.mlagents import SERVICE
from understudy.serving.dialects.mlagents import mlagents_pb2 as pb

FLOAT, INT, BOOL = Field.TYPE_FLOAT, Field.TYPE_INT32, Field.TYPE_BOOL
TEXT, BYTES, MESSAGE, ENUM = Field.TYPE_STRING, Field.TYPE_BYTES, Field.TYPE_MESSAGE, Field.TYPE_ENUM
FIELDS = {
    "AgentActionProto": [
        (1, "vector_actions_deprecated", FLOAT, True),
        (4, "value", FLOAT, False),
        (6, "continuous_actions", FLOAT, True),
        (7, "discrete_actions", INT, True),
    ],
    "AgentInfoProto": [
        (7, "reward", FLOAT, False),
        (8, "done", BOOL, False),
        (9, "max_step_reached", BOOL, False),
        (10, "id", INT, False),
        (11, "action_mask", BOOL, True),
        (13, "observations", MESSAGE, True),
        (14, "group_id", INT, False),
        (15, "group_reward", FLOAT, False),
    ],
    "ActionSpecProto": [
        (1, "num_continuous_actions", INT, False),
        (2, "num_discrete_actions", INT, False),
        (3, "discrete_branch_sizes", INT, True),
        (4, "action_descriptions", TEXT, True),
    ],
    "BrainParametersProto": [
        (3, "vector_action_size_deprecated", INT, True),
        (5, "vector_action_descriptions_deprecated", TEXT, True),
        (6, "vector_action_space_type_deprecated", ENUM, False),
        (7, "brain_name", TEXT, False),
        (8, "is_training", BOOL, False),
        (9, "action_spec", MESSAGE, False),
    ],
    "UnityRLCapabilitiesProto": [
        (1, "baseRLCapabilities", BOOL, False),
        (2, "concatenatedPngObservations", BOOL, False),
        (3, "compressedChannelMapping", BOOL, False),
        (4, "hybridActions", BOOL, False),
        (5, "trainingAnalytics", BOOL, False),
        (6, "variableLengthObservation", BOOL, False),
        (7, "multiAgentGroups", BOOL, False),
    ],
    "HeaderProto": [(1, "status", INT, False), (2, "message", TEXT, False)],
    "ObservationProto": [
        (1, "shape", INT, True),
        (2, "compression_type", ENUM, False),
        (3, "compressed_data", BYTES, False),
        (4, "float_data", MESSAGE, False),
        (5, "compressed_channel_mapping", INT, True),
        (6, "dimension_properties", INT, True),
        (7, "observation_type", ENUM, False),
        (8, "name", TEXT, False),
    ],
    "ObservationProto.FloatData": [(1, "data", FLOAT, True)],
    "UnityInputProto": [(1, "rl_input", MESSAGE, False), (2, "rl_initialization_input", MESSAGE, False)],
    "UnityMessageProto": [
        (1, "header", MESSAGE, False),
        (2, "unity_output", MESSAGE, False),
        (3, "unity_input", MESSAGE, False),
    ],
    "UnityOutputProto": [(1, "rl_output", MESSAGE, False), (2, "rl_initialization_output", MESSAGE, False)],
    "UnityRLInitializationInputProto": [
        (1, "seed", INT, False),
        (2, "communication_version", TEXT, False),
        (3, "package_version", TEXT, False),
        (4, "capabilities", MESSAGE, False),
        (5, "num_areas", INT, False),
    ],
    "UnityRLInitializationOutputProto": [
        (1, "name", TEXT, False),
        (2, "communication_version", TEXT, False),
        (3, "log_path", TEXT, False),
        (5, "brain_parameters", MESSAGE, True),
        (7, "package_version", TEXT, False),
        (8, "capabilities", MESSAGE, False),
    ],
    "UnityRLInputProto": [
        (1, "agent_actions", MESSAGE, True),
        (4, "command", ENUM, False),
        (5, "side_channel", BYTES, False),
    ],
    "UnityRLInputProto.ListAgentActionProto": [(1, "value", MESSAGE, True)],
    "UnityRLOutputProto": [(2, "agentInfos", MESSAGE, True), (3, "side_channel", BYTES, False)],
    "UnityRLOutputProto.ListAgentInfoProto": [(1, "value", MESSAGE, True)],
}
ENUMS = {
    "CommandProto": {"STEP": 0, "RESET": 1, "QUIT": 2},
    "CompressionTypeProto": {"NONE": 0, "PNG": 1},
    "ObservationTypeProto": {"DEFAULT": 0, "GOAL_SIGNAL": 1},
    "SpaceTypeProto": {"discrete": 0, "continuous": 1},
}


def _messages() -> dict[str, object]:
    found = dict(pb.DESCRIPTOR.message_types_by_name)
    for name, message in list(found.items()):
        found |= {f"{name}.{nested.name}": nested for nested in message.nested_types}
    return {name: message for name, message in found.items() if not message.GetOptions().map_entry}


def test_every_message_is_one_of_theirs() -> None:
    """The schema has no message beyond those that are compared."""
    assert sorted(_messages()) == sorted(FIELDS)


@pytest.mark.parametrize("name", FIELDS)
def test_the_fields_are_theirs(name: str) -> None:
    """A message has the very fields of ML-Agents, with their numbers and types."""
    fields = [(each.number, each.name, each.type, each.is_repeated) for each in _messages()[name].fields]
    assert sorted(fields) == FIELDS[name]


@pytest.mark.parametrize("name", ENUMS)
def test_the_choices_are_theirs(name: str) -> None:
    """An enumeration has the very values of ML-Agents."""
    assert {each.name: each.number for each in pb.DESCRIPTOR.enum_types_by_name[name].values} == ENUMS[name]


def test_the_method_is_theirs() -> None:
    """A game calls `/communicator_objects.UnityToExternalProto/Exchange`."""
    method = pb.DESCRIPTOR.services_by_name["UnityToExternalProto"].methods_by_name["Exchange"]
    assert SERVICE == "communicator_objects.UnityToExternalProto"
    assert method.input_type.full_name == method.output_type.full_name == "communicator_objects.UnityMessageProto"
