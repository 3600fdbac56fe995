"""Signing in by a one-time link, and signing out."""

from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from analytics import login_links
from ecommerce.config import settings

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
    logout(request)
    return redirect("signin")
