"""Who may do what: the rights of the roles."""

from __future__ import annotations

from peertape.config.contracts import Rights
from peertape.proxy.engine.twin.errors import ContractError
from peertape.proxy.engine.twin.facts import Entity

ALL = "ALL"  # the right that includes every other


class Roles:
    def __init__(self, rights: Rights) -> None:
        self._numbers = rights.rights
        self._of_role = {role.number: role.rights for role in rights.roles.values()}
        for names in self._of_role.values():
            if unknown := names - self._numbers.keys():
                raise ContractError(f"there are no rights {sorted(unknown)}")

    def number(self, name: str) -> int:
        if name not in self._numbers:
            raise ContractError(f"there is no right {name!r}")
        return self._numbers[name]

    def has_right(self, user: Entity, name: str) -> bool:
        """Raises Undecided where the user's role is not known."""
        self.number(name)
        rights = self._of_role.get(user.tell("role"), frozenset())
        return name in rights or ALL in rights
