from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DescribeRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DescribeResponse(_message.Message):
    __slots__ = ("server_version", "bundles")
    SERVER_VERSION_FIELD_NUMBER: _ClassVar[int]
    BUNDLES_FIELD_NUMBER: _ClassVar[int]
    server_version: str
    bundles: _containers.RepeatedCompositeFieldContainer[Bundle]
    def __init__(self, server_version: _Optional[str] = ..., bundles: _Optional[_Iterable[_Union[Bundle, _Mapping]]] = ...) -> None: ...

class Bundle(_message.Message):
    __slots__ = ("name", "digest", "spec_json", "provenance_json")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SPEC_JSON_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_JSON_FIELD_NUMBER: _ClassVar[int]
    name: str
    digest: str
    spec_json: str
    provenance_json: str
    def __init__(self, name: _Optional[str] = ..., digest: _Optional[str] = ..., spec_json: _Optional[str] = ..., provenance_json: _Optional[str] = ...) -> None: ...

class PlayRequest(_message.Message):
    __slots__ = ("open", "tick")
    OPEN_FIELD_NUMBER: _ClassVar[int]
    TICK_FIELD_NUMBER: _ClassVar[int]
    open: Open
    tick: Tick
    def __init__(self, open: _Optional[_Union[Open, _Mapping]] = ..., tick: _Optional[_Union[Tick, _Mapping]] = ...) -> None: ...

class Open(_message.Message):
    __slots__ = ("bundle", "spec_json")
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    SPEC_JSON_FIELD_NUMBER: _ClassVar[int]
    bundle: str
    spec_json: str
    def __init__(self, bundle: _Optional[str] = ..., spec_json: _Optional[str] = ...) -> None: ...

class Tick(_message.Message):
    __slots__ = ("tick", "despawn", "spawn", "bots", "sensors")
    TICK_FIELD_NUMBER: _ClassVar[int]
    DESPAWN_FIELD_NUMBER: _ClassVar[int]
    SPAWN_FIELD_NUMBER: _ClassVar[int]
    BOTS_FIELD_NUMBER: _ClassVar[int]
    SENSORS_FIELD_NUMBER: _ClassVar[int]
    tick: int
    despawn: _containers.RepeatedScalarFieldContainer[int]
    spawn: _containers.RepeatedCompositeFieldContainer[Spawn]
    bots: _containers.RepeatedScalarFieldContainer[int]
    sensors: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, tick: _Optional[int] = ..., despawn: _Optional[_Iterable[int]] = ..., spawn: _Optional[_Iterable[_Union[Spawn, _Mapping]]] = ..., bots: _Optional[_Iterable[int]] = ..., sensors: _Optional[_Iterable[bytes]] = ...) -> None: ...

class Spawn(_message.Message):
    __slots__ = ("bot", "seed")
    BOT_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    bot: int
    seed: int
    def __init__(self, bot: _Optional[int] = ..., seed: _Optional[int] = ...) -> None: ...

class PlayResponse(_message.Message):
    __slots__ = ("opened", "actions")
    OPENED_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    opened: Bundle
    actions: Actions
    def __init__(self, opened: _Optional[_Union[Bundle, _Mapping]] = ..., actions: _Optional[_Union[Actions, _Mapping]] = ...) -> None: ...

class Actions(_message.Message):
    __slots__ = ("tick", "parts")
    TICK_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    tick: int
    parts: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, tick: _Optional[int] = ..., parts: _Optional[_Iterable[bytes]] = ...) -> None: ...
