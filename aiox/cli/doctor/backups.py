"""Whether there is a backup that is young and was tried."""

from __future__ import annotations

from datetime import datetime, timedelta

from aiox.cli.backup.shelf import Shelf
from aiox.cli.doctor.finding import Finding


def look_at_backups(shelf: Shelf, every_h: float, now: datetime) -> Finding:
    """Of the folder in which scheduled backups lie. `every_h` 0: none are made by schedule."""
    newest = shelf.newest()
    if newest is None:
        return Finding("backups", note="there is none yet. Make one: aiox backup create")
    age = now - newest.taken_at
    words = f"{newest.path.name}, {age.total_seconds() / 3600:.0f} hours old"
    if every_h and age > timedelta(hours=2 * every_h):
        return Finding("backups", f"the newest is {words}. Mend: see 'backup' in logs/up.log; aiox backup create")
    if newest.checked == "failed":
        return Finding("backups", f"{words}, could not be restored. Mend: aiox backup verify {newest.path} says why")
    return Finding(f"backups ({words}{', tried' if newest.checked else ''})")
