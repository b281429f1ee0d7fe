"""mitmproxy addons; each loads on its own with mitmdump -s."""
