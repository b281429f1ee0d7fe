"""Which exchanges tell of what, so that the twin finds those few in a cassette of any size.

An exchange mentions what its request and its answer name: a user, a channel, a video, a token. `objects` finds the
things in an answer, `names` gives them their names, `writer` notes them beside the exchange that told something new,
and `reader` finds the exchanges that told of a name last.
"""
