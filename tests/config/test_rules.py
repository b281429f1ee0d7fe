"""Which rules fit which instance."""

import pytest

from peertape.config import rules


@pytest.mark.parametrize(
    ("instance", "version", "fits"),
    [
        (None, "6.3", True),
        ("6.3.0", "6.3", True),
        ("v6.3.2", "6.3", True),
        ("6.3", "6.3", True),
        ("6.2.1", "6.3", False),
        ("8.0.0-rc.1", "6.3", False),
        ("5", "6.3", False),
    ],
)
def test_the_instances_own_rules_or_the_nearest(instance: str | None, version: str, fits: bool) -> None:
    chosen = rules.choose(instance)
    assert (chosen.version, chosen.fits) == (version, fits)


def test_what_an_instance_calls_itself_may_be_no_version() -> None:
    chosen = rules.of_recording("nightly")
    assert (chosen.version, chosen.fits) == (rules.versions()[-1], False)
    assert rules.of_recording(None).fits


def test_what_is_no_version_is_said_so() -> None:
    with pytest.raises(rules.UnknownVersionError, match="latest"):
        rules.choose("latest")
