"""Whether a file lies on another machine, where SQLite's write-ahead log must not be used.

Owns the names of network file systems. Must not know SQLite.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

_MOUNTS: Final = Path("/proc/self/mounts")
_NETWORK: Final = frozenset(
    (
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "davfs",
        "fuse.glusterfs",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.sshfs",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "orangefs",
        "panfs",
        "prl_fs",
        "smb3",
        "smbfs",
        "vboxsf",
        "vmhgfs",
    )
)


def is_network(path: Path, mounts: Path = _MOUNTS) -> bool:
    """Whether `path` is on a network file system, as far as the system tells.

    Linux tells in /proc; of Windows a UNC path is known. Elsewhere SQLite finds out by itself.
    """
    whole = path.resolve()
    if whole.drive.startswith("\\\\"):
        return True
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    found = Path("/"), ""
    for line in lines:
        _device, folder, kind, *_ = line.split()
        mounted = Path(folder.replace("\\040", " "))
        if whole.is_relative_to(mounted) and len(mounted.parts) >= len(found[0].parts):
            found = mounted, kind  # of two on one place, the later hides the earlier
    return found[1] in _NETWORK
