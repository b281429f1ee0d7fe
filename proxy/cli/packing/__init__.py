"""`peertape pack`: asks an instance for what offline use needs and a cassette lacks."""
