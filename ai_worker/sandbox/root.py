"""What a sandbox sees of the host: shared libraries, the interpreter, and two devices, all read-only. Nothing else."""

from __future__ import annotations

import shutil
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ai_worker.sandbox.port import SandboxUnavailable

_MEND: Final = "Mend: sh setup/debian.sh"
_FOLDERS: Final = ("/usr", "/usr/bin", "/usr/lib", "/python", "/python/bin", "/python/lib", "/dev", "/code")
_DEVICES: Final = ("/dev/null", "/dev/zero", "/dev/urandom")


@dataclass(frozen=True, slots=True)
class Root:
    """The parts of the root: paths on the host by their path inside, and links inside."""

    shown: Mapping[str, Path]
    links: Mapping[str, str]

    def arguments(self) -> list[str]:
        """For bwrap. Folders are named: those it makes by itself could not be entered by another user."""
        given = [word for folder in _FOLDERS for word in ("--dir", folder)]
        for inside, host in self.shown.items():
            given += ["--ro-bind", str(host), inside]
        for inside, target in self.links.items():
            given += ["--symlink", target, inside]
        for device in _DEVICES:
            given += ["--dev-bind", device, device]
        return given


def find_root() -> Root:
    """The root for the interpreter that runs this. Raises SandboxUnavailable for a machine laid out otherwise."""
    if sys.platform != "linux":  # pragma: no cover -- bubblewrap is there on Linux only
        raise SandboxUnavailable("a sandbox needs Linux")
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    shown = {
        **{f"/usr/bin/{name}": program(name) for name in ("setpriv", "prlimit")},
        "/python/bin/python3": Path(getattr(sys, "_base_executable", sys.executable)).resolve(),
        f"/python/lib/{version}": Path(sysconfig.get_path("stdlib")),
    }
    library = Path(str(sysconfig.get_config_var("LIBDIR"))) / str(sysconfig.get_config_var("INSTSONAME"))
    if ".so" in library.name and library.is_file():
        shown[f"/python/lib/{library.name}"] = library
    return Root({**_libraries(), **shown}, {"/lib": "usr/lib", "/lib64": "usr/lib64"})


def program(name: str) -> Path:
    """Where a program is. Raises SandboxUnavailable."""
    found = shutil.which(name, path="/usr/bin:/bin:/usr/local/bin")
    if found is None:
        raise SandboxUnavailable(f"{name} is not installed. {_MEND}")
    return Path(found).resolve()


def _libraries() -> Mapping[str, Path]:
    """Debian's shared libraries and the loader, which each machine has at a place of its own."""
    multiarch = Path("/usr/lib") / str(sysconfig.get_config_var("MULTIARCH"))
    if not multiarch.is_dir():
        raise SandboxUnavailable(f"{multiarch} is not there: this is no Debian. Mend: use Debian 12 or 13.")
    others = [Path("/usr/lib64"), *Path("/usr/lib").glob("ld-linux-*.so.*")]
    return {str(path): path for path in (multiarch, *others) if path.exists()}
