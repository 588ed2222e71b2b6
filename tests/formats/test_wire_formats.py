"""Our messages have TensorFlow's names, field numbers and types (compared with its descriptors, in its interpreter)."""

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ORACLE = os.environ.get("HEADRACE_ORACLE_PYTHON")
# Carried as unknown fields, or not at all.
LEFT_OUT = {
    ("tensorflow.GraphDef", "debug_info"),
    ("tensorflow.MetaGraphDef", "object_graph_def"),
    ("tensorflow.TensorInfo", "composite_tensor"),
}

COMPARE = """
import sys
from google.protobuf import descriptor_pb2, descriptor_pool
from tensorflow.core.example import example_pb2
from tensorflow.core.framework import graph_pb2, summary_pb2, variable_pb2
from tensorflow.core.protobuf import saved_model_pb2, tensor_bundle_pb2
from tensorflow.core.util import event_pb2
from tensorflow.python.training import saver

pool = descriptor_pool.Default()
files = descriptor_pb2.FileDescriptorSet.FromString(open(sys.argv[1], "rb").read())

def fields(message):
    return {f.number: (f.name, f.type, f.label, f.type_name.split(".")[-1]) for f in message.field}

def compare(ours, name):
    theirs = descriptor_pb2.DescriptorProto()
    pool.FindMessageTypeByName(name).CopyToProto(theirs)
    a, b = fields(ours), fields(theirs)
    for number in sorted(set(a) | set(b)):
        if a.get(number) != b.get(number):
            print("DIFFERENT", name, number, (b.get(number) or a.get(number))[0])
    for nested in ours.nested_type:
        compare(nested, name + "." + nested.name)
    for enum in ours.enum_type:
        compare_enum(enum, name + "." + enum.name)

def compare_enum(ours, name):
    theirs = {v.number: v.name for v in pool.FindEnumTypeByName(name).values}
    if theirs != {v.number: v.name for v in ours.value}:
        print("DIFFERENT", name, 0, "enum")

for file in files.file:
    if file.package != "tensorflow":
        continue
    for message in file.message_type:
        print("COMPARED", message.name)
        compare(message, "tensorflow." + message.name)
    for enum in file.enum_type:
        compare_enum(enum, "tensorflow." + enum.name)
"""


@pytest.mark.skipif(not ORACLE, reason="HEADRACE_ORACLE_PYTHON names no interpreter with TensorFlow")
def test_messages_are_tensorflows(tmp_path):
    descriptors = tmp_path / "ours"
    protos = sorted(str(path) for path in (ROOT / "proto").glob("*.proto"))
    subprocess.run(
        [
            "protoc",
            f"--proto_path={ROOT / 'proto'}",
            "--include_imports",
            f"--descriptor_set_out={descriptors}",
            *protos,
        ],
        check=True,
    )
    # Its own tensorflow, not the one that a PYTHONPATH of ours would give it.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(
        [ORACLE, "-c", COMPARE, str(descriptors)], env=environment, capture_output=True, text=True, check=True
    )
    lines = [line.split() for line in result.stdout.splitlines()]
    assert sum(line[0] == "COMPARED" for line in lines) > 40
    different = {(line[1], line[3]) for line in lines if line[0] == "DIFFERENT"}
    assert different == LEFT_OUT
