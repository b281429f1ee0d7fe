"""The control API under /__peertape__/."""
