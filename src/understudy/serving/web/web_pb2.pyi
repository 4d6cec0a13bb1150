from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class WebForm(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WEB_FORM_NUMBERS: _ClassVar[WebForm]
    WEB_FORM_BYTES: _ClassVar[WebForm]

class WebFallback(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WEB_FALLBACK_REPEAT: _ClassVar[WebFallback]
    WEB_FALLBACK_NOTHING: _ClassVar[WebFallback]

class WebLate(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WEB_LATE_NO: _ClassVar[WebLate]
    WEB_LATE_BUDGET: _ClassVar[WebLate]
    WEB_LATE_OVERLOAD: _ClassVar[WebLate]
WEB_FORM_NUMBERS: WebForm
WEB_FORM_BYTES: WebForm
WEB_FALLBACK_REPEAT: WebFallback
WEB_FALLBACK_NOTHING: WebFallback
WEB_LATE_NO: WebLate
WEB_LATE_BUDGET: WebLate
WEB_LATE_OVERLOAD: WebLate

class WebDescribe(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WebDescribed(_message.Message):
    __slots__ = ("server_version", "bundles")
    SERVER_VERSION_FIELD_NUMBER: _ClassVar[int]
    BUNDLES_FIELD_NUMBER: _ClassVar[int]
    server_version: str
    bundles: _containers.RepeatedCompositeFieldContainer[WebBundle]
    def __init__(self, server_version: _Optional[str] = ..., bundles: _Optional[_Iterable[_Union[WebBundle, _Mapping]]] = ...) -> None: ...

class WebBundle(_message.Message):
    __slots__ = ("name", "digest", "spec_json", "style_size", "styles")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SPEC_JSON_FIELD_NUMBER: _ClassVar[int]
    STYLE_SIZE_FIELD_NUMBER: _ClassVar[int]
    STYLES_FIELD_NUMBER: _ClassVar[int]
    name: str
    digest: str
    spec_json: str
    style_size: int
    styles: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., digest: _Optional[str] = ..., spec_json: _Optional[str] = ..., style_size: _Optional[int] = ..., styles: _Optional[_Iterable[str]] = ...) -> None: ...

class WebOpen(_message.Message):
    __slots__ = ("bundle", "spec_json", "actions", "budget_us", "fallback")
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    SPEC_JSON_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    BUDGET_US_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    bundle: str
    spec_json: str
    actions: WebForm
    budget_us: int
    fallback: WebFallback
    def __init__(self, bundle: _Optional[str] = ..., spec_json: _Optional[str] = ..., actions: _Optional[_Union[WebForm, str]] = ..., budget_us: _Optional[int] = ..., fallback: _Optional[_Union[WebFallback, str]] = ...) -> None: ...

class WebOpened(_message.Message):
    __slots__ = ("session", "bundle", "idle_s")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    IDLE_S_FIELD_NUMBER: _ClassVar[int]
    session: str
    bundle: WebBundle
    idle_s: float
    def __init__(self, session: _Optional[str] = ..., bundle: _Optional[_Union[WebBundle, _Mapping]] = ..., idle_s: _Optional[float] = ...) -> None: ...

class WebTick(_message.Message):
    __slots__ = ("session", "tick", "despawn", "spawn", "restyle", "bots", "sensors", "save")
    class SensorsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: WebArray
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[WebArray, _Mapping]] = ...) -> None: ...
    SESSION_FIELD_NUMBER: _ClassVar[int]
    TICK_FIELD_NUMBER: _ClassVar[int]
    DESPAWN_FIELD_NUMBER: _ClassVar[int]
    SPAWN_FIELD_NUMBER: _ClassVar[int]
    RESTYLE_FIELD_NUMBER: _ClassVar[int]
    BOTS_FIELD_NUMBER: _ClassVar[int]
    SENSORS_FIELD_NUMBER: _ClassVar[int]
    SAVE_FIELD_NUMBER: _ClassVar[int]
    session: str
    tick: int
    despawn: _containers.RepeatedScalarFieldContainer[int]
    spawn: _containers.RepeatedCompositeFieldContainer[WebSpawn]
    restyle: _containers.RepeatedCompositeFieldContainer[WebRestyle]
    bots: _containers.RepeatedScalarFieldContainer[int]
    sensors: _containers.MessageMap[str, WebArray]
    save: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, session: _Optional[str] = ..., tick: _Optional[int] = ..., despawn: _Optional[_Iterable[int]] = ..., spawn: _Optional[_Iterable[_Union[WebSpawn, _Mapping]]] = ..., restyle: _Optional[_Iterable[_Union[WebRestyle, _Mapping]]] = ..., bots: _Optional[_Iterable[int]] = ..., sensors: _Optional[_Mapping[str, WebArray]] = ..., save: _Optional[_Iterable[int]] = ...) -> None: ...

class WebArray(_message.Message):
    __slots__ = ("numbers", "data")
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    numbers: _containers.RepeatedScalarFieldContainer[float]
    data: bytes
    def __init__(self, numbers: _Optional[_Iterable[float]] = ..., data: _Optional[bytes] = ...) -> None: ...

class WebSpawn(_message.Message):
    __slots__ = ("bot", "seed", "style", "state")
    BOT_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    STYLE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    bot: int
    seed: int
    style: WebStyle
    state: bytes
    def __init__(self, bot: _Optional[int] = ..., seed: _Optional[int] = ..., style: _Optional[_Union[WebStyle, _Mapping]] = ..., state: _Optional[bytes] = ...) -> None: ...

class WebRestyle(_message.Message):
    __slots__ = ("bot", "style")
    BOT_FIELD_NUMBER: _ClassVar[int]
    STYLE_FIELD_NUMBER: _ClassVar[int]
    bot: int
    style: WebStyle
    def __init__(self, bot: _Optional[int] = ..., style: _Optional[_Union[WebStyle, _Mapping]] = ...) -> None: ...

class WebStyle(_message.Message):
    __slots__ = ("name", "vector")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VECTOR_FIELD_NUMBER: _ClassVar[int]
    name: str
    vector: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, name: _Optional[str] = ..., vector: _Optional[_Iterable[float]] = ...) -> None: ...

class WebActions(_message.Message):
    __slots__ = ("tick", "actions", "late", "saved")
    class ActionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: WebArray
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[WebArray, _Mapping]] = ...) -> None: ...
    class SavedEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: bytes
        def __init__(self, key: _Optional[int] = ..., value: _Optional[bytes] = ...) -> None: ...
    TICK_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    LATE_FIELD_NUMBER: _ClassVar[int]
    SAVED_FIELD_NUMBER: _ClassVar[int]
    tick: int
    actions: _containers.MessageMap[str, WebArray]
    late: WebLate
    saved: _containers.ScalarMap[int, bytes]
    def __init__(self, tick: _Optional[int] = ..., actions: _Optional[_Mapping[str, WebArray]] = ..., late: _Optional[_Union[WebLate, str]] = ..., saved: _Optional[_Mapping[int, bytes]] = ...) -> None: ...

class WebClose(_message.Message):
    __slots__ = ("session",)
    SESSION_FIELD_NUMBER: _ClassVar[int]
    session: str
    def __init__(self, session: _Optional[str] = ...) -> None: ...

class WebClosed(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
