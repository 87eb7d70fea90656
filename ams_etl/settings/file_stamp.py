"""Whether a file has changed since it was read: its stamp, and from when on that can be trusted."""

import os
import time
from typing import NamedTuple

_CLOCK_TICK_NS = 50_000_000
"""Longer than any Linux file system takes to give two writes different times."""


class FileStamp(NamedTuple):
    """What changes whenever a file is edited or replaced."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @property
    def is_settled(self) -> bool:
        """Whether a later edit changes it: one within the same tick of the file system's clock would not."""
        return time.time_ns() - self.changed_ns > _CLOCK_TICK_NS


def stamp_of(status: os.stat_result) -> FileStamp:
    """Return the stamp of a file by its status."""
    return FileStamp(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
