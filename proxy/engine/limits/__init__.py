"""PeerTube's rate limits: windows per client address and bucket, who passes all the same, and the headers that tell."""
