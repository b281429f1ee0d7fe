"""What can be wrong with the data of the rules."""


class ContractError(Exception):
    """A contract that cannot be read; its text says what and where."""
