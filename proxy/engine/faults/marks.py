"""A fault says that it is one."""

from __future__ import annotations

from dataclasses import replace

from peertape.config.faults import Fault
from peertape.proxy.engine.model import Answer, Source


def marked(answer: Answer, fault: Fault) -> Answer:
    """With source `fault; name=503`; what a body was taken from stays known."""
    taken = answer.remark if answer.exchange is not None else ()
    return replace(answer, source=Source.FAULT, remark=(("name", fault.name), *taken))
