"""Who may talk to whom: the versions and capabilities that are told when a game connects.

A game compares our versions with its own before it believes us, and stops if it does not like them. What it compares is
known from ML-Agents' own sources: `CheckCommunicationVersionsAreCompatible` and `CheckPythonPackageVersionIsCompatible`
in `RpcCommunicator.cs`, and pull request Unity-Technologies/ml-agents#5370 for the 1.0 packages.
"""

from __future__ import annotations

import re

from understudy.errors import ServingError
from understudy.serving.dialects.mlagents import mlagents_pb2 as pb

COMMUNICATION_VERSION = "1.5.0"
"""Of the protocol that this server speaks: the last one there is."""

_PACKAGE_VERSIONS = {0: "0.20.0", 1: "0.20.0", 2: "0.26.0"}
"""By the major version of the game's package, a Python package that it is content with."""

_NEWEST_PACKAGE_VERSION = "1.0.0"
_VERSION = re.compile(r"(\d{1,9})\.(\d{1,9})")


def greet(game: pb.UnityRLInitializationOutputProto, seed: int) -> pb.UnityRLInitializationInputProto:
    """Return how the server introduces itself to a game.

    Args:
        game: How the game introduced itself.
        seed: For the game's own random numbers; its lowest 31 bits are used.
    """
    return pb.UnityRLInitializationInputProto(
        seed=seed & 0x7FFFFFFF,
        communication_version=COMMUNICATION_VERSION,
        package_version=package_version_for(game.package_version),
        capabilities=pb.UnityRLCapabilitiesProto(
            baseRLCapabilities=True,
            concatenatedPngObservations=True,
            compressedChannelMapping=True,
            hybridActions=True,
            variableLengthObservation=True,
            multiAgentGroups=True,
        ),
        num_areas=1,
    )


def require_compatible(communication_version: str) -> None:
    """Raise `ServingError` unless a game that speaks `communication_version` understands this server, and it the game.

    The rule is the game's own: the same major version; below 1.0, the same minor version too.
    """
    found, ours = _VERSION.match(communication_version), _VERSION.match(COMMUNICATION_VERSION)
    if found is None or ours is None or int(found[1]) != int(ours[1]):
        raise ServingError(
            f"The game speaks version {communication_version[:40]!r} of the ML-Agents communicator, this server "
            f"{COMMUNICATION_VERSION}; build the game with com.unity.ml-agents 1.0 or newer."
        )


def package_version_for(game_package: str) -> str:
    """Return the Python package's version to announce to a game with `game_package` of com.unity.ml-agents.

    The 1.0 packages refuse any above 0.25.999, and newer ones may warn of an old one.
    """
    found = _VERSION.match(game_package)
    return _PACKAGE_VERSIONS.get(int(found[1]) if found else 0, _NEWEST_PACKAGE_VERSION)
