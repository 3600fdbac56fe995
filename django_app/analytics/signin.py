"""Signing in by a one-time link, and signing out."""

import logging

import redis
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from analytics import login_links
from analytics.live_hub import NOTICES
from ecommerce.config import settings

log = logging.getLogger(__name__)
BACKEND = "django.contrib.auth.backends.ModelBackend"


@login_not_required
@never_cache
@require_GET
def explain(request: HttpRequest) -> HttpResponse:
    """How to get a link."""
    if request.user.is_authenticated:
        return redirect("live")
    return render(request, "signin/explain.html", {"minutes": settings().login_link_minutes})


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def use_link(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows the button, so that a mail program's preview does not use the link up; POST signs in."""
    user = login_links.use(token) if request.method == "POST" else None
    if user is not None:
        login(request, user, backend=BACKEND)
        return redirect("live")
    if request.method == "GET" and login_links.is_good(token):
        return render(request, "signin/confirm.html")
    return render(request, "signin/explain.html", {"refused": True, "minutes": settings().login_link_minutes}, status=410)


@login_not_required
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Ends the session and, by a notice to every process, its live sockets."""
    session = request.session.session_key
    logout(request)
    try:
        async_to_sync(get_channel_layer("notices").group_send)(NOTICES, {"type": "session.over", "session": session})
    except (redis.RedisError, OSError) as error:
        log.warning("signed out; its open Live pages were not told, Redis is away: %s", error)
    return redirect("signin")
