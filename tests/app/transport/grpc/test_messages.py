"""The table of messages against the published protocol, as tritonclient's generated code has it."""

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from tritonclient.grpc import model_config_pb2, service_pb2

from app.transport.grpc.messages import CLASSES
from app.transport.grpc.methods import DATA_TYPES, INFERENCE, METHODS, STREAMS

SHARED = {
    "ReadyResponse": ("ServerReadyResponse", "ModelReadyResponse"),
    "ModelRequest": ("ModelReadyRequest", "ModelMetadataRequest", "ModelConfigRequest", "ModelStatisticsRequest"),
    "RepositoryModelRequest": ("RepositoryModelLoadRequest", "RepositoryModelUnloadRequest"),
    "TensorMetadata": ("ModelMetadataResponse.TensorMetadata",),
    "InferInputTensor": ("ModelInferRequest.InferInputTensor",),
    "InferRequestedOutputTensor": ("ModelInferRequest.InferRequestedOutputTensor",),
    "InferOutputTensor": ("ModelInferResponse.InferOutputTensor",),
    "ModelIndex": ("RepositoryIndexResponse.ModelIndex",),
    "Empty": ("ServerLiveRequest", "ServerReadyRequest", "ServerMetadataRequest", "RepositoryModelLoadResponse"),
}
"""Messages that stand for others of equal fields, and those that are nested there."""
PARTIAL = {"ModelConfig", "ModelVersionPolicy", "ModelInput", "ModelOutput", "ModelStatistics", "InferStatistics"}
"""Messages of which the service has a part."""
SERIALISED = {
    ("ModelInferRequest", "inputs"),
    ("ModelInferRequest", "outputs"),
    ("ModelStreamInferResponse", "infer_response"),
}
"""Fields whose messages are bytes for the service."""
HEALTH = ("HealthCheckRequest", "HealthCheckResponse")
"""Of another protocol."""
PAIRS = [(ours, theirs) for ours in CLASSES if ours not in HEALTH for theirs in SHARED.get(ours, (ours,))]


def published(name: str) -> Descriptor:
    outer, _, inner = name.partition(".")
    messages = {
        **service_pb2.DESCRIPTOR.message_types_by_name,
        **model_config_pb2.DESCRIPTOR.message_types_by_name,
    }
    return messages[outer].nested_types_by_name[inner] if inner else messages[outer]


def wire_type(field: FieldDescriptor) -> tuple[int, bool, str]:
    """A field on the wire: an enumeration is an int32, and a message that is not parsed yet is bytes."""
    kind = {FieldDescriptor.TYPE_ENUM: FieldDescriptor.TYPE_INT32}.get(field.type, field.type)
    if (field.containing_type.name, field.name) in SERIALISED:
        kind = FieldDescriptor.TYPE_BYTES
    return kind, field.is_repeated, field.name


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_each_field_has_the_published_number_and_type(ours: str, theirs: str) -> None:
    known = {field.number: wire_type(field) for field in published(theirs).fields}
    fields = CLASSES[ours].DESCRIPTOR.fields
    assert {field.number: wire_type(field) for field in fields} == {
        field.number: known.get(field.number) for field in fields
    }
    assert ours in PARTIAL or len(fields) == len(known)


def test_each_method_has_the_published_messages() -> None:
    service = service_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"]
    for name, method in METHODS[INFERENCE].items():
        theirs = service.methods_by_name[name].input_type.name
        assert theirs in SHARED.get(method.request, (method.request,)) or theirs == method.request
        assert service.methods_by_name[name].client_streaming == (name in STREAMS)


def test_datatypes_have_the_published_numbers() -> None:
    published_types = model_config_pb2.DESCRIPTOR.enum_types_by_name["DataType"].values_by_name
    assert {f"TYPE_{name}": number for number, name in enumerate(DATA_TYPES)} == {
        name: value.number for name, value in published_types.items()
    }


def test_messages_do_not_collide_with_those_of_a_client_in_the_same_process() -> None:
    assert CLASSES["ModelInferRequest"].DESCRIPTOR.file.pool is not service_pb2.DESCRIPTOR.pool
