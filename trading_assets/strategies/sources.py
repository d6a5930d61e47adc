"""Where the code of strategies may come from, and what its source is.

A spec names a strategy of the user's by an import path, and importing runs code. So it is looked up
in three places only, in this order:

1. the user's own folder, `strategies_dir` of the settings: `breakout:Breakout` is the class in
   `breakout.py` there;
2. modules that the program has imported already, such as `__main__` of a notebook: nothing is run;
3. installed packages that `strategy_packages` of the settings name.
"""

from __future__ import annotations

import ast
import importlib
import importlib.machinery
import importlib.util
import re
import sys
from hashlib import sha256
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from trading_assets.domain.errors import ConfigurationError
from trading_assets.settings import Settings, load_settings

OWN = "user_strategies"
"""The package that the files of that folder are modules of, so that they can shadow nothing."""

_REFERENCE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
_loaded: dict[str, str] = {}


def imported_class(reference: str, *, where: str = "") -> type[Any]:
    """Give the class that an import path names.

    Raises:
        ConfigurationError: if it is no import path, may not be imported, cannot be, or is no frozen
            dataclass; `where` names the file that asks.
    """
    prefix = f"{where}: " if where else ""
    if not _REFERENCE.fullmatch(reference):
        raise ConfigurationError(
            f"{prefix}strategy is no import path",
            expected="module:Class, such as breakout:Breakout",
            found=repr(reference)[:120],
        )
    module_name, _, class_name = reference.partition(":")
    try:
        module = _module(module_name, prefix)
    except ConfigurationError:
        raise
    except Exception as error:
        raise ConfigurationError(
            f"{prefix}strategy cannot be imported",
            expected=f"a module {module_name} that runs",
            found=f"{type(error).__name__}: {error}"[:300],
        ) from error
    cls = getattr(module, class_name, None)
    # Its own: a class that is not decorated has those of its base.
    options = vars(cls).get("__dataclass_params__") if isinstance(cls, type) else None
    if not isinstance(cls, type) or options is None or not options.frozen:
        classes = [name for name, item in vars(module).items() if isinstance(item, type)]
        raise ConfigurationError(
            f"{prefix}{reference} is not a strategy",
            expected="a frozen dataclass",
            found=f"{cls!r} in {getattr(module, '__file__', None) or module_name}"
            if cls is not None
            else f"no {class_name}; classes there: {', '.join(classes[:10]) or 'none'}",
            fix="Decorate the class with @dataclass(frozen=True); "
            "`trading-assets new strategy NAME` writes one to begin with.",
        )
    return cls


def source_files(cls: type[Any]) -> tuple[Path, ...]:
    """Give the files that make a strategy what it is, sorted.

    Of the user's folder: its own file and those that it imports from there. Of a package that
    settings name: all of the package. Otherwise its own file; none for a class without one.
    """
    module = sys.modules.get(cls.__module__)
    file = getattr(module, "__file__", None)
    if file is None:
        return ()
    path = Path(file)
    parts = cls.__module__.split(".")
    if parts[0] == OWN:
        return tuple(sorted(_with_imports(path, _own_folder(path, len(parts) - 1))))
    root = sys.modules.get(parts[0])
    if parts[0] in (__package__.split(".")[0], "__main__") or root is None or len(parts) == 1:
        return (path,)
    folders = [Path(folder) for folder in getattr(root, "__path__", ())]
    return tuple(sorted({path, *(found for folder in folders for found in folder.rglob("*.py"))}))


def _module(name: str, prefix: str) -> ModuleType:
    first = name.partition(".")[0]
    settings = load_settings().settings
    folder = settings.strategies_dir
    file = folder.joinpath(*name.split(".")).with_suffix(".py")
    if file.is_file():
        if not file.resolve().is_relative_to(folder.resolve()):
            raise ConfigurationError(
                f"{prefix}strategy lies outside the folder of strategies",
                expected=f"a file in {folder}",
                found=f"{file}, a link to {file.resolve()}",
            )
        return _own_module(folder, file, name)
    if name in sys.modules:
        return sys.modules[name]
    if first in settings.strategy_packages:
        return importlib.import_module(name)
    raise _untrusted(name, file, settings, prefix)


def _untrusted(name: str, file: Path, settings: Settings, prefix: str) -> ConfigurationError:
    packages = ", ".join(settings.strategy_packages) or "none"
    return ConfigurationError(
        f"{prefix}strategy cannot be imported",
        expected=f"{file}, a module that is imported already, or one of strategy_packages"
        f" ({packages})",
        found=f"module {name}, which is none of them",
        fix="Put the file there, set strategies_dir (TA_STRATEGIES_DIR) to your folder, or add an "
        "installed package to strategy_packages.",
    )


def _own_module(folder: Path, file: Path, name: str) -> ModuleType:
    """Import a file of the user's folder; again when it, or a file beside it, has changed."""
    package = sys.modules.get(OWN)
    if package is None or package.__path__ != [str(folder)]:
        package = _forget(folder)
    full = f"{OWN}.{name}"
    state = "".join(sha256(p.read_bytes()).hexdigest() for p in _with_imports(file, folder))
    if full in sys.modules and _loaded.get(full) == state:
        return sys.modules[full]
    if full in sys.modules:
        _forget(folder)
    spec = importlib.util.spec_from_loader(full, _Source(full, str(file)), origin=str(file))
    if spec is None or spec.loader is None:
        raise ConfigurationError("Strategy cannot be imported", found=str(file))
    module = importlib.util.module_from_spec(spec)
    module.__file__ = str(file)
    sys.modules[full] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[full]
        raise
    _loaded[full] = state
    return module


def _forget(folder: Path) -> ModuleType:
    """Begin the package of the user's folder anew."""
    for name in [n for n in sys.modules if n == OWN or n.startswith(f"{OWN}.")]:
        del sys.modules[name]
    _loaded.clear()
    importlib.invalidate_caches()
    package = sys.modules[OWN] = ModuleType(OWN)
    package.__path__ = [str(folder)]
    return package


class _Source(importlib.machinery.SourceFileLoader):
    """Compiles the source as it is now: bytecode on disk is trusted for a second after a change."""

    def get_code(self, fullname: str) -> CodeType | None:
        code: CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code


def _own_folder(path: Path, depth: int) -> Path:
    return path.parents[depth - 1]


def _with_imports(file: Path, folder: Path) -> set[Path]:
    """Give a file of the user's folder and those of the folder that it imports, and so on."""
    found: set[Path] = set()
    waiting = [file]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):
            continue  # whoever imports it says what is wrong
        waiting += [p for node in ast.walk(tree) for p in _imported_files(node, path, folder)]
    return found


def _imported_files(node: ast.AST, path: Path, folder: Path) -> list[Path]:
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
        bases = [folder.joinpath(*n.split(".")[1:]) for n in names if n.startswith(f"{OWN}.")]
    elif isinstance(node, ast.ImportFrom):
        own = node.module is not None and node.module.split(".")[0] == OWN
        if not (own or node.level):
            return []
        start = path.parents[node.level - 1] if node.level else folder
        parts = (node.module or "").split(".")[1 if own and not node.level else 0 :]
        base = start.joinpath(*[part for part in parts if part])
        bases = [base, *(base / alias.name for alias in node.names)]
    else:
        return []
    return [file for b in bases if (file := b.with_suffix(".py")).is_file()]
