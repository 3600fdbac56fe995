"""Signing in by password or one-time link, choosing a password, and signing out."""

from datetime import timedelta

from django.conf import settings as django_settings
from django.contrib.auth import login, logout, update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from analytics import audit, login_links, sign_out
from ecommerce.config import settings

BACKEND = "django.contrib.auth.backends.ModelBackend"


class SignIn(LoginView):
    """The sign-in page: password form, and how to get a link."""

    template_name = "signin/signin.html"
    redirect_authenticated_user = True

    def get_context_data(self, **extra):
        return super().get_context_data(**extra) | {"minutes": settings().login_link_minutes}

    def form_valid(self, form) -> HttpResponse:
        answer = super().form_valid(form)
        if not self.request.POST.get("stay"):
            self.request.session.set_expiry(0)
        audit.record(self.request, "sign in", "by password")
        return answer


def too_many(request: HttpRequest, *_: object, **__: object) -> HttpResponse:
    """429: the pause after too many wrong passwords (django-axes calls this)."""
    pause: timedelta = django_settings.AXES_COOLOFF_TIME
    minutes = int(pause.total_seconds() // 60)
    answer = render(request, "signin/paused.html", {"minutes": minutes}, status=429)
    answer.headers["Retry-After"] = str(minutes * 60)
    return answer


def _enter(request: HttpRequest, user, how: str) -> HttpResponse:
    login(request, user, backend=BACKEND)
    audit.record(request, "sign in", how)
    return redirect("live")


def _refused(request: HttpRequest) -> HttpResponse:
    return render(request, "signin/refused.html", {"minutes": settings().login_link_minutes}, status=410)


@login_not_required
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def use_link(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows the button or the new password's form, so that a mail program's preview does not use the link up; POST signs in."""
    link = login_links.find(token)
    if link is None:
        return _refused(request)
    form = SetPasswordForm(link.user, request.POST or None) if link.invites else None
    if request.method == "GET" or (form and not form.is_valid()):
        return render(request, "signin/confirm.html", {"link": link, "form": form})
    user = login_links.use(token)
    if user is None:
        return _refused(request)
    if form:
        form.user = user
        user = form.save()
    return _enter(request, user, "by invitation" if form else "by link")


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Choose a password; all other browsers of the account are signed out."""
    kind = PasswordChangeForm if request.user.has_usable_password() else SetPasswordForm
    form = kind(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = form.save()
        request.session.cycle_key()
        update_session_auth_hash(request, user)
        audit.record(request, "change password")
        return redirect("live")
    return render(request, "signin/password.html", {"form": form})


@login_not_required
@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Ends the session, with ``everywhere`` all sessions of the user, and their open sockets in every process."""
    session, user = request.session.session_key, request.user
    if user.is_authenticated and "everywhere" in request.POST:
        audit.record(request, "sign out everywhere")
        sign_out.user(user.pk)
    logout(request)
    if session:
        sign_out.session(session)
    return redirect("signin")
