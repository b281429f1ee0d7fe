"""The answer of a limit that is over, made without counting."""

from __future__ import annotations

import math
from dataclasses import replace

from peertape.config.limits import Limits
from peertape.proxy.engine.limits.headers import Stamp, stamped
from peertape.proxy.engine.model import Answer, Request
from peertape.proxy.engine.twin.answers import Answers
from peertape.proxy.engine.twin.targets import single_slashes


def over(answers: Answers, limits: Limits, request: Request, now: float) -> Answer:
    """As if the whole window of the innermost limit lay ahead; that of the API for what has no limit."""
    path = single_slashes(request.path).rstrip("/") or "/"
    names = limits.counted(request.method, path) or ("api",)
    bucket = limits.buckets[names[-1]]
    ends = now + bucket.window / 1000
    refusal = limits.facts.refusal
    answer = answers.text(request, now, refusal.status, refusal.body, refusal.type)
    stamp = Stamp(bucket.max, 0, math.ceil(ends), math.ceil(bucket.window / 1000))
    return replace(answer, headers=stamped(answer.headers, stamp))
