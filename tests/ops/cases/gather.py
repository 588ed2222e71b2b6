"""Gathers, scatters, one-hot rows, partitions, sets."""

import tensorflow as tf
from make_op_cases import Case, of, ramp, vec

CASES = [
    Case("Gather", ramp(4, 3), [2, 0, 2]),
    Case("Gather", ramp(4, 3), of("int64", [[1, 3], [0, 0]]), name="matrix of indices"),
    Case("Gather", ramp(4, 3), [4], name="out of range"),
    Case("GatherV2", ramp(4, 3), [2, 0, 2], 0),
    Case("GatherV2", ramp(4, 3), [2, 0, 2], 1, name="columns"),
    Case("GatherV2", ramp(2, 4, 3), [[3, 0], [1, 1]], -2, name="middle"),
    Case("GatherV2", of("string", ["a", "b", "c"]), [2, 1], 0, name="strings"),
    Case("GatherV2", ramp(4, 3), 2, 0, name="scalar index"),
    Case("GatherV2", ramp(4, 3), [-1], 0, name="negative"),
    Case("GatherNd", ramp(4, 3), [[1, 2], [0, 0]]),
    Case("GatherNd", ramp(4, 3), [[1], [0]], name="rows"),
    Case("GatherNd", ramp(4, 3), [[1, 3]], name="out of range"),
    Case("ScatterNd", [[1], [3], [1]], ramp(3, 2), [4, 2]),
    Case("ScatterNd", [[1], [4]], ramp(2, 2), [4, 2], name="out of range"),
    [
        Case(op, ramp(4, 2), [[3, 1], [0, 0]], vec(1.0, 2.0))
        for op in ("TensorScatterUpdate", "TensorScatterAdd", "TensorScatterSub", "ScatterNdNonAliasingAdd")
    ],
    Case("TensorScatterAdd", ramp(4, 2), [[2], [0], [2]], ramp(3, 2, start=5.0), name="rows"),
    Case("TensorScatterUpdate", ramp(4, 2), [[4]], ramp(1, 2), name="out of range"),
    Case("OneHot", [0, 2, -1, 5], 3, 1.0, 0.0),
    Case("OneHot", of("int64", [[0, 1], [2, 2]]), 3, 5.0, -1.0, axis=1, name="axis 1"),
    Case("OneHot", [1, 0], 2, of("bool", True), of("bool", False), axis=0, name="axis 0"),
    Case("Where", of("bool", [[1, 0, 1], [0, 0, 1]])),
    Case("Where", vec(0.0, 2.0, -1.0), name="numbers"),
    Case("DynamicStitch", [of("int32", [0, 2]), of("int32", [1, 3])], [ramp(2, 2), ramp(2, 2, start=5.0)]),
    Case("DynamicStitch", [of("int32", [0, 1]), of("int32", [1])], [ramp(2), ramp(1, start=5.0)], name="overwritten"),
    Case("DynamicPartition", ramp(5), [0, 1, 0, 2, 1], num_partitions=3),
    Case("DynamicPartition", ramp(3, 2), [1, 1, 0], num_partitions=2, name="rows"),
    Case("DynamicPartition", ramp(3), [0, 2, 0], num_partitions=2, name="out of range"),
    Case("Unique", of("int64", [5, 3, 5, 7, 3])),
    Case("Unique", of("string", ["b", "a", "b"]), out_idx=tf.int64, name="strings"),
    Case("UniqueWithCounts", of("int32", [5, 3, 5, 7, 3])),
    Case("UniqueWithCounts", of("int64", [-(2**62), 2**62, -(2**62), 0]), name="numbers far apart"),
    Case("Unique", of("uint8", [200, 3, 200, 255, 0]), name="bytes"),
    Case("Unique", of("float32", [1.5, 0.5, 1.5]), name="floats"),
    Case("Unique", [[1, 2]], name="matrix"),
    Case("Unique", of("float32", []), name="nothing"),
    Case("UniqueV2", of("string", ["b", "a", "b"]), of("int64", [])),
    Case("UniqueV2", [[1, 2, 1], [3, 4, 3]], of("int64", [1]), name="columns"),
    Case(
        "UniqueV2", of("string", [["a", "b"], ["a", "c"], ["a", "b"]]), of("int32", [0]), out_idx=tf.int64, name="rows"
    ),
    Case("UniqueV2", of("bool", [[[1, 0], [1, 0]], [[0, 1], [0, 1]]]), of("int64", [1]), name="middle axis"),
    Case("UniqueV2", [1, 2], of("int64", [1]), name="axis out of range"),
    Case("UniqueV2", [[1, 2]], of("int64", []), name="matrix without an axis"),
    Case("UniqueV2", [1, 2], of("int64", [0, 0]), name="two axes"),
    Case("UniqueV2", [1, 2], of("int64", 0), name="scalar axis"),
    Case("UniqueWithCountsV2", vec(2.0, 1.0, 2.0), of("int64", [0])),
    Case("ListDiff", of("int32", [1, 2, 3, 4, 5]), of("int32", [2, 4])),
]
