"""A user's token: asked for as an app does, with the password from the terminal or the environment."""

from __future__ import annotations

import os
from urllib.parse import urlencode

import click

from peertape.cassettes.headers import Headers
from peertape.proxy.cli.packing.packer import Packer
from peertape.proxy.cli.trouble import Trouble
from peertape.proxy.engine.inventory.documents import api
from peertape.proxy.engine.inventory.needs import Held, Need, What
from peertape.proxy.engine.inventory.places import Place

PASSWORD = "PEERTAPE_PASSWORD"
VIDEO_PASSWORD = "PEERTAPE_VIDEO_PASSWORD"
_CLIENT = api(What.INSTANCE, "/api/v1/oauth-clients/local")
_TOKEN = Need(What.INSTANCE, Place("/api/v1/users/token"), "POST", is_read=True)
_FORM = Headers((("Content-Type", "application/x-www-form-urlencoded"),))


def secret(variable: str, question: str) -> str:
    """From the environment, else from the terminal, which does not show it."""
    known = os.environ.get(variable)
    if known:
        return known
    text = click.prompt(question, hide_input=True, err=True)
    return str(text)


async def authorization(packer: Packer, username: str, password: str) -> str:
    """The header's value. Trouble if the instance refuses."""
    client = await packer.ask(_CLIENT, Headers(), read=True)
    told = Held(client.status, client.text).members()
    form = {
        "client_id": told.get("client_id", ""),
        "client_secret": told.get("client_secret", ""),
        "response_type": "code",
        "grant_type": "password",
        "username": username,
        "password": password,
    }
    got = await packer.ask(_TOKEN, _FORM, urlencode(form).encode(), read=True)
    token = Held(got.status, got.text).members().get("access_token")
    if not isinstance(token, str):
        raise Trouble(
            f"The instance does not let {username} in: it answered {got.status}. Two factors cannot be asked."
        )
    # Whose the token is, for sure.
    packer.asker = type(packer.asker)(f"Bearer {token}", packer.asker.video_password)
    await packer.ask(api(What.INSTANCE, "/api/v1/users/me"), Headers(), read=True)
    return f"Bearer {token}"
