"""The protocol's messages, as classes of protobuf's own runtime.

Names and numbers of the fields are those of the Open Inference Protocol, of Triton's extensions of it and of gRPC's
health protocol. The classes live in a descriptor pool of their own, so that they do not collide with those of a client
library in the same process, and need no generated code that would have to match protobuf's version.
"""

import re
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from app.errors import InvalidInputError

MESSAGES = {
    "Empty": "",
    "ServerLiveResponse": "bool live = 1",
    "ReadyResponse": "bool ready = 1",
    "ServerMetadataResponse": "string name = 1; string version = 2; repeated string extensions = 3",
    "ModelRequest": "string name = 1; string version = 2",
    "ModelMetadataResponse": "string name = 1; repeated string versions = 2; string platform = 3; "
    "repeated TensorMetadata inputs = 4; repeated TensorMetadata outputs = 5",
    "TensorMetadata": "string name = 1; string datatype = 2; repeated int64 shape = 3",
    # inputs and outputs are tensor messages, which are parsed one by one once they have been counted: unparsed they
    # take no more memory than the bytes of the request; infer_response is a serialised ModelInferResponse
    "ModelInferRequest": "string model_name = 1; string model_version = 2; string id = 3; "
    "map InferParameter parameters = 4; repeated bytes inputs = 5; repeated bytes outputs = 6; "
    "repeated bytes raw_input_contents = 7",
    "InferInputTensor": "string name = 1; string datatype = 2; repeated int64 shape = 3; "
    "map InferParameter parameters = 4; InferTensorContents contents = 5",
    "InferRequestedOutputTensor": "string name = 1; map InferParameter parameters = 2",
    "InferParameter": "oneof bool bool_param = 1; oneof int64 int64_param = 2; oneof string string_param = 3; "
    "oneof double double_param = 4; oneof uint64 uint64_param = 5",
    "InferTensorContents": "repeated bool bool_contents = 1; repeated int32 int_contents = 2; "
    "repeated int64 int64_contents = 3; repeated uint32 uint_contents = 4; repeated uint64 uint64_contents = 5; "
    "repeated float fp32_contents = 6; repeated double fp64_contents = 7; repeated bytes bytes_contents = 8",
    "ModelInferResponse": "string model_name = 1; string model_version = 2; string id = 3; "
    "map InferParameter parameters = 4; repeated InferOutputTensor outputs = 5; repeated bytes raw_output_contents = 6",
    "InferOutputTensor": "string name = 1; string datatype = 2; repeated int64 shape = 3; "
    "map InferParameter parameters = 4; InferTensorContents contents = 5",
    "ModelStreamInferResponse": "string error_message = 1; bytes infer_response = 2",
    "ModelConfigResponse": "ModelConfig config = 1",
    "ModelConfig": "string name = 1; string platform = 2; ModelVersionPolicy version_policy = 3; "
    "int32 max_batch_size = 4; repeated ModelInput input = 5; repeated ModelOutput output = 6; "
    "string default_model_filename = 8; map ModelParameter parameters = 14; string backend = 17",
    "ModelVersionPolicy": "Empty all = 2",
    "ModelInput": "string name = 1; int32 data_type = 2; repeated int64 dims = 4",
    "ModelOutput": "string name = 1; int32 data_type = 2; repeated int64 dims = 3",
    "ModelParameter": "string string_value = 1",
    "ModelStatisticsResponse": "repeated ModelStatistics model_stats = 1",
    "ModelStatistics": "string name = 1; string version = 2; uint64 inference_count = 4; uint64 execution_count = 5; "
    "InferStatistics inference_stats = 6",
    "InferStatistics": "StatisticDuration success = 1; StatisticDuration queue = 3; "
    "StatisticDuration compute_infer = 5",
    "StatisticDuration": "uint64 count = 1; uint64 ns = 2",
    "RepositoryIndexRequest": "string repository_name = 1; bool ready = 2",
    "RepositoryIndexResponse": "repeated ModelIndex models = 1",
    "ModelIndex": "string name = 1; string version = 2; string state = 3; string reason = 4",
    "RepositoryModelRequest": "string repository_name = 1; string model_name = 2; "
    "map ModelRepositoryParameter parameters = 3",
    "ModelRepositoryParameter": "oneof bool bool_param = 1; oneof int64 int64_param = 2; "
    "oneof string string_param = 3; oneof bytes bytes_param = 4",
    "HealthCheckRequest": "string service = 1",
    "HealthCheckResponse": "int32 status = 1",
}
"""The fields of each message. An enumeration is an int32, which it is on the wire; a map has keys of type string."""

CONTENTS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
"""The field of typed contents that has the values of each datatype; other datatypes are raw only."""

_PACKAGE = "nalu"
"""It stands for no protocol: the names of messages are not on the wire."""
_FIELD = re.compile(r"(?:(repeated|map|oneof) )?(\w+) (\w+) = (\d+)")


def _message(name: str, fields: str) -> DescriptorProto:
    message = DescriptorProto(name=name)
    for kind, type_name, field_name, number in _FIELD.findall(fields):
        field = message.field.add(name=field_name, number=int(number), label=_label(kind))
        if kind == "map":
            type_name = _add_map_entry(message, field_name, type_name)
        elif kind == "oneof":
            if not message.oneof_decl:
                message.oneof_decl.add(name="parameter_choice")
            field.oneof_index = 0
        _set_type(field, type_name)
    return message


def _label(kind: str) -> Any:
    several = kind in ("repeated", "map")
    return FieldDescriptorProto.LABEL_REPEATED if several else FieldDescriptorProto.LABEL_OPTIONAL


def _add_map_entry(message: DescriptorProto, field_name: str, type_name: str) -> str:
    """Write a map as protobuf does: as repeated pairs, whose message is within the one that has it; return its name."""
    entry = message.nested_type.add(name=f"{field_name.title()}Entry")
    entry.options.map_entry = True
    for number, (name, kind) in enumerate({"key": "string", "value": type_name}.items(), 1):
        _set_type(entry.field.add(name=name, number=number, label=FieldDescriptorProto.LABEL_OPTIONAL), kind)
    return f"{message.name}.{entry.name}"


def _set_type(field: FieldDescriptorProto, type_name: str) -> None:
    if type_name[0].islower():
        field.type = FieldDescriptorProto.Type.Value(f"TYPE_{type_name.upper()}")
    else:
        field.type = FieldDescriptorProto.TYPE_MESSAGE
        field.type_name = f".{_PACKAGE}.{type_name}"


def _classes() -> dict[str, Any]:
    file = FileDescriptorProto(name="nalu.proto", package=_PACKAGE, syntax="proto3")
    file.message_type.extend(_message(name, fields) for name, fields in MESSAGES.items())
    pool = DescriptorPool()
    pool.Add(file)
    return {name: GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in MESSAGES}


CLASSES = _classes()
"""The class of each message, by its name in ``MESSAGES``."""


def read_message(name: str, content: bytes) -> Any:
    """Read a serialised message.

    Args:
        name: of the message, in ``MESSAGES``.
        content: its bytes.

    Raises:
        InvalidInputError: they are none.
    """
    try:
        return CLASSES[name].FromString(content)
    except DecodeError as error:
        raise InvalidInputError(f"The request has bytes that are no {name} message; check the client.") from error
