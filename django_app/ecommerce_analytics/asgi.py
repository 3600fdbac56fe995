"""The dashboard's entry: pages over HTTP, live numbers and notices over WebSockets."""

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import OriginValidator
from django.core.asgi import get_asgi_application
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ecommerce_analytics.settings")
pages = get_asgi_application()

# After Django is set up: they import models.
from django.conf import settings  # noqa: E402

from analytics.access_log import AccessLog  # noqa: E402
from analytics.live_consumer import live_socket, notice_socket  # noqa: E402

_prefix = (settings.FORCE_SCRIPT_NAME or "").strip("/")


def below_prefix(application):
    """``application`` asked with the whole path, also by a proxy that cuts the prefix off, or from inside."""

    async def asked(scope, receive, send):
        if scope["type"] in ("http", "websocket") and not f"{scope['path']}/".startswith(f"/{_prefix}/"):
            scope = scope | {"path": f"/{_prefix}{scope['path']}"}
        await application(scope, receive, send)

    return asked if _prefix else application


def socket(name: str) -> str:
    return f"{_prefix}/ws/{name}".lstrip("/")


sockets = URLRouter([path(socket("live"), live_socket), path(socket("notices"), notice_socket)])

application = below_prefix(
    ProtocolTypeRouter(
        {
            "http": AccessLog(pages),
            "websocket": AccessLog(OriginValidator(AuthMiddlewareStack(sockets), settings.ALLOWED_ORIGINS)),
        }
    )
)
