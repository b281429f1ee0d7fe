"""mitmproxy's master for a lane that nobody looks at: with the addons that such a lane needs, and no flow kept.

`mitmdump` comes with some thirty more, which act by options that peertape does not set. mitmproxy asks each of them at
each hook whether it has that hook, and again for its `update`: a third of what an answer takes.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Sequence
from typing import Any

from mitmproxy.addonmanager import AddonManager, traverse
from mitmproxy.addons import block, core, disable_h2c, errorcheck, next_layer, proxyserver, tlsconfig, update_alt_svc
from mitmproxy.exceptions import AddonHalt, OptionsError
from mitmproxy.hooks import Hook
from mitmproxy.master import Master
from mitmproxy.options import Options

logger = logging.getLogger(__name__)

Handler = Callable[..., Any]


class LaneMaster(Master):
    """Its addons are in the order in which `mitmdump` has them."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.addons = Addons(self)
        self.addons.add(
            core.Core(),
            block.Block(),
            disable_h2c.DisableH2C(),
            proxyserver.Proxyserver(),
            next_layer.NextLayer(),
            tlsconfig.TlsConfig(),
            update_alt_svc.UpdateAltSvc(),
            errorcheck.ErrorCheck(),
        )


class Addons(AddonManager):
    """Knows which of its addons have a hook. They must not get hooks or addons of their own later."""

    def __init__(self, master: Master) -> None:
        super().__init__(master)  # type: ignore[no-untyped-call]
        self._handlers: dict[str, Sequence[Handler]] = {}

    def add(self, *addons: object) -> None:
        self._handlers.clear()
        super().add(*addons)  # type: ignore[no-untyped-call]
        self._handlers.clear()

    def remove(self, addon: object) -> None:
        super().remove(addon)  # type: ignore[no-untyped-call]
        self._handlers.clear()

    async def trigger_event(self, event: Hook) -> None:
        handlers = self._handlers.get(event.name)
        if handlers is None:
            found = (getattr(addon, event.name, None) for addon in traverse(self.chain))
            handlers = self._handlers[event.name] = [handler for handler in found if callable(handler)]
        if not handlers:
            return
        arguments = event.args()
        for handler in handlers:
            try:
                result = handler(*arguments)
                if result is not None and inspect.isawaitable(result):
                    await result
            except AddonHalt:
                return
            except OptionsError:
                raise
            except Exception as error:
                logger.exception("Addon error: %s", error)  # noqa: TRY401 (as mitmproxy says it)
