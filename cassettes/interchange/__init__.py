"""Other formats in and out: mitmproxy flow files and HAR."""
