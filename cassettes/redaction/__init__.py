"""Secrets never reach the disk: stable pseudonyms for them, by position."""
