import ast
from pathlib import Path

FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


def handles_messages(function: FUNCTIONS) -> bool:
    """Whether textual calls it, which finds it by its decorator."""
    return any(ast.unparse(decorator).startswith("on(") for decorator in function.decorator_list)


def test_every_private_name_is_read_somewhere():
    made, read = {}, set()
    for path in sorted(Path("explorer").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef() if handles_messages(node):
                    pass
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                    made.setdefault(name, f"{path}:{node.lineno}")
                case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                    made.setdefault(name, f"{path}:{node.lineno}")
                case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                    read.add(name)
                case ast.Constant(value=str(name)):
                    read.add(name)  # An attribute may be named by a string.
    private = {name for name in made if name.startswith("_") and name.strip("_") and not name.startswith("__")}
    assert {name: made[name] for name in private - read} == {}
