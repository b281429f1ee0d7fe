"""Where PeerTube mounts its API. Express does not look at the case of a path."""

from __future__ import annotations

API = "/api/v1"


def is_in_the_api(path: str, below: str = "") -> bool:
    """Whether the path is the API's, or that of what stands at `below` in it, or of anything behind."""
    mount = f"{API}/{below}".rstrip("/")
    return f"{path.lower()}/".startswith(f"{mount}/")
