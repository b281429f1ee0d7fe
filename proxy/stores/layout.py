"""What the words of a shared memory mean, counted from where the thing begins that they belong to.

    memory    lists its sessions
    session   its numbers, the last lines of its journal, and four lists of records: windows of limits, parts of its
              state, counts by source, and what was played
    record    found by name among all; its last three words are what is kept under the name
    line      which entry, and when
    entry     what lines tell, once for all of them

Numbers are 64 bit integers, moments are floats (epoch seconds) in the same words, places are numbers of words, and 0 is
none.
"""

from __future__ import annotations

from peertape.proxy.engine.journal import KEPT
from peertape.proxy.stores.records import VALUES

# Of the memory itself: the list of sessions, how many there are, and what only grows.
SESSIONS, COUNT, MOVED, USES, STAMPS, OWN = range(6)

# Of a session. The last four begin lists; a float tells until when somebody is alone.
REVISION, EPOCH, SEEN, TICKET, UNTIL, FIRST, LINES, USED, OPEN, WINDOWS, PARTS, SOURCES, PLAYED, HEAD = range(14)
# Behind these stand the last lines of its journal: the entry, and a float that tells when.
LINE = 2
SESSION = HEAD + LINE * KEPT

# Of an entry of journals: the lines that tell it, the text, and a number that no other entry ever had.
TOLD, WHAT, STAMP, ENTRY = range(4)

# Of records, by what their names are of: what is kept.
PLACE = VALUES  # of a session: where it begins
OPENED, ENDS, COUNTED = range(VALUES, VALUES + 3)  # of a window: epoch seconds, and requests
CHANGED, DATA = range(VALUES, VALUES + 2)  # of a part: the revision, and where its text stands
ANSWERS = VALUES  # of a source: how many came from it
LAST_PLAYED = VALUES  # of a sequence, or of a cassette: the exchange
IS_USED, USED_AT = range(VALUES, VALUES + 2)  # of an exchange: 1 if it was, and the moment
