"""When the instance is asked, and what is said of it."""

from __future__ import annotations

from peertape.addons.presence import RETRY, Presence, Presences


class Watch:
    """A clock that stands still, and what was said."""

    def __init__(self, patience: float = 5.0) -> None:
        self.now = 100.0
        self.said: list[str] = []
        self.presence = Presence(self.said.append, patience, clock=lambda: self.now)


def test_while_it_is_away_one_request_tries_now_and_then() -> None:
    watch = Watch()
    presence = watch.presence
    assert [presence.may_ask() for _ in range(3)] == [True] * 3
    presence.failed("gone")
    assert not presence.may_ask()
    watch.now += RETRY
    assert [presence.may_ask() for _ in range(3)] == [True, False, False]
    watch.now += RETRY  # the one that tries still waits
    assert not presence.may_ask()
    presence.failed("still gone")
    watch.now += RETRY
    assert presence.may_ask()
    presence.answered()
    assert [presence.may_ask() for _ in range(3)] == [True] * 3
    assert watch.said == ["the instance is away (gone): the recording answers", "the instance is back"]


def test_a_try_that_was_given_up_does_not_keep_it_away_for_ever() -> None:
    watch = Watch(patience=7)
    watch.presence.failed("gone")
    watch.now += RETRY
    assert watch.presence.may_ask()
    watch.now += 7
    assert watch.presence.may_ask()


def test_a_rehearsal_ends_when_it_is_told_to() -> None:
    watch = Watch()
    presence = watch.presence
    presence.go_offline(True)
    watch.now += 1000
    assert not presence.may_ask()
    presence.answered()  # to what was asked before
    assert not presence.may_ask()
    presence.go_offline(False)
    assert presence.may_ask()
    presence.answered()
    away = "the instance is away (switched off by the control API): the recording answers"
    assert watch.said == [away, "the instance is back"]


def test_every_origin_has_its_own() -> None:
    said: list[str] = []
    presences = Presences("https://tube.example", 5, said.append)
    presences.of("https://cdn.example:443").failed("gone")
    assert presences.of("https://tube.example:443").may_ask()
    presences.go_offline(True)
    assert not presences.of("https://tube.example:443").may_ask()
    assert not presences.of("https://other.example:443").may_ask()
    assert said[0] == "https://cdn.example:443 is away (gone): the recording answers"
    assert said[1] == "the instance is away (switched off by the control API): the recording answers"
