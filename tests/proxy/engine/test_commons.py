"""What answers have in common: one object, counted once, in no more than its room."""

from __future__ import annotations

from sys import getsizeof

from peertape.proxy.engine.commons import Commons


def fresh(text: str) -> bytes:
    return text.encode()


def test_equal_values_are_one_object_and_so_are_their_members() -> None:
    commons = Commons(1 << 16)
    pair = commons.share((fresh("tk"), fresh("N")))
    assert commons.share((fresh("tk"), fresh("N"))) is pair
    assert commons.share(fresh("tk")) is pair[0]


def test_what_is_shared_is_counted_here_and_nowhere_else() -> None:
    commons = Commons(1 << 16)
    pair = commons.share((fresh("tk"), fresh("N")))
    taken = commons.taken
    assert taken > getsizeof(pair) + getsizeof(pair[0]) + getsizeof(pair[1])
    commons.share((fresh("tk"), fresh("N")))
    assert commons.taken == taken
    own = fresh("x" * 5000)
    assert getsizeof(own) <= commons.beside((pair, own)) < getsizeof(own) + 500


def test_no_more_is_kept_than_there_is_room() -> None:
    commons = Commons(4096)
    values = [commons.share(fresh(f"{number:0500}")) for number in range(50)]
    assert 0 < commons.taken <= 4096
    assert commons.share(fresh(f"{0:0500}")) is values[0]
    assert commons.share(fresh(f"{49:0500}")) is not values[49]
    assert commons.beside(values[49]) == getsizeof(values[49])
    commons.clear()
    assert commons.taken == 0
    assert commons.share(fresh(f"{49:0500}")) == values[49]
