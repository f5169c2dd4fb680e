from __future__ import annotations

from pathlib import Path

import pytest

from lictui.history.database import is_network_path

MOUNTS = """\
proc /proc proc rw 0 0
filer:/home /home nfs4 rw,vers=4.2 0 0
/dev/sdb1 /home/local xfs rw 0 0
//nas/share /mnt/the\\040share cifs rw 0 0
autofs /net autofs rw 0 0
filer:/net /net nfs rw 0 0
/dev/sda1 / ext4 rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/var/lib/lictui/history.db", False),
        ("/home/ada/history.db", True),
        ("/home/local/ada/history.db", False),
        ("/homestead/history.db", False),
        ("/mnt/the share/history.db", True),
        ("/net/history.db", True),
    ],
)
def test_the_mount_that_is_nearest_decides(tmp_path: Path, path: str, *, expected: bool) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)
    assert is_network_path(Path(path), mounts) is expected


def test_a_system_that_does_not_tell_is_taken_for_local(tmp_path: Path) -> None:
    assert is_network_path(Path("/home/ada/history.db"), tmp_path / "missing") is False
