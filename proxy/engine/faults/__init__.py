"""Slow and broken on demand: what strikes which request, repeatable from a seed."""
