"""The ways in: the proxy lane."""
