"""The dashboard's entry: pages over HTTP, the live feed over one WebSocket."""

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

from analytics.live_consumer import LiveConsumer  # noqa: E402

sockets = URLRouter([path("ws/live", LiveConsumer.as_asgi())])

application = ProtocolTypeRouter(
    {
        "http": pages,
        "websocket": OriginValidator(AuthMiddlewareStack(sockets), settings.ALLOWED_ORIGINS),
    }
)
