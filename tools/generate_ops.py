#!/usr/bin/env python3
"""Writes C++ builders and Python wrappers of every op that DEFINE_OP declares.

It reads the declarations in src/ as text, so it needs no compiled registry, and writes a file only when its contents
change, so that an edit to a kernel recompiles that kernel alone:

    generated/headrace/ops/FAMILY.h   one header a family: a folder of src/ops/, or another folder that declares ops
    generated/headrace/ops.h          all of them
    generated/ops_builders.cc         their bodies
    generated/ops_catalogue.json      what was found, for the test that compares it with the registry
    python/headrace/_ops.py           the Python wrappers
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import keyword
import pathlib
import re
import sys

# Ops whose own name is a type or function of the public headers already.
BUILDER_NAMES = {"Shape": "ShapeOf", "Const": "ConstOp", "Variable": "VariableOp", "Assert": "AssertOp"}

CPP_TYPES = {
    "int": "int64_t", "float": "float", "bool": "bool", "string": "std::string", "type": "DType",
    "shape": "PartialShape", "tensor": "Tensor", "func": "FunctionRef",
}  # fmt: skip


@dataclasses.dataclass
class Arg:
    name: str
    type: str  # an attribute's name, or a fixed dtype
    number: str | None  # the attribute that counts them: "values: N * T"


@dataclasses.dataclass
class Attr:
    name: str
    type: str  # "int", "list(type)", ...
    default: str | None  # as written


@dataclasses.dataclass
class Op:
    name: str
    family: str
    inputs: list[Arg] = dataclasses.field(default_factory=list)
    outputs: list[Arg] = dataclasses.field(default_factory=list)
    attrs: list[Attr] = dataclasses.field(default_factory=list)

    def attr(self, name: str) -> Attr | None:
        return next((attr for attr in self.attrs if attr.name == name), None)

    def is_list(self, arg: Arg) -> bool:
        attr = self.attr(arg.type)
        return arg.number is not None or (attr is not None and attr.type.startswith("list"))

    def explicit_attrs(self) -> list[Attr]:
        """The attributes that inputs do not determine."""
        inferred = {arg.type for arg in self.inputs} | {arg.number for arg in self.inputs}
        return [attr for attr in self.attrs if attr.name not in inferred and not attr.name.startswith("_")]

    def required_attrs(self) -> list[Attr]:
        return [attr for attr in self.explicit_attrs() if attr.default is None]

    def optional_attrs(self) -> list[Attr]:
        return [attr for attr in self.explicit_attrs() if attr.default is not None]


TOKEN = re.compile(
    r"""//[^\n]*|/\*.*?\*/                    # comments
      | R"(?P<delim>[^(\s]*)\(.*?\)(?P=delim)"  # raw strings
      | "(?:\\.|[^"\\])*"                     # strings
      | (?<![0-9A-Za-z])'(?:\\.|[^'\\])+'     # characters, not digit separators
      | \w+ | \s+ | .""",
    re.VERBOSE | re.DOTALL,
)


def tokens(text: str) -> list[str]:
    """The tokens of C++ text, without comments and spaces."""
    found = (match.group(0) for match in TOKEN.finditer(text))
    return [t for t in found if not t.isspace() and not t.startswith(("//", "/*"))]


def unquote(token: str) -> str:
    return re.sub(r"\\(.)", lambda match: {"n": "\n", "t": "\t"}.get(match[1], match[1]), token[1:-1])


def parse_arg(spec: str) -> Arg:
    name, _, rest = spec.partition(":")
    rest = rest.replace("Ref(", "").replace(")", "").strip()
    number, star, type_ = rest.partition("*")
    return Arg(name.strip(), (type_ if star else rest).strip(), number.strip() if star else None)


def parse_attr(spec: str) -> Attr:
    name, _, rest = spec.partition(":")
    rest = rest.strip()
    # The default is behind the '=' that is not part of '>='.
    match = re.match(
        r"(?P<type>(?:\{[^}]*\}|list\(\s*(?:\{[^}]*\}|\w+)\s*\)|\w+))\s*"
        r"(?:>=\s*-?\d+\s*)?(?:=\s*(?P<d>.*))?$",
        rest,
        re.DOTALL,
    )
    if not match:
        raise SystemExit(f"generate_ops: cannot read the attribute {spec!r}")
    type_ = match["type"].replace(" ", "")
    braces = re.search(r"\{([^}]*)\}", type_)
    if braces:
        element = "string" if "'" in braces[1] else "type"
        type_ = f"list({element})" if type_.startswith("list") else element
    return Attr(name.strip(), type_, match["d"].strip() if match["d"] else None)


def parse_ops(text: str, family: str) -> list[Op]:
    """The ops declared in one source file, in order."""
    ops = []
    stream = tokens(text)
    i = 0
    while i < len(stream):
        if stream[i] != "DEFINE_OP" or stream[i + 1] != "(":
            i += 1
            continue
        if not stream[i + 2].startswith('"'):  # the macro's own definition
            i += 1
            continue
        op = Op(unquote(stream[i + 2]), family)
        i += 3
        depth = 1
        while i < len(stream) and not (stream[i] == ";" and depth == 0):
            token = stream[i]
            if depth == 0 and token == "SameSignatureAs" and stream[i - 1] == ".":
                like = next((known for known in ops if known.name == unquote(stream[i + 2])), None)
                if like is None:
                    raise SystemExit(f"generate_ops: {op.name} has the signature of {stream[i + 2]}, unknown so far")
                op.inputs, op.outputs, op.attrs = list(like.inputs), list(like.outputs), list(like.attrs)
            if depth == 0 and token in ("Input", "Output", "Attr") and stream[i - 1] == "." and stream[i + 1] == "(":
                j = i + 2
                spec = ""
                while stream[j].startswith('"'):  # adjacent literals are one
                    spec += unquote(stream[j])
                    j += 1
                if token == "Input":
                    op.inputs.append(parse_arg(spec))
                elif token == "Output":
                    op.outputs.append(parse_arg(spec))
                elif ":" in spec:
                    op.attrs.append(parse_attr(spec))
                else:
                    op.attrs.append(Attr(spec, "type", None))  # Attr("T", kFloating)
            depth += (token in "([{") - (token in ")]}")
            i += 1
        ops.append(op)
    return ops


# ------------------------------------------------------------------------------------------------------------- C++


def cpp_type(type_: str) -> str:
    match = re.fullmatch(r"list\((\w+)\)", type_)
    return f"std::vector<{CPP_TYPES[match[1]]}>" if match else CPP_TYPES[type_]


def cpp_dtype(name: str) -> str:
    return f'ParseDType("{name}")'


def cpp_scalar(type_: str, text: str) -> str:
    if type_ == "string":
        return json.dumps(text[1:-1])
    if type_ == "type":
        return cpp_dtype(text)
    if type_ == "shape":
        if "unknown_rank" in text:
            return "PartialShape()"
        sizes = re.findall(r"size\s*:\s*(-?\d+)", text)
        return "PartialShape({" + ", ".join(sizes) + "})" if sizes else "PartialShape(Shape())"
    if type_ == "float":
        return repr(float(text)) + "f"
    return text


def cpp_default(attr: Attr) -> str:
    assert attr.default is not None
    match = re.fullmatch(r"list\((\w+)\)", attr.type)
    if not match:
        return cpp_scalar(attr.type, attr.default)
    inner = attr.default.strip()[1:-1].strip()
    items = re.findall(r"\{[^}]*\}|'[^']*'|[^,\s]+", inner)
    return "{" + ", ".join(cpp_scalar(match[1], item) for item in items) + "}"


CPP_KEYWORDS = {
    "and", "bool", "case", "char", "class", "const", "default", "delete", "do", "double", "else", "enum", "export",
    "float", "for", "if", "int", "long", "namespace", "new", "not", "operator", "or", "private", "public", "register",
    "return", "short", "signed", "static", "struct", "switch", "template", "this", "typename", "union", "unsigned",
    "using", "void", "volatile", "while", "xor",
}  # fmt: skip


def cpp_name(name: str) -> str:
    return name + "_" if name in CPP_KEYWORDS else name


def builder_name(op: Op) -> str:
    return BUILDER_NAMES.get(op.name, op.name)


def cpp_result(op: Op) -> str:
    if not op.outputs:
        return "Node*"
    if len(op.outputs) > 1:
        return f"{builder_name(op)}Outputs"
    return "std::vector<Output>" if op.is_list(op.outputs[0]) else "Output"


def cpp_signature(op: Op, with_defaults: bool) -> str:
    params = []
    for arg in op.inputs:
        type_ = "const std::vector<Output>&" if op.is_list(arg) else "Output"
        params.append(f"{type_} {cpp_name(arg.name)}")
    for attr in op.required_attrs():
        type_ = cpp_type(attr.type)
        by_value = attr.type in ("int", "float", "bool", "type")
        params.append(f"{type_ if by_value else f'const {type_}&'} {cpp_name(attr.name)}")
    if op.optional_attrs():
        params.append(f"const {builder_name(op)}Options& options" + (" = {}" if with_defaults else ""))
    else:
        params.append("std::string_view name" + (" = {}" if with_defaults else ""))
    return f"{cpp_result(op)} {builder_name(op)}({', '.join(params)})"


def cpp_declaration(op: Op) -> str:
    lines = []
    if op.optional_attrs():
        lines.append(f"struct {builder_name(op)}Options {{")
        for attr in op.optional_attrs():
            lines.append(f"  {cpp_type(attr.type)} {cpp_name(attr.name)} = {cpp_default(attr)};")
        lines += ["  std::string_view name = {};", "};"]
    if len(op.outputs) > 1:
        lines.append(f"struct {cpp_result(op)} {{")
        for arg in op.outputs:
            lines.append(f"  {'std::vector<Output>' if op.is_list(arg) else 'Output'} {cpp_name(arg.name)};")
        lines.append("};")
    lines.append(cpp_signature(op, True) + ";")
    return "\n".join(lines)


def cpp_definition(op: Op) -> str:
    arguments = ", ".join(cpp_name(arg.name) if op.is_list(arg) else f"{{{cpp_name(arg.name)}}}" for arg in op.inputs)
    attrs = [f'{{"{attr.name}", {cpp_name(attr.name)}}}' for attr in op.required_attrs()]
    attrs += [f'{{"{attr.name}", options.{cpp_name(attr.name)}}}' for attr in op.optional_attrs()]
    name = "options.name" if op.optional_attrs() else "name"
    call = f'Build("{op.name}", {{{arguments}}}, {{{", ".join(attrs)}}}, {name})'
    if not op.outputs:
        body = f"  return {call};"
    elif len(op.outputs) == 1 and not op.is_list(op.outputs[0]):
        body = f"  return {call}->output(0);"
    elif len(op.outputs) == 1:
        body = f"  return {call}->outputs();"
    elif any(op.is_list(arg) for arg in op.outputs):
        parts = [
            f"OutputList(node, {i})" if op.is_list(arg) else f"OutputList(node, {i}).front()"
            for i, arg in enumerate(op.outputs)
        ]
        body = f"  Node* node = {call};\n  return {{{', '.join(parts)}}};"
    else:
        parts = [f"node->output({i})" for i in range(len(op.outputs))]
        body = f"  Node* node = {call};\n  return {{{', '.join(parts)}}};"
    return f"{cpp_signature(op, False)} {{\n{body}\n}}"


def cpp_header(ops: list[Op], family: str) -> str:
    lines = [
        f"// Builders of the ops of the family {family}. Generated by tools/generate_ops.py.",
        "#pragma once",
        "",
        '#include "headrace/graph.h"',
        "",
        "namespace headrace {",
        "",
    ]
    lines += [cpp_declaration(op) for op in ops]
    return "\n".join([*lines, "", "}  // namespace headrace", ""])


def cpp_bodies(ops: list[Op]) -> str:
    lines = [
        "// Bodies of the op builders. Generated by tools/generate_ops.py.",
        '#include "headrace/ops.h"',
        '#include "declare/builder.h"',
        "",
        "namespace headrace {",
        "",
        "using internal::Build;",
        "using internal::OutputList;",
        "",
    ]
    lines += [cpp_definition(op) for op in ops]
    return "\n".join([*lines, "", "}  // namespace headrace", ""])


# ---------------------------------------------------------------------------------------------------------- Python


def snake_case(name: str) -> str:
    """TensorFlow's rule for the Python names of ops: MatMul -> mat_mul, TopKV2 -> top_kv2."""
    result = ""
    for i, c in enumerate(name):
        if c.isupper() and i > 0 and (name[i - 1].islower() or (i + 1 < len(name) and name[i + 1].islower())):
            result += "_"
        result += c.lower()
    return result


def python_name(name: str) -> str:
    return name + "_" if keyword.iskeyword(name) else name


def python_scalar(type_: str, text: str) -> str:
    if type_ == "bool":
        return text.capitalize()
    if type_ == "string":
        return repr(text[1:-1])
    if type_ == "type":
        return repr(text.removeprefix("DT_").lower())
    if type_ == "shape":
        if "unknown_rank" in text:
            return "None"
        return repr([int(size) for size in re.findall(r"size\s*:\s*(-?\d+)", text)])
    return repr(float(text)) if type_ == "float" else text


def python_default(attr: Attr) -> str:
    assert attr.default is not None
    match = re.fullmatch(r"list\((\w+)\)", attr.type)
    if not match:
        return python_scalar(attr.type, attr.default)
    items = re.findall(r"\{[^}]*\}|'[^']*'|[^,\s]+", attr.default.strip()[1:-1])
    return "(" + "".join(python_scalar(match[1], item) + ", " for item in items).rstrip() + ")"


def python_wrapper(op: Op) -> str:
    params = [python_name(arg.name) for arg in op.inputs]
    params += [python_name(attr.name) for attr in op.required_attrs()]
    params += [f"{python_name(attr.name)}={python_default(attr)}" for attr in op.optional_attrs()]
    params.append("name=None")
    inputs = ", ".join(python_name(arg.name) for arg in op.inputs)
    attrs = ", ".join(f'"{attr.name}": {python_name(attr.name)}' for attr in op.explicit_attrs())
    return (
        f"def {python_name(snake_case(op.name))}({', '.join(params)}):\n"
        f'    return _core.apply("{op.name}", [{inputs}], {{{attrs}}}, name)\n'
    )


def python_module(ops: list[Op]) -> str:
    lines = [
        '"""One function an op, taking TensorFlow\'s argument names. Generated by tools/generate_ops.py."""',
        "",
        "from headrace import _core",
        "",
        "",
    ]
    return "\n".join(lines) + "\n\n".join(python_wrapper(op) for op in ops)


# ------------------------------------------------------------------------------------------------------------ main


def write_if_changed(path: pathlib.Path, text: str) -> None:
    if path.exists() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=pathlib.Path, required=True, help="the folder src/")
    parser.add_argument("--generated", type=pathlib.Path, required=True, help="where the C++ goes")
    parser.add_argument("--python", type=pathlib.Path, required=True, help="the Python file to write")
    args = parser.parse_args()

    ops: dict[str, Op] = {}
    families: dict[str, list[Op]] = {}
    for path in sorted(args.source.glob("**/*.cc")):
        text = path.read_text()
        if "DEFINE_OP(" not in text:
            continue
        family = path.parent.name
        for op in parse_ops(text, family):
            if op.name in ops:
                sys.exit(f"generate_ops: op {op.name} is declared in {ops[op.name].family}/ and again in {path}")
            ops[op.name] = op
            families.setdefault(family, []).append(op)

    headers = args.generated / "headrace" / "ops"
    for family, members in families.items():
        write_if_changed(headers / f"{family}.h", cpp_header(members, family))
    for stale in headers.glob("*.h"):
        if stale.stem not in families:
            stale.unlink()
    includes = "".join(f'#include "headrace/ops/{family}.h"  // IWYU pragma: export\n' for family in sorted(families))
    write_if_changed(
        args.generated / "headrace" / "ops.h",
        "// Every op's builder. Generated by tools/generate_ops.py.\n#pragma once\n\n" + includes,
    )
    in_order = [ops[name] for name in sorted(ops)]
    write_if_changed(args.generated / "ops_builders.cc", cpp_bodies(in_order))
    catalogue = [
        {
            "op": op.name,
            "inputs": [arg.name for arg in op.inputs],
            "outputs": [arg.name for arg in op.outputs],
            "attrs": [f"{attr.name}: {attr.type}" for attr in op.attrs],
        }
        for op in in_order
    ]
    write_if_changed(args.generated / "ops_catalogue.json", json.dumps(catalogue, indent=1))
    write_if_changed(args.python, python_module(in_order))


if __name__ == "__main__":
    main()
