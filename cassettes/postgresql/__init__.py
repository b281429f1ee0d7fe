"""Cassettes on a team's PostgreSQL server: each is a schema of a database."""
