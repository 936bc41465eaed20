"""The kernel of the VM: Debian's package, fetched and unpacked once, and what it needs to begin.

The cache folder is $HENBD_VM_CACHE, or ~/.cache/henbd-vm.
"""

from __future__ import annotations

import lzma
import os
import re
import struct
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.lab.namespaces import run

CACHE = Path(os.environ.get("HENBD_VM_CACHE") or Path.home() / ".cache" / "henbd-vm")

# The cloud kernel has no 9p.
_PACKAGE = "linux-image-amd64"
_DOWNLOAD_S = 600

# What it takes to mount the root and to speak to the host.
_BOOT_MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay", "virtio_console", "virtio_rng")
# Where it is a disk.
_DISK_MODULES = ("virtio_blk", "crc32c_generic", "ext4")
_BUSYBOX = Path("/bin/busybox")
_GUEST = Path(__file__).parent / "guest"

_FOLDER, _PROGRAM, _FILE, _CONSOLE = 0o40755, 0o100755, 0o100644, 0o20600
_CONSOLE_DEVICE = (5, 1)


@dataclass(frozen=True, slots=True)
class Kernel:
    """An unpacked kernel: what QEMU starts, and where the modules lie."""

    image: Path
    modules: Path

    @property
    def release(self) -> str:
        """The version as `uname -r` says it."""
        return self.modules.name


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, folder or device of an initial RAM disk."""

    name: str
    mode: int
    data: bytes = b""


def kernel() -> Kernel:
    """Return the kernel, fetched with apt-get if it is not in the cache yet."""
    unpacked = CACHE / "linux"
    if not unpacked.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            fresh = _fetch(Path(scratch))
            try:
                fresh.rename(unpacked)
            except OSError:
                # Somebody else was faster.
                if not unpacked.exists():
                    raise
    (modules,) = (unpacked / "lib" / "modules").iterdir()
    return Kernel(unpacked / "image", modules)


def initial_ram_disk(kernel: Kernel) -> Path:
    """Return the file with the VM's first programs, written anew if anything in it changed."""
    path = CACHE / f"initrd-{kernel.release}"
    archive = cpio(_entries(kernel))
    if not path.exists() or path.read_bytes() != archive:
        with tempfile.NamedTemporaryFile(dir=CACHE, delete=False) as file:
            file.write(archive)
        os.rename(file.name, path)
    return path


def load_order(modules_dep: str, names: Iterable[str]) -> list[str]:
    """Return the files of these modules and of all they need, in the order to load them.

    `modules_dep` is depmod's table, whose every line ends with what must be loaded first; a module
    that is not in it is built into the kernel.
    """
    needs = {}
    for line in modules_dep.splitlines():
        path, _, before = line.partition(":")
        name = path.rpartition("/")[2].partition(".")[0].replace("-", "_")
        needs[name] = [*reversed(before.split()), path]
    wanted = (path for name in names for path in needs.get(name, ()))
    return list(dict.fromkeys(wanted))


def cpio(entries: Iterable[Entry]) -> bytes:
    """Return an archive in cpio's `newc` format, which the kernel unpacks as its first root."""
    archive = bytearray()
    for number, entry in enumerate([*entries, Entry("TRAILER!!!", 0)], start=1):
        name = entry.name.encode() + b"\0"
        major, minor = _CONSOLE_DEVICE if entry.mode == _CONSOLE else (0, 0)
        # inode, mode, uid, gid, links, time, size, device (2), special device (2), name, checksum
        header = (number, entry.mode, 0, 0, 1, 0, len(entry.data), 0, 0, major, minor, len(name), 0)
        archive += b"070701" + b"".join(b"%08X" % field for field in header) + name
        archive += bytes(-len(archive) % 4)
        archive += entry.data
        archive += bytes(-len(archive) % 4)
    return bytes(archive)


def uncompressed(image: bytes) -> bytes | None:
    """Return the ELF kernel inside a bzImage; None if it is not packed with xz.

    QEMU can start it directly, which spares the guest the unpacking: most of the time that it
    takes to boot under emulation. (Linux, Documentation/arch/x86/boot.rst.)
    """
    setup_sectors = image[0x1F1] or 4
    payload_offset, payload_length = struct.unpack_from("<II", image, 0x248)
    start = (setup_sectors + 1) * 512 + payload_offset
    payload = image[start : start + payload_length]
    if not payload.startswith(b"\xfd7zXZ"):
        return None
    # The four bytes after the stream are its size, not another stream.
    return lzma.LZMADecompressor().decompress(payload)


def _fetch(scratch: Path) -> Path:
    """Return a folder with the unpacked package and the kernel's image."""
    # The package of that name is empty and depends on the one of the moment.
    depends = re.search(r"Depends: (linux-image-\S+)", run("apt-cache", "depends", _PACKAGE))
    package = depends[1] if depends else _PACKAGE
    run(
        "sh",
        "-c",
        'cd "$0" && apt-get -q download "$1"',
        str(scratch),
        package,
        timeout_s=_DOWNLOAD_S,
    )
    (archive,) = scratch.glob("*.deb")
    unpacked = scratch / "linux"
    run("dpkg", "--extract", str(archive), str(unpacked), timeout_s=_DOWNLOAD_S)
    (modules,) = (unpacked / "lib" / "modules").iterdir()
    run("depmod", "--basedir", str(unpacked), modules.name)
    image = (unpacked / "boot" / f"vmlinuz-{modules.name}").read_bytes()
    (unpacked / "image").write_bytes(uncompressed(image) or image)
    return unpacked


def _entries(kernel: Kernel) -> list[Entry]:
    modules = {"modules": _BOOT_MODULES, "disk-modules": _DISK_MODULES}
    folders = ("bin", "dev", "proc", "sys", "lower", "upper", "root", *modules)
    depends = (kernel.modules / "modules.dep").read_text()
    return [
        *(Entry(name, _FOLDER) for name in folders),
        Entry("dev/console", _CONSOLE),
        Entry("bin/busybox", _PROGRAM, _BUSYBOX.read_bytes()),
        Entry("init", _PROGRAM, (_GUEST / "init.sh").read_bytes()),
        *(
            Entry(
                f"{folder}/{number:02}-{Path(path).name}",
                _FILE,
                (kernel.modules / path).read_bytes(),
            )
            for folder, names in modules.items()
            for number, path in enumerate(load_order(depends, names))
        ),
    ]
