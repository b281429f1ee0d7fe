"""mitmproxy's imports use old names of pyparsing and pyasn1, which warn once; here warnings are errors."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import mitmproxy.addons.savehar  # noqa: F401
