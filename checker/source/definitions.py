"""Finds the names that the statements of a cell define, change and need, from its source alone. Pure.

Theory of operation: a cell is parsed, and each statement at its top level becomes a record of names. A function's body
needs its names only when the function is called, so these are kept apart. A cell that is no valid Python is read line
by line with Python's tokenizer, which tells names from everything else. Magics are removed, except for Python code that
follows them. Sources are hostile: they are cut to ``LONGEST``, each node of the tree is visited once, and no function
is recursive.
"""

import ast
import builtins
import contextlib
import io
import itertools
import keyword
import re
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LONGEST = 50_000
"""Limit on the characters of a cell that are read."""
DEEPEST = 50
"""Limit on nested attributes, items and calls when the name at their base is looked up."""
FILES = "<files>"
"""Stands among names for files that are written or read."""
EVERYTHING = "*"
"""Stands among names for all names that an ``import *`` defines."""

MUTATORS = frozenset(
    "add append assign build compile extend fillna fit insert pop set_index set_weights update".split()
)
"""Methods that are called for their effect on the object."""
LOOKS = frozenset("corr count describe head hist info items keys sample summary tail value_counts values".split())
"""Methods that are called for their output."""
DRAWING = frozenset({"plt", "sns"})
"""Usual names of plotting libraries."""
SHUFFLES = frozenset({"copyto", "place", "put", "shuffle"})
"""Functions of libraries that change their arguments."""
FITS = frozenset({"fit", "fit_generator", "train_on_batch"})
OF_NETWORKS = frozenset(
    "batch_size callbacks class_weight epochs nb_epoch steps_per_epoch validation_data validation_split".split()
)
"""Arguments that only a network's ``fit`` has."""
WRITERS = ("BackupAndRestore", "CSVLogger", "ModelCheckpoint", "dump", "extract", "makedirs", "mkdir", "save", "to_")
READERS = ("exists", "from_", "listdir", "load", "open", "read", "glob")
BUILTINS = frozenset(dir(builtins))

_SHELL = re.compile(r"^[ \t]*(?:!|%%?(?:bash|cd|env|file|load|run|sh|script|system|sx|writefile)\b)", re.MULTILINE)
_WHOLE_CELL = re.compile(r"\s*%%(?!capture|prun|time|timeit)")
_TIMED = re.compile(r"^([ \t]*)%{1,2}(?:capture|prun|time|timeit)\b[^\S\n]*", re.MULTILINE)
_MAGIC = re.compile(r"^([ \t]*)(?:[!%].*|\w[\w.]*\?+[ \t]*$|\?.*)", re.MULTILINE)
_CAPTURED = re.compile(r"=[ \t]*[!%].*")
_ESCAPE = re.compile(r"\\([^\n\r\\'\"])")
_BOUND = re.compile(r"\s*(?:def|class|for|import|from|as)\b")


@dataclass(frozen=True)
class Statement:
    """A statement at the top level of a cell, in lines from ``first`` to ``last``.

    ``makes``: names that it binds, including ``imports``; ``certainly``: it binds them whenever it runs. ``changes``:
    names of objects that it changes; ``touches``: names of objects that it may change; ``runs``: names of objects,
    possibly libraries, of which it sets a part or calls something for its effect alone. ``needs``: names that it needs
    when it runs; ``later``: names that the functions it defines need when they are called. ``trains``: names of
    networks that it trains; ``fits``: names on which it calls any ``fit``; ``compiles``: names on which it calls
    ``compile``.
    """

    first: int
    last: int
    makes: frozenset[str] = frozenset()
    imports: frozenset[str] = frozenset()
    certainly: bool = True
    changes: frozenset[str] = frozenset()
    touches: frozenset[str] = frozenset()
    runs: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    later: frozenset[str] = frozenset()
    trains: frozenset[str] = frozenset()
    fits: frozenset[str] = frozenset()
    compiles: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Source:
    """A cell as names: its statements in order, and whether it runs commands or writes files of its own."""

    statements: tuple[Statement, ...]
    runs_commands: bool = False


def read(source: str) -> Source:
    """Return which names a cell defines and needs."""
    source = source[:LONGEST].replace("\r\n", "\n").replace("\r", "\n")
    if _WHOLE_CELL.match(source):
        return Source((), runs_commands=True)
    python = _MAGIC.sub(r"\1pass", _CAPTURED.sub("= None", _TIMED.sub(r"\1", source)))
    python = _ESCAPE.sub(r"\1", python)
    runs_commands = _SHELL.search(source) is not None
    try:
        body = ast.parse(python).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # thousands of brackets raise the last two
        return Source(tuple(_by_tokens(python)), runs_commands)
    return Source(tuple(map(_statement, body)), runs_commands)


# -- valid Python -----------------------------------------------------------------------------------------


class _Names:
    """The names of one statement, by role, while they are collected."""

    def __init__(self) -> None:
        self.makes: set[str] = set()
        self.imports: set[str] = set()
        self.runs: set[str] = set()
        self.locals: set[str] = set()
        self.changes: set[str] = set()
        self.touches: set[str] = set()
        self.needs: set[str] = set()
        self.trains: set[str] = set()
        self.fits: set[str] = set()
        self.compiles: set[str] = set()


def _statement(node: ast.stmt) -> Statement:
    now, later = _Names(), _Names()
    bodies = _gather([node], now)
    while bodies:
        bodies = _gather(bodies, later)
    return Statement(
        first=min([node.lineno, *(of.lineno for of in getattr(node, "decorator_list", []))]),
        last=node.end_lineno or node.lineno,
        makes=frozenset((now.makes | now.imports) - now.locals),
        imports=frozenset(now.imports),
        certainly=not isinstance(node, ast.If | ast.For | ast.While | ast.Try | ast.Match | ast.AsyncFor),
        changes=frozenset(now.changes - now.locals),
        touches=frozenset((now.touches | now.changes) - now.locals),
        runs=frozenset(now.runs),
        needs=frozenset(now.needs - now.locals),
        later=frozenset(later.needs - later.makes - later.imports - later.locals),
        trains=frozenset(now.trains | later.trains),
        fits=frozenset(now.fits | later.fits),
        compiles=frozenset(now.compiles | later.compiles),
    )


def _gather(nodes: Sequence[ast.AST], names: _Names) -> list[ast.AST]:
    """Collect the names of nodes and all nodes below, except for the bodies of functions, which are returned."""
    waiting, bodies = list(nodes), list[ast.AST]()
    while waiting:
        node = waiting.pop()
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                names.makes.add(node.name)
                waiting += [*node.decorator_list, *node.args.defaults, *(d for d in node.args.kw_defaults if d)]
                bodies += (of for of in ast.walk(node.args) if isinstance(of, ast.arg))
                bodies += node.body
                continue
            case ast.ClassDef():
                names.makes.add(node.name)
            case ast.arg():
                names.locals.add(node.arg)
            case ast.Name(ctx=ast.Load()):
                names.needs.add(node.id)
            case ast.Name():
                names.makes.add(node.id)
            case ast.comprehension():
                names.locals |= {of.id for of in ast.walk(node.target) if isinstance(of, ast.Name)}
            case ast.Import() | ast.ImportFrom():
                names.imports |= {(of.asname or of.name).partition(".")[0] for of in node.names}
            case ast.ExceptHandler(name=str(name)):
                names.locals.add(name)
            case ast.AugAssign(target=ast.Name(id=name)):
                names.needs.add(name)
            case ast.Expr(value=ast.Call(func=ast.Attribute() as called)) if called.attr not in LOOKS:
                names.runs |= _base(called) - DRAWING
            case ast.Attribute(ctx=ast.Store()) | ast.Subscript(ctx=ast.Store()):
                names.runs |= _base(node)
                names.changes |= _base(node)
            case ast.Call():
                _gather_call(node, names)
        waiting += ast.iter_child_nodes(node)
    return bodies


def _gather_call(call: ast.Call, names: _Names) -> None:
    arguments = {of.id for of in call.args if isinstance(of, ast.Name)}
    keywords = {of.arg for of in call.keywords}
    if isinstance(call.func, ast.Name):
        called, base = call.func.id, set[str]()
        if called not in BUILTINS and not called[:1].isupper():
            names.touches |= arguments
    elif isinstance(call.func, ast.Attribute):
        called, base = call.func.attr, _base(call.func)
        names.touches |= arguments if called in SHUFFLES else set()
    else:
        return
    if called not in LOOKS and isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
        names.touches |= base
    is_of_name = isinstance(call.func, ast.Attribute) and not isinstance(call.func.value, ast.Call)
    if is_of_name and (called in MUTATORS or "inplace" in keywords):
        names.changes |= base
    if called in FITS:
        names.fits |= base
        names.trains |= base if called != "fit" or keywords & OF_NETWORKS else set()
    if called == "compile":
        names.compiles |= base
    if called.startswith(WRITERS) or (called == "open" and len(call.args) > 1):
        names.changes.add(FILES)
    if called.startswith(READERS):
        names.needs.add(FILES)


def _base(node: ast.AST) -> set[str]:
    """Return the name at the base of an attribute or item: ``x`` for ``x.a[0].b``."""
    for _ in range(DEEPEST):
        if not isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
            break
        node = node.func if isinstance(node, ast.Call) else node.value
    return {node.id} if isinstance(node, ast.Name) else set()


# -- invalid Python ---------------------------------------------------------------------------------------


def _by_tokens(source: str) -> Iterator[Statement]:
    """Yield each line with names as a statement. It binds the names before ``=``, or after a keyword such as
    ``def``."""
    for number, line in enumerate(source.split("\n"), 1):
        words, operators = _tokens(line)
        if not words:
            continue
        made = set[str]()
        if "=" in operators and "(" not in operators[: operators.index("=")]:
            made = {name for at, name in words if at <= operators.index("=")}
        elif _BOUND.match(line):
            made = {name for _, name in words}
        needed = {name for _, name in words} - made
        fits = {name for (_, name), (_, then) in itertools.pairwise(words) if then in FITS and name in needed}
        is_of_network = any(name in OF_NETWORKS for _, name in words)
        yield Statement(
            number,
            number,
            makes=frozenset(made),
            certainly=not line[:1].isspace(),
            touches=frozenset(needed),
            needs=frozenset(needed),
            trains=frozenset(fits if is_of_network else ()),
            fits=frozenset(fits),
        )


def _tokens(line: str) -> tuple[list[tuple[int, str]], list[str]]:
    """Return a line's names, each with the number of operators before it, and the operators, as far as the line can be
    read."""
    names: list[tuple[int, str]] = []
    operators: list[str] = []
    for token in _read_alone(line):
        if token.type == tokenize.NAME and not keyword.iskeyword(token.string):
            names.append((len(operators), token.string))
        elif token.type == tokenize.OP:
            operators.append(token.string)
    return names, operators


def _read_alone(line: str) -> Iterator[tokenize.TokenInfo]:
    """Yield the tokens of a single line, up to the first that cannot be read."""
    with contextlib.suppress(tokenize.TokenError, SyntaxError, ValueError):
        yield from tokenize.generate_tokens(io.StringIO(line.strip() + "\n").readline)


def code_of(source: str) -> str:
    """Return a source without comments and strings, as far as each line can be read by itself."""
    return "\n".join(_code(line) for line in source[:LONGEST].split("\n") if line.strip())


def _code(line: str) -> str:
    kept = list[str]()
    for token in _read_alone(line):
        if token.type == tokenize.NAME and kept and kept[-1][-1:].isidentifier():
            kept.append(" ")
        kept.append("''" if token.type == tokenize.STRING else "" if token.type == tokenize.COMMENT else token.string)
    return "".join(kept).strip()
