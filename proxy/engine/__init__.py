"""The engine: from a request and a session to an answer, without any input or output."""
