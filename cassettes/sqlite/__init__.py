"""Cassettes in SQLite files, one file each."""
