"""What can be wrong with a cassette, each with one sentence for the user.

CassetteError
├── NotACassette       the file is something else
├── CassetteCorrupted  truncated or damaged
├── CassetteTooNew     written by a newer peertape
├── CassetteTooOld     written by an older one, on a server, where readers make no copies
├── CassetteMissing    there is no such file
├── CassetteReadOnly   recording into a place that cannot be written
├── CassetteBusy       another process records into it
├── DiskFull           no room for what is recorded
├── ServerAway         the database server cannot be reached, or went away
├── ServerRefused      it does not let us in, or has no such database
├── DriverMissing      what talks with it is not installed
└── ImportFailed       a file that is no recording, or a broken one
"""

from __future__ import annotations


class CassetteError(Exception):
    """Base of all; its text is a sentence that can be shown as it is."""


class NotACassette(CassetteError):
    pass


class CassetteCorrupted(CassetteError):
    pass


class CassetteTooNew(CassetteError):
    pass


class CassetteTooOld(CassetteError):
    pass


class CassetteMissing(CassetteError):
    pass


class CassetteReadOnly(CassetteError):
    pass


class CassetteBusy(CassetteError):
    pass


class DiskFull(CassetteError):
    pass


class ServerAway(CassetteError):
    pass


class ServerRefused(CassetteError):
    pass


class DriverMissing(CassetteError):
    pass


class ImportFailed(CassetteError):
    pass
