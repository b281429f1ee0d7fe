"""A small film of an instance: HLS in 360p, of 60 octets in two segments and a head."""

from __future__ import annotations

from typing import Any

UUID = "5b1d4a4e-30a8-4c4f-8d5e-3d7e6f0b8a11"
HLS = f"/static/streaming-playlists/hls/{UUID}"
MASTER = b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=640x360\n360.m3u8\n"
VARIANT = (
    b'#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MAP:URI="360.mp4",BYTERANGE="10@0"\n'
    b"#EXTINF:4,\n#EXT-X-BYTERANGE:20@10\n360.mp4\n#EXTINF:4,\n#EXT-X-BYTERANGE:30@30\n360.mp4\n#EXT-X-ENDLIST\n"
)
MPEGURL = "application/vnd.apple.mpegurl"


def details(origin: str = "https://tube.example", files: str | None = None, size: int = 60) -> dict[str, Any]:
    """As the API has them. `files`: the origin of the film's files, if that is another."""
    at = f"{files or origin}{HLS}"
    return {
        "id": 7,
        "uuid": UUID,
        "name": "Film\x1b[31m",
        "duration": 8,
        "isLocal": True,
        "url": f"{origin}/videos/watch/{UUID}",
        "privacy": {"id": 1},
        "files": [],
        "streamingPlaylists": [
            {
                "playlistUrl": f"{at}/master.m3u8",
                "files": [{"resolution": {"id": 360}, "size": size, "fileUrl": f"{at}/360.mp4"}],
            }
        ],
    }
