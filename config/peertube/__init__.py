"""The facts about PeerTube as data, one folder per version."""
