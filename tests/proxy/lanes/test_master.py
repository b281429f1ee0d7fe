"""The master of a lane that nobody looks at: hooks reach the addons that have them, as with mitmproxy's own."""

from __future__ import annotations

import asyncio
import logging

import pytest
from mitmproxy.addons import default_addons
from mitmproxy.exceptions import AddonHalt
from mitmproxy.http import HTTPFlow
from mitmproxy.options import Options
from mitmproxy.proxy.layers.http import HttpRequestHook
from mitmproxy.test import tflow

from peertape.proxy.lanes.master import LaneMaster


class Told:
    def __init__(self, name: str, heard: list[str], raises: Exception | None = None) -> None:
        self.name = name
        self._heard = heard
        self._raises = raises

    def request(self, flow: HTTPFlow) -> None:
        self._heard.append(f"{self.name}: {flow.request.path}")
        if self._raises is not None:
            raise self._raises


class ToldLater(Told):
    async def request(self, flow: HTTPFlow) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        super().request(flow)


def ask(*addons: object, after: object | None = None) -> LaneMaster:
    """A request that all addons are told of; then another one, where there is an addon that comes later."""

    async def run() -> LaneMaster:
        master = LaneMaster(Options())
        master.addons.add(*addons)
        await master.addons.handle_lifecycle(HttpRequestHook(tflow.tflow()))
        if after is not None:
            master.addons.add(after)
            await master.addons.handle_lifecycle(HttpRequestHook(tflow.tflow()))
        return master

    return asyncio.run(run())


def test_all_addons_with_the_hook_are_told_in_order_and_waited_for() -> None:
    heard: list[str] = []
    ask(Told("first", heard), ToldLater("second", heard), object(), Told("third", heard))
    assert heard == ["first: /path", "second: /path", "third: /path"]


def test_an_addon_that_fails_does_not_keep_the_others_from_being_told(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[str] = []
    with caplog.at_level(logging.ERROR):
        ask(Told("first", heard, ValueError("broken")), Told("second", heard))
    assert heard == ["first: /path", "second: /path"]
    assert "Addon error: broken" in caplog.text


def test_an_addon_may_be_the_last_that_is_told() -> None:
    heard: list[str] = []
    ask(Told("first", heard, AddonHalt()), Told("second", heard))
    assert heard == ["first: /path"]


def test_an_addon_that_comes_later_is_told_from_then_on() -> None:
    heard: list[str] = []
    ask(Told("first", heard), after=Told("second", heard))
    assert heard == ["first: /path", "first: /path", "second: /path"]


def test_it_has_addons_of_mitmdump_in_the_same_order_and_nothing_that_keeps_flows() -> None:
    names = [type(addon).__name__ for addon in ask().addons.chain]
    usual = [type(addon).__name__ for addon in default_addons()]
    assert [name for name in usual if name in names] == [name for name in names if name != "ErrorCheck"]
    assert not {"View", "ReadFile", "Save", "SaveHar", "ServerPlayback", "ClientPlayback"} & set(names)
