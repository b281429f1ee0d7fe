"""The twin: PeerTube's rules over what the cassettes tell of the instance (`docs/rules.md` explains its data).

Which module answers which question, in the order in which a request passes:

- **Is it refused before any route?** `bodies`: by body parsers, with `contenttypes`, in the words of `jsonfaults`;
  `socketio`: a handshake. `targets`, `mounts`, `ourhosts`: how a path is spelled, what is the API, which Host is ours.
- **Which route is it?** `routes` finds it as Express does; `selection` finds all that a pattern can touch.
- **What are its rules?** `contract` compiles them from their data (`errors` are those of the data) into `steps`, with
  `repeats`, `framing` and `multipart` beside them, `chains` of `sanitizers` and `checks`, `replies` and `effects`. All
  of them hold `expressions` with `functions` (`asking`: over the request) over `values` as JavaScript sees them.
- **How is it judged?** `twin`, which `late` makes when it is needed first, makes a `case` of what it gives (`given`),
  who asks (`credentials`, `accounts`, `rights`; `tokens` are a session's) and the world as it is then. A step has the
  `verdict`, or lets the next one look. Where nothing recorded tells, `undecided` is raised, and the twin says nothing:
  a miss is better than a wrong refusal.
- **What is there?** A `world` has entities (`facts`) by their keys. `telling` tells it `events`, recorded successes in
  the order of time, by the `effects` of their routes. `history` has the worlds of a run: of a small cassette one that
  was told all, by `timelines` as of a moment; of a large one `excerpts`, told of what a question `needs`. Over it
  `overlay` lays what a session did (`deeds`). `surroundings` tells how the instance is set up.
- **How is it answered?** By `answers`, spelled as `wire` and `jsontext` have it.
- **What can a route refuse, on demand?** `catalogue` lists it, by `possible`; `rehearsal` makes it.
"""
