"""How many read a cassette at once."""

BODY_READERS = 4  # threads
READERS = BODY_READERS + 2  # connections: `changes` keeps one, and lookups shall not wait for bodies
