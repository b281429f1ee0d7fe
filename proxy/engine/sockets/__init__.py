"""Sockets that are played from recordings: WebSockets, and engine.io with socket.io above it. Does no I/O itself."""
