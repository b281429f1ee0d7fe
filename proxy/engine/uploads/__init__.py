"""Uploads in pieces, as PeerTube takes them (uploadx 6.1 behind its API)."""
