"""Pages for what went wrong; each names the thing and the next step."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import requires_csrf_token


def _page(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    return render(request, "error.html", {"title": title, "text": text, "status": status}, status=status)


@requires_csrf_token
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 400, "This request is malformed", str(exception) or "The address or form was not understood.")


@requires_csrf_token
def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 403, "Not allowed", str(exception) or "Your account may not do this.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _page(
        request, 403, "The form is out of date", "It was opened in another session. Go back, load the page again and repeat the step."
    )


@requires_csrf_token
def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    said = exception.args[0] if exception.args and isinstance(exception.args[0], str) else ""
    return _page(request, 404, "There is no such page", said or "The address may be mistyped, or the page was moved.")


@requires_csrf_token
def server_error(request: HttpRequest) -> HttpResponse:
    return _page(
        request, 500, "This page failed", "The error is in the dashboard's log: run `make logs django`. Other pages are not affected."
    )
