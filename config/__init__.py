"""The settings of peertape, and the facts about PeerTube that it is built on."""
