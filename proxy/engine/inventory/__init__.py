"""What offline use of a video, a playlist or a channel needs: asked of a cassette by `lint --playable`, and of the
instance by `pack`. Both walk the same list.
"""
