from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Fallback(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FALLBACK_REPEAT: _ClassVar[Fallback]
    FALLBACK_NOTHING: _ClassVar[Fallback]

class Late(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LATE_NO: _ClassVar[Late]
    LATE_BUDGET: _ClassVar[Late]
    LATE_OVERLOAD: _ClassVar[Late]
FALLBACK_REPEAT: Fallback
FALLBACK_NOTHING: Fallback
LATE_NO: Late
LATE_BUDGET: Late
LATE_OVERLOAD: Late

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
    __slots__ = ("name", "digest", "spec_json", "provenance_json", "style_size", "styles")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SPEC_JSON_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_JSON_FIELD_NUMBER: _ClassVar[int]
    STYLE_SIZE_FIELD_NUMBER: _ClassVar[int]
    STYLES_FIELD_NUMBER: _ClassVar[int]
    name: str
    digest: str
    spec_json: str
    provenance_json: str
    style_size: int
    styles: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., digest: _Optional[str] = ..., spec_json: _Optional[str] = ..., provenance_json: _Optional[str] = ..., style_size: _Optional[int] = ..., styles: _Optional[_Iterable[str]] = ...) -> None: ...

class PlayRequest(_message.Message):
    __slots__ = ("open", "tick")
    OPEN_FIELD_NUMBER: _ClassVar[int]
    TICK_FIELD_NUMBER: _ClassVar[int]
    open: Open
    tick: Tick
    def __init__(self, open: _Optional[_Union[Open, _Mapping]] = ..., tick: _Optional[_Union[Tick, _Mapping]] = ...) -> None: ...

class Open(_message.Message):
    __slots__ = ("bundle", "spec_json", "resume", "budget_us", "fallback")
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    SPEC_JSON_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    BUDGET_US_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    bundle: str
    spec_json: str
    resume: str
    budget_us: int
    fallback: Fallback
    def __init__(self, bundle: _Optional[str] = ..., spec_json: _Optional[str] = ..., resume: _Optional[str] = ..., budget_us: _Optional[int] = ..., fallback: _Optional[_Union[Fallback, str]] = ...) -> None: ...

class Tick(_message.Message):
    __slots__ = ("tick", "despawn", "spawn", "bots", "sensors", "restyle", "save", "under_way", "played")
    TICK_FIELD_NUMBER: _ClassVar[int]
    DESPAWN_FIELD_NUMBER: _ClassVar[int]
    SPAWN_FIELD_NUMBER: _ClassVar[int]
    BOTS_FIELD_NUMBER: _ClassVar[int]
    SENSORS_FIELD_NUMBER: _ClassVar[int]
    RESTYLE_FIELD_NUMBER: _ClassVar[int]
    SAVE_FIELD_NUMBER: _ClassVar[int]
    UNDER_WAY_FIELD_NUMBER: _ClassVar[int]
    PLAYED_FIELD_NUMBER: _ClassVar[int]
    tick: int
    despawn: _containers.RepeatedScalarFieldContainer[int]
    spawn: _containers.RepeatedCompositeFieldContainer[Spawn]
    bots: _containers.RepeatedScalarFieldContainer[int]
    sensors: _containers.RepeatedScalarFieldContainer[bytes]
    restyle: _containers.RepeatedCompositeFieldContainer[Restyle]
    save: _containers.RepeatedScalarFieldContainer[int]
    under_way: int
    played: Played
    def __init__(self, tick: _Optional[int] = ..., despawn: _Optional[_Iterable[int]] = ..., spawn: _Optional[_Iterable[_Union[Spawn, _Mapping]]] = ..., bots: _Optional[_Iterable[int]] = ..., sensors: _Optional[_Iterable[bytes]] = ..., restyle: _Optional[_Iterable[_Union[Restyle, _Mapping]]] = ..., save: _Optional[_Iterable[int]] = ..., under_way: _Optional[int] = ..., played: _Optional[_Union[Played, _Mapping]] = ...) -> None: ...

class Spawn(_message.Message):
    __slots__ = ("bot", "seed", "style", "state", "record")
    BOT_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    STYLE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    RECORD_FIELD_NUMBER: _ClassVar[int]
    bot: int
    seed: int
    style: Style
    state: bytes
    record: Record
    def __init__(self, bot: _Optional[int] = ..., seed: _Optional[int] = ..., style: _Optional[_Union[Style, _Mapping]] = ..., state: _Optional[bytes] = ..., record: _Optional[_Union[Record, _Mapping]] = ...) -> None: ...

class Record(_message.Message):
    __slots__ = ("player", "game", "build", "map")
    PLAYER_FIELD_NUMBER: _ClassVar[int]
    GAME_FIELD_NUMBER: _ClassVar[int]
    BUILD_FIELD_NUMBER: _ClassVar[int]
    MAP_FIELD_NUMBER: _ClassVar[int]
    player: str
    game: str
    build: str
    map: str
    def __init__(self, player: _Optional[str] = ..., game: _Optional[str] = ..., build: _Optional[str] = ..., map: _Optional[str] = ...) -> None: ...

class Played(_message.Message):
    __slots__ = ("bots", "parts")
    BOTS_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    bots: _containers.RepeatedScalarFieldContainer[int]
    parts: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, bots: _Optional[_Iterable[int]] = ..., parts: _Optional[_Iterable[bytes]] = ...) -> None: ...

class Restyle(_message.Message):
    __slots__ = ("bot", "style")
    BOT_FIELD_NUMBER: _ClassVar[int]
    STYLE_FIELD_NUMBER: _ClassVar[int]
    bot: int
    style: Style
    def __init__(self, bot: _Optional[int] = ..., style: _Optional[_Union[Style, _Mapping]] = ...) -> None: ...

class Style(_message.Message):
    __slots__ = ("name", "vector")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VECTOR_FIELD_NUMBER: _ClassVar[int]
    name: str
    vector: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, name: _Optional[str] = ..., vector: _Optional[_Iterable[float]] = ...) -> None: ...

class PlayResponse(_message.Message):
    __slots__ = ("opened", "actions")
    OPENED_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    opened: Opened
    actions: Actions
    def __init__(self, opened: _Optional[_Union[Opened, _Mapping]] = ..., actions: _Optional[_Union[Actions, _Mapping]] = ...) -> None: ...

class Opened(_message.Message):
    __slots__ = ("bundle", "lease", "grace_s", "bots", "ticks")
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    GRACE_S_FIELD_NUMBER: _ClassVar[int]
    BOTS_FIELD_NUMBER: _ClassVar[int]
    TICKS_FIELD_NUMBER: _ClassVar[int]
    bundle: Bundle
    lease: str
    grace_s: float
    bots: _containers.RepeatedScalarFieldContainer[int]
    ticks: int
    def __init__(self, bundle: _Optional[_Union[Bundle, _Mapping]] = ..., lease: _Optional[str] = ..., grace_s: _Optional[float] = ..., bots: _Optional[_Iterable[int]] = ..., ticks: _Optional[int] = ...) -> None: ...

class Actions(_message.Message):
    __slots__ = ("tick", "parts", "late", "saved")
    TICK_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    LATE_FIELD_NUMBER: _ClassVar[int]
    SAVED_FIELD_NUMBER: _ClassVar[int]
    tick: int
    parts: _containers.RepeatedScalarFieldContainer[bytes]
    late: Late
    saved: _containers.RepeatedCompositeFieldContainer[SavedBot]
    def __init__(self, tick: _Optional[int] = ..., parts: _Optional[_Iterable[bytes]] = ..., late: _Optional[_Union[Late, str]] = ..., saved: _Optional[_Iterable[_Union[SavedBot, _Mapping]]] = ...) -> None: ...

class SavedBot(_message.Message):
    __slots__ = ("bot", "state")
    BOT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    bot: int
    state: bytes
    def __init__(self, bot: _Optional[int] = ..., state: _Optional[bytes] = ...) -> None: ...

class StatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StatusResponse(_message.Message):
    __slots__ = ("bundles", "streams")
    BUNDLES_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    bundles: _containers.RepeatedCompositeFieldContainer[BundleStatus]
    streams: _containers.RepeatedCompositeFieldContainer[StreamStatus]
    def __init__(self, bundles: _Optional[_Iterable[_Union[BundleStatus, _Mapping]]] = ..., streams: _Optional[_Iterable[_Union[StreamStatus, _Mapping]]] = ...) -> None: ...

class BundleStatus(_message.Message):
    __slots__ = ("name", "versions")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    versions: _containers.RepeatedCompositeFieldContainer[VersionStatus]
    def __init__(self, name: _Optional[str] = ..., versions: _Optional[_Iterable[_Union[VersionStatus, _Mapping]]] = ...) -> None: ...

class VersionStatus(_message.Message):
    __slots__ = ("digest", "folder", "share", "ticks", "decisions", "failures", "step_p50_us", "step_p99_us")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    FOLDER_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    TICKS_FIELD_NUMBER: _ClassVar[int]
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    STEP_P50_US_FIELD_NUMBER: _ClassVar[int]
    STEP_P99_US_FIELD_NUMBER: _ClassVar[int]
    digest: str
    folder: str
    share: float
    ticks: int
    decisions: int
    failures: int
    step_p50_us: float
    step_p99_us: float
    def __init__(self, digest: _Optional[str] = ..., folder: _Optional[str] = ..., share: _Optional[float] = ..., ticks: _Optional[int] = ..., decisions: _Optional[int] = ..., failures: _Optional[int] = ..., step_p50_us: _Optional[float] = ..., step_p99_us: _Optional[float] = ...) -> None: ...

class StreamStatus(_message.Message):
    __slots__ = ("peer", "bundle", "bots", "ticks", "late", "age_s", "connected")
    PEER_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    BOTS_FIELD_NUMBER: _ClassVar[int]
    TICKS_FIELD_NUMBER: _ClassVar[int]
    LATE_FIELD_NUMBER: _ClassVar[int]
    AGE_S_FIELD_NUMBER: _ClassVar[int]
    CONNECTED_FIELD_NUMBER: _ClassVar[int]
    peer: str
    bundle: str
    bots: int
    ticks: int
    late: int
    age_s: float
    connected: bool
    def __init__(self, peer: _Optional[str] = ..., bundle: _Optional[str] = ..., bots: _Optional[int] = ..., ticks: _Optional[int] = ..., late: _Optional[int] = ..., age_s: _Optional[float] = ..., connected: _Optional[bool] = ...) -> None: ...

class LoadRequest(_message.Message):
    __slots__ = ("folder", "share")
    FOLDER_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    folder: str
    share: float
    def __init__(self, folder: _Optional[str] = ..., share: _Optional[float] = ...) -> None: ...

class LoadResponse(_message.Message):
    __slots__ = ("name", "digest", "bots_carried", "bots_reset")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    BOTS_CARRIED_FIELD_NUMBER: _ClassVar[int]
    BOTS_RESET_FIELD_NUMBER: _ClassVar[int]
    name: str
    digest: str
    bots_carried: int
    bots_reset: int
    def __init__(self, name: _Optional[str] = ..., digest: _Optional[str] = ..., bots_carried: _Optional[int] = ..., bots_reset: _Optional[int] = ...) -> None: ...

class SettleRequest(_message.Message):
    __slots__ = ("bundle", "promote")
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    PROMOTE_FIELD_NUMBER: _ClassVar[int]
    bundle: str
    promote: bool
    def __init__(self, bundle: _Optional[str] = ..., promote: _Optional[bool] = ...) -> None: ...

class SettleResponse(_message.Message):
    __slots__ = ("digest",)
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    digest: str
    def __init__(self, digest: _Optional[str] = ...) -> None: ...
