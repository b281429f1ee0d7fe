"""Raised where nothing recorded tells: the twin then says nothing at all."""


class Undecided(Exception):
    """`what`: the member or fact that is not known, for example `video.isLive`."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what
