"""Strings: joining, hashing, numbers to and from text, buckets, CSV lines."""

import tensorflow as tf
from make_op_cases import Case, of, vec

LINES = of("string", ["1.5,2,abc", "-3,,", '"7",4,"a ""quoted"", field"'])
WORDS = ["", "a", "12345678", "a longer string with many characters in it, over 64 bytes, so that loops run"]
DEFAULTS = [of("float32", [0.5]), of("int64", [9]), of("string", ["none"])]

CASES = [
    Case("StringJoin", [of("string", ["a", "b"]), of("string", ["c", "d"])], separator="-"),
    Case("StringJoin", [of("string", "x"), of("string", ["c", "d"])], name="scalar"),
    Case("StringJoin", [of("string", ["a"]), of("string", ["c", "d"])], name="wrong shapes"),
    Case(
        "StringToHashBucketFast",
        of("string", ["", "a", "abc", "a longer string with many characters in it, over 64 bytes"]),
        num_buckets=1000003,
    ),
    Case("StringToHashBucketStrong", of("string", WORDS), num_buckets=2**62, key=[1, 2]),
    Case("StringToHashBucketStrong", of("string", WORDS), num_buckets=10, key=[-1, 2**63 - 1], name="other key"),
    Case("StringToHashBucketStrong", of("string", WORDS), num_buckets=10, key=[1], name="short key"),
    Case("RegexFullMatch", of("string", ["model", "s3://x", "s3:/"]), of("string", "^s3://.*")),
    Case("RegexFullMatch", of("string", ["a"]), of("string", "("), name="no pattern"),
    Case("RegexFullMatch", of("string", ["a"]), of("string", ["a"]), name="vector of patterns"),
    Case("StaticRegexFullMatch", of("string", [["model", "s3://x"], ["", "x\ny"]]), pattern=".*[ex3].*"),
    Case("StaticRegexFullMatch", of("string", []), pattern="a", name="nothing"),
    Case("StaticRegexFullMatch", of("string", ["a"]), pattern="[", name="no pattern"),
    Case("RegexReplace", of("string", ["banana", "x"]), of("string", "(a)(n)"), of("string", "\\2\\1")),
    Case("RegexReplace", of("string", ["a"]), of("string", "a"), of("string", ["x"]), name="vector of rewrites"),
    Case("RegexReplace", of("string", ["a"]), of("string", "("), of("string", "x"), name="no pattern"),
    Case("StaticRegexReplace", of("string", ["banana", ""]), pattern="an", rewrite="-"),
    Case("StaticRegexReplace", of("string", ["banana"]), pattern="an", rewrite="-", replace_global=False, name="first"),
    Case("StaticRegexReplace", of("string", ["banana"]), pattern="an", rewrite="\\3", name="no such group"),
    [
        Case("StringToNumber", of("string", ["1", "-2", "17"]), out_type=tf.as_dtype(d), name=d)
        for d in ("float32", "float64", "int32", "int64")
    ],
    Case("StringToNumber", of("string", ["1.5", "-2e3", "inf"]), name="floats"),
    Case("StringToNumber", of("string", ["x1"]), name="not a number"),
    [Case("AsString", of(d, [1, 2, 100]), name=d) for d in ("int32", "int64", "float32", "float64", "bool")],
    Case("AsString", vec(1.5, -2.25), precision=2, name="precision"),
    Case("Bucketize", vec(-5.0, 0.0, 3.0, 9.5, 10.0, 100.0), boundaries=[0.0, 3.0, 10.0]),
    Case("Bucketize", of("int64", [1, 5, 7]), boundaries=[2.0, 5.0], name="int64"),
    Case("DecodeCSV", LINES, DEFAULTS),
    Case(
        "DecodeCSV",
        of("string", ["1;NA;x"]),
        DEFAULTS,
        field_delim=";",
        na_value="NA",
        name="delimiter and missing value",
    ),
    Case("DecodeCSV", of("string", ['"1,2,"x']), DEFAULTS, use_quote_delim=False, name="quotes as they are"),
    Case("DecodeCSV", of("string", ["1,2,3"]), DEFAULTS, select_cols=[0, 2, 3], name="missing column"),
    Case("DecodeCSV", of("string", ["a,1,2,b,3"]), DEFAULTS, select_cols=[1, 2, 3], name="chosen columns"),
    Case("DecodeCSV", of("string", ["1,2"]), DEFAULTS, name="too few fields"),
    Case("DecodeCSV", of("string", ["1,x,y"]), DEFAULTS, name="not a number"),
    Case(
        "DecodeCSV",
        of("string", ["1,,y"]),
        [of("float32", [0.5]), of("int64", []), of("string", ["none"])],
        name="required",
    ),
]
