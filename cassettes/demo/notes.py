"""What the start of a replay of the demo says on standard error; `{url}` stands for the address that answers."""

from __future__ import annotations

PASSWORD = "test1234"
ROLES = {"root": "administrator", "mod": "moderator", "alice": "user", "bob": "user", "carol": "user"}
VIDEO_FILE = "/static/web-videos/93b68d1a-1477-41bd-bc91-1f2267af7636-240.mp4"

LIST = "curl '{url}/api/v1/videos?count=5'"
LOGIN = (
    "curl -s {url}/api/v1/oauth-clients/local | sed 's/[{}\"]//g; y/:,/=&/' |\n"
    "    curl {url}/api/v1/users/token -d @- -d grant_type=password -d response_type=code"
    f" -d username=alice -d password={PASSWORD}"
)
RANGE = "curl -s -r 0-99 -D - -o /dev/null {url}" + VIDEO_FILE

NOTES = (
    "This is the demo, a recorded PeerTube in which all is fictitious; docs/demo.md tells what is in it.",
    *(f"  {name:<6} {PASSWORD}  {role}" for name, role in ROLES.items()),
    "Requests to try:",
    *(f"  {request}" for request in (LIST, LOGIN, RANGE)),
)
