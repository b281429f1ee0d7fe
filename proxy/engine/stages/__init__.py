"""The stages of the engine, one idea each."""
