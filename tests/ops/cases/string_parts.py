"""Parts of strings: splitting at bytes, at words, at white space; substrings by bytes and by characters."""

from make_op_cases import Case, of

WORDS = of("string", ["a b  c", "", " x ", "no"])
LINES = of("string", ["1,,2", ",", "3"])
TEXT = of("string", ["hello", "abcdef"])

CASES = [
    Case("StringSplit", WORDS, of("string", " ")),
    Case("StringSplit", WORDS, of("string", " "), skip_empty=False, name="with empty ones"),
    Case("StringSplit", LINES, of("string", ","), skip_empty=False, name="fields"),
    Case("StringSplit", of("string", ["a,b;c"]), of("string", ",;"), name="several delimiters"),
    Case("StringSplit", of("string", ["abc", ""]), of("string", ""), name="bytes"),
    Case("StringSplit", of("string", [["a"]]), of("string", ","), name="matrix"),
    Case("StringSplit", of("string", ["a"]), of("string", [","]), name="vector of delimiters"),
    Case("StringSplitV2", WORDS, of("string", "")),
    Case("StringSplitV2", WORDS, of("string", " "), name="at spaces"),
    Case("StringSplitV2", LINES, of("string", ","), name="fields"),
    Case("StringSplitV2", of("string", ["a--b--c", "--"]), of("string", "--"), name="at a word"),
    Case("StringSplitV2", of("string", ["a b c ", "  a  b  c  "]), of("string", ""), maxsplit=1, name="once at space"),
    Case("StringSplitV2", of("string", ["a,b,c"]), of("string", ","), maxsplit=1, name="once"),
    Case("StringSplitV2", of("string", ["a,b,c"]), of("string", ","), maxsplit=0, name="never"),
    Case("Substr", TEXT, of("int32", 1), of("int32", 3)),
    Case("Substr", TEXT, of("int32", 1), of("int32", 3), unit="UTF8_CHAR", name="characters"),
    Case("Substr", TEXT, of("int32", -3), of("int32", 2), name="from the end"),
    Case("Substr", TEXT, of("int32", -3), of("int32", 2), unit="UTF8_CHAR", name="characters from the end"),
    Case("Substr", TEXT, of("int32", [0, 2]), of("int32", [1, 100]), name="each its own"),
    Case("Substr", of("string", "abc"), of("int64", [0, 1, 3]), of("int64", [1, 1, 1]), name="one string"),
    Case(
        "Substr", of("string", [["ab", "cd"], ["ef", "gh"]]), of("int32", [0, 1]), of("int32", [1, 1]), name="columns"
    ),
    Case("Substr", TEXT, of("int32", 7), of("int32", 1), name="out of range"),
    Case("Substr", TEXT, of("int32", -8), of("int32", 1), name="before the beginning"),
    Case("Substr", TEXT, of("int32", 0), of("int32", -1), name="negative length"),
    Case("Substr", TEXT, of("int32", 1), of("int32", -1), unit="UTF8_CHAR", name="negative length of characters"),
    Case("Substr", TEXT, of("int32", [0, 0]), of("int32", 1), name="other shapes"),
]
