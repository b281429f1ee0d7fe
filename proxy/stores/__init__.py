"""Stores of sessions that workers and machines share; each is imported only where it is used."""
