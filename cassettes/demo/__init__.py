"""The bundled demo cassette."""
