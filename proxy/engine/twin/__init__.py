"""The twin: PeerTube's rules over what the cassettes tell of the instance (`docs/rules.md` explains its data)."""
