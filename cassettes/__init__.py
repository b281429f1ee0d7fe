"""The cassette: a store of recorded exchanges."""
