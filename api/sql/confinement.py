"""What the kernel lets a process do, made less for as long as it lives, its threads included.

Landlock (Linux 5.13; connections since 6.7) is what a query meets that gets past all else: it can
open the lake and Python's own files to read, and one folder for its own to write.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from pathlib import Path

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_PATH_BENEATH = 1
_VERSION = 1
_NO_NEW_PRIVILEGES = 38

_WRITE_FILE, _READ_FILE, _READ_FOLDER, _TRUNCATE, _IOCTL = (1 << bit for bit in (1, 2, 3, 14, 15))
_READ = _READ_FILE | _READ_FOLDER
_OF_FILES = _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL
_ALL_OF_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_TCP = 0b11
_NETWORK_ABI = 4

SYSTEM = ("/usr", "/lib", "/lib64", "/opt", "/etc/ld.so.cache", "/etc/localtime")
MACHINE = (
    *("/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys/vm/overcommit_memory"),
    *("/proc/self/cgroup", "/proc/self/mountinfo", "/sys/devices/system", "/sys/fs/cgroup"),
)
"""How large the machine is; DuckDB 2.0 aborts when it cannot read of its cgroup."""

DEVICES = ("/dev/null", "/dev/urandom", "/dev/zero")
NETWORK = ("/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/ssl", "/etc/pki")


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def confine(readable: list[Path], writable: list[Path], network: bool) -> bool:
    """Allow this thread, and those it starts, files below some paths, and perhaps the network.

    Returns False where the kernel has no Landlock; nothing is confined then.
    """
    kernel = ctypes.CDLL(None, use_errno=True)
    abi = kernel.syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))
    if abi < 1:
        return False
    handled = _ALL_OF_ABI[max(known for known in _ALL_OF_ABI if known <= abi)]
    ruleset = _Ruleset(handled, 0 if network else _TCP)
    size = ctypes.sizeof(ruleset) if abi >= _NETWORK_ABI else ctypes.sizeof(ctypes.c_uint64)
    rules = kernel.syscall(_CREATE, ctypes.byref(ruleset), ctypes.c_size_t(size), 0)
    named = [*SYSTEM, *MACHINE, *(NETWORK if network else ())]
    for path in [*_python(), *map(Path, named), *readable]:
        _allow(kernel, rules, path, _READ)
    for path in [*map(Path, DEVICES), *writable]:
        _allow(kernel, rules, path, handled)
    kernel.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    done: int = kernel.syscall(_RESTRICT, rules, 0)
    os.close(rules)
    return done == 0


def bound(room: int) -> None:
    """Give this process so many bytes of memory of its own, no core dumps, and low priority."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (room, room))
    os.nice(10)


def _python() -> list[Path]:
    """Where modules are. What lies beside our own packages is none of a query's business."""
    ours = Path(__file__).parents[2]
    found = [Path(path) for path in sys.path if path and Path(path) != ours]
    return [*found, Path(sys.prefix), Path(sys.base_prefix), ours / "api", ours / "flows"]


def _allow(kernel: ctypes.CDLL, rules: int, path: Path, allowed: int) -> None:
    if not path.exists():
        return
    folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    beneath = _Beneath(allowed if path.is_dir() else allowed & _OF_FILES, folder)
    kernel.syscall(_ADD, rules, _PATH_BENEATH, ctypes.byref(beneath), 0)
    os.close(folder)
