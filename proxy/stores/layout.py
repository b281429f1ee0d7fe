"""What the words of a shared memory mean, counted from where the thing begins that they belong to."""

from __future__ import annotations

from peertape.proxy.engine.journal import KEPT

# Of the memory itself: the list of sessions, how many there are, and what only grows.
SESSIONS, COUNT, MOVED, USES, STAMPS, OWN = range(6)

# Of a session. The last four begin lists; a float tells until when somebody is alone.
REVISION, EPOCH, SEEN, TICKET, UNTIL, FIRST, LINES, USED, OPEN, WINDOWS, PARTS, SOURCES, PLAYED, HEAD = range(14)
# Behind these stand the last lines of its journal: the entry, and a float that tells when.
LINE = 2
SESSION = HEAD + LINE * KEPT

# Of an entry of journals: the lines that tell it, the text, and a number that no other entry ever had.
TOLD, WHAT, STAMP, ENTRY = range(4)
