"""The payload of Sparkplug B as protobuf messages: the fields that a reading needs (Sparkplug 3.0, section 6.4).

Described here in code, because no library for Sparkplug can stand beside our MQTT client: `pysparkplug` 0.6.1 and
`mqtt-spb-wrapper` 2.1.2 both ask for paho-mqtt 1, and Eclipse Tahu's own Python is not on the package index. What is
left of them is a schema of twenty fields; Google's `protobuf` reads and writes it. Fields not named here (properties,
data sets, templates) are passed over by it.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

_Field = descriptor_pb2.FieldDescriptorProto
#: name, number, type of each field of a metric that stands for itself; then the fields of which one holds the value.
_METRIC = (
    ("name", 1, _Field.TYPE_STRING),
    ("alias", 2, _Field.TYPE_UINT64),
    ("timestamp", 3, _Field.TYPE_UINT64),
    ("datatype", 4, _Field.TYPE_UINT32),
    ("is_historical", 5, _Field.TYPE_BOOL),
    ("is_null", 7, _Field.TYPE_BOOL),
)
_VALUES = (
    ("int_value", 10, _Field.TYPE_UINT32),
    ("long_value", 11, _Field.TYPE_UINT64),
    ("float_value", 12, _Field.TYPE_FLOAT),
    ("double_value", 13, _Field.TYPE_DOUBLE),
    ("boolean_value", 14, _Field.TYPE_BOOL),
    ("string_value", 15, _Field.TYPE_STRING),
)
_PACKAGE = "org.eclipse.tahu.protobuf"


def _described() -> type[Message]:
    file = descriptor_pb2.FileDescriptorProto(name="sightline/sparkplug_b.proto", package=_PACKAGE, syntax="proto2")
    payload = file.message_type.add(name="Payload")
    metric = payload.nested_type.add(name="Metric")
    metric.oneof_decl.add(name="value")
    for name, number, kind in _METRIC:
        metric.field.add(name=name, number=number, type=kind, label=_Field.LABEL_OPTIONAL)
    for name, number, kind in _VALUES:
        metric.field.add(name=name, number=number, type=kind, label=_Field.LABEL_OPTIONAL, oneof_index=0)
    payload.field.add(name="timestamp", number=1, type=_Field.TYPE_UINT64, label=_Field.LABEL_OPTIONAL)
    payload.field.add(
        name="metrics", number=2, type=_Field.TYPE_MESSAGE, label=_Field.LABEL_REPEATED,
        type_name=f".{_PACKAGE}.Payload.Metric",
    )  # fmt: skip
    payload.field.add(name="seq", number=3, type=_Field.TYPE_UINT64, label=_Field.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)  # type: ignore[no-untyped-call,unused-ignore]
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Payload"))


_PAYLOAD = _described()


def read(raw: bytes) -> Any:
    """A payload with `timestamp`, `seq` and `metrics`. Raises ValueError for bytes that are none."""
    try:
        return _PAYLOAD.FromString(raw)
    except DecodeError as error:
        raise ValueError("is no payload of Sparkplug B") from error


def fresh() -> Any:
    """An empty payload to fill."""
    return _PAYLOAD()


__all__ = ["fresh", "read"]
