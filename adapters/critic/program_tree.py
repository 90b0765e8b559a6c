"""What a program imports, names and reaches, on its syntax tree, held against the policy.

Runs in the inspector process, because parsing hostile source can take all memory or crash the interpreter. Nothing here
recurses: a tree may be as deep as the parser lets it be.
"""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from adapters.critic.policy import Policy, refusal
from schemas.analyses import Finding

_LONGEST = 6  # parts of a name that a policy may refuse
_SPECIAL = re.compile(r"__\w+__")
_LOCAL = re.compile(r"@\s*([A-Za-z_][\w.]*)")  # in pandas' expressions: a variable of the program
_READERS = re.compile(r"read_\w+|\w*loadtxt|genfromtxt|fromfile|imread|urlopen|urlretrieve|open|open_url")


def tree_findings(code: str, policy: Policy) -> list[Finding]:
    """What the policy refuses in the program's syntax tree, or that it cannot be parsed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(code)
    except SyntaxError as error:
        return [
            Finding(tool="syntax", rule="syntax", severity="error", message=error.msg or "invalid", line=error.lineno)
        ]
    except (RecursionError, MemoryError, ValueError) as error:
        return [refusal("unparsable", f"the code is too deep or too odd to be parsed ({type(error).__name__})")]
    program = _Program.of(tree, policy)
    return [finding for node in ast.walk(tree) for finding in program.findings(node)]


@dataclass(frozen=True, slots=True)
class _Program:
    """`aliases`: local name → dotted name of what was imported under it, anywhere in the program. `stars`: modules of
    which everything was imported. `bound`: names the program gives to something of its own. `roots`: first parts of
    what was imported. `words`: names that are refused as text too. `closed`: modules of which names are refused, so
    that it must be seen what is taken from them; `seen`: the nodes at which it is."""

    policy: Policy
    aliases: dict[str, str]
    stars: tuple[str, ...]
    bound: frozenset[str]
    roots: frozenset[str]
    words: frozenset[str]
    closed: frozenset[str]
    seen: frozenset[ast.AST]

    @classmethod
    def of(cls, tree: ast.AST, policy: Policy) -> Self:
        aliases: dict[str, str] = {}
        stars: list[str] = []
        bound: set[str] = set()
        for node in ast.walk(tree):
            match node:
                case ast.Import(names=names):
                    for item in names:
                        top = item.name.partition(".")[0]
                        aliases[item.asname or top] = item.name if item.asname else top
                case ast.ImportFrom(module=str(module), names=names, level=0):
                    aliases.update({item.asname or item.name: f"{module}.{item.name}" for item in names})
                    stars += [module for item in names if item.name == "*"]
                case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                    bound.add(name)
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                    bound.add(name)
        roots = frozenset(known.partition(".")[0] for known in aliases.values())
        words = policy.attributes.refused | {name for name in policy.names.refused if name.startswith("__")}
        closed = {name.rpartition(".")[0] for name in policy.names.refused}
        closed = {module for module in closed if module.partition(".")[0] not in policy.imports.installed}
        seen = frozenset(_openly_used(tree))
        program = cls(policy, aliases, tuple(stars), frozenset(bound), roots, words, frozenset(closed), seen)
        program._follow_assignments(tree)
        return program

    def _follow_assignments(self, tree: ast.AST) -> None:
        """`o = os` makes `o` another name of the module."""
        for node in ast.walk(tree):
            match node:
                case (
                    ast.Assign(targets=[ast.Name(id=name)], value=value)
                    | ast.AnnAssign(target=ast.Name(id=name), value=ast.AST() as value)
                    | ast.NamedExpr(target=ast.Name(id=name), value=value)
                ):
                    dotted = self._dotted(value)
                    if dotted is not None and dotted.partition(".")[0] in self.roots:
                        self.aliases.setdefault(name, dotted)

    def _dotted(self, node: ast.AST) -> str | None:
        """`pd.eval` → `pandas.eval` after `import pandas as pd`; None for what is no plain way to a name."""
        parts: list[str] = []
        while not isinstance(node, ast.Name):
            match node:
                case ast.Attribute(value=node, attr=attr):
                    parts.append(attr)
                case ast.Call(func=ast.Name(id="getattr"), args=[node, name, *_]) if (text := _text(name)) is not None:
                    parts.append(text)
                case ast.Subscript(
                    value=ast.Attribute(value=node, attr="__dict__") | ast.Call(func=ast.Name(id="vars"), args=[node]),
                    slice=name,
                ) if (text := _text(name)) is not None:
                    parts.append(text)
                case ast.NamedExpr(value=node):
                    continue
                case _:
                    return None
        return ".".join([self.aliases.get(node.id, node.id), *reversed(parts)])

    def findings(self, node: ast.AST) -> Iterator[Finding]:
        """What is wrong with this node itself."""
        match node:
            case ast.Import(names=names, lineno=line):
                for item in names:
                    yield from self._import(item.name, line)
            case ast.ImportFrom(level=level, lineno=line) if level:
                yield refusal("import", "relative imports lead nowhere: the program is one file", line)
            case ast.ImportFrom(module=module, names=names, lineno=line):
                yield from self._import(module or "", line)
                for item in names:
                    yield from self._name(f"{module}.{item.name}", line)
                    if f"{module}.{item.name}" in self.policy.imports.refused:
                        yield from self._import(f"{module}.{item.name}", line)
            case ast.Attribute(attr=attr, lineno=line):
                yield from self._attribute(attr, line)
                yield from self._name(self._dotted(node), line)
            case ast.Name(id=name, ctx=ast.Load(), lineno=line):
                if name not in self.policy.names.own & self.bound:
                    yield from self._name(self.aliases.get(name, name), line)
                if node not in self.seen and name not in self.bound and self.aliases.get(name) in self.closed:
                    yield refusal("name", f"{name} is not to be handed on: take from it by name what you need", line)
                if name not in self.bound | self.aliases.keys():
                    for module in self.stars:
                        yield from self._name(f"{module}.{name}", line)
            case ast.MatchClass(kwd_attrs=attributes, lineno=line):
                for attr in attributes:
                    yield from self._attribute(attr, line)
            case ast.Constant(value=str(text), lineno=line):
                yield from self._words(text, line)
            case ast.BinOp(op=ast.Add(), lineno=line) if (joined := _text(node)) is not None:
                yield from self._words(joined, line)
            case ast.Call(lineno=line):
                yield from self._name(self._dotted(node), line)
                yield from self._call(node)
            case ast.Subscript(lineno=line):
                yield from self._name(self._dotted(node), line)

    def _import(self, module: str, line: int) -> Iterator[Finding]:
        parts = module.split(".")
        why = self._unwanted(parts)
        if why is not None:
            yield refusal("import", f"{module} is not to be imported: {why}", line)
        elif parts[0] not in sys.stdlib_module_names and parts[0] not in self.policy.imports.installed:
            offered = ", ".join(self.policy.imports.installed[:3])
            yield refusal("import", f"{parts[0]} is not installed: use the standard library, {offered}", line)
        elif parts[0].startswith("_") and parts[0] != "__future__":
            yield refusal("import", f"{module} is not to be imported: it is a private part of Python", line)

    def _unwanted(self, parts: list[str]) -> str | None:
        """Why the module of that name, or one above it, is refused."""
        names = (".".join(parts[:length]) for length in range(1, len(parts) + 1))
        return next((self.policy.imports.refused[name] for name in names if name in self.policy.imports.refused), None)

    def _name(self, dotted: str | None, line: int) -> Iterator[Finding]:
        """Refuses the name itself (`os.system`), also at the end of a way through modules that use it
        (`tempfile._os.system`), and refused modules on such a way (`logging.socket`)."""
        if dotted is None:
            return
        # Each node of a way is asked about on its own: here only its end counts.
        parts = dotted.removeprefix("builtins.").split(".")
        ways = [".".join(parts)] if len(parts) <= _LONGEST else []
        for at in range(max(1, len(parts) - _LONGEST), len(parts) - 1):
            ways.append(".".join([parts[at].lstrip("_"), *parts[at + 1 :]]))
        for way in ways:
            why = self.policy.names.refused.get(way)
            if why is not None:
                yield refusal("name", f"{way} is not to be used: {why}", line)
                return
        if len(parts) > 1 and parts[0] in self.roots:
            refused = self.policy.imports.refused
            why = refused.get(parts[-1].lstrip("_")) or refused.get(".".join(parts))
            if why is not None:
                yield refusal("name", f"{dotted} is not to be used: {why}", line)

    def _attribute(self, name: str, line: int) -> Iterator[Finding]:
        if name in self.policy.attributes.refused:
            yield refusal("attribute", f"{name} is not to be used", line)

    def _words(self, text: str, line: int) -> Iterator[Finding]:
        """Names that only serve to climb out of the language, as text for `getattr`, `format` or a dictionary."""
        for name in sorted({text, *_SPECIAL.findall(text)} & self.words):
            yield refusal("attribute", f"{name} is not to be used, nor its name as text", line)

    def _call(self, call: ast.Call) -> Iterator[Finding]:
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        first = call.args[0] if call.args else None
        if first is None:
            return
        if name in ("query", "eval"):
            for dotted in _LOCAL.findall(" ".join(_texts(first))):
                head, _, rest = dotted.partition(".")
                yield from self._name(f"{self.aliases.get(head, head)}.{rest}".rstrip("."), call.lineno)
        if _READERS.fullmatch(name):
            for text in _texts(first):
                for beginning, why in self.policy.addresses.refused.items():
                    if text.lower().startswith(beginning):
                        yield refusal("address", f"{beginning}… cannot be read: {why}", call.lineno)
        unwritten = name == "vars" or (name == "getattr" and len(call.args) > 1 and _text(call.args[1]) is None)
        if unwritten and self._dotted(first) in self.closed & set(self.aliases.values()):
            yield refusal("name", f"what is taken from {self._dotted(first)} must be written out", call.lineno)


def _openly_used(tree: ast.AST) -> Iterator[ast.AST]:
    """Where something is taken from a name, or it is given another, both of which can be followed."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=value) | ast.NamedExpr(value=value):
                yield value
            case ast.Assign(targets=[ast.Name()], value=value) | ast.AnnAssign(value=ast.AST() as value):
                yield value
            case ast.Call(func=ast.Name(id="getattr" | "hasattr" | "vars" | "dir"), args=[value, *_]):
                yield value


def _text(node: ast.AST) -> str | None:
    """The text that constants, also several joined by `+`, stand for."""
    parts: list[str] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        if not (isinstance(node.right, ast.Constant) and isinstance(node.right.value, str)):
            return None
        parts.append(node.right.value)
        node = node.left
    if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        return None
    return "".join([node.value, *reversed(parts)])


def _texts(node: ast.AST) -> list[str]:
    """The constant parts of a text, an f-string's too."""
    if isinstance(node, ast.JoinedStr):
        return [text for part in node.values if (text := _text(part)) is not None]
    text = _text(node)
    return [] if text is None else [text]
