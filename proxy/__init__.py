"""The engine, the lanes into it, the command line and the control API."""
