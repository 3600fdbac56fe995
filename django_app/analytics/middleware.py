"""What Django 5.2 does not do itself: streams that stay readable, the content security policy, and numbers in the reader's locale."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.urls import reverse
from django.utils.cache import patch_vary_headers

from analytics import formats

NOTHING_INLINE = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
)
TRUSTED_TYPES = ("require-trusted-types-for 'script'", "trusted-types 'none'")
POLICY = "; ".join(NOTHING_INLINE + TRUSTED_TYPES)
# Django admin's scripts build parts of their pages from strings.
ADMIN_POLICY = "; ".join(NOTHING_INLINE)


class GZipPages(GZipMiddleware):
    """GZip for whole responses. Django packs each piece of an asynchronous stream on its own, and Chromium reads the first alone."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The response, packed where it is whole and the reader takes gzip."""
        return response if response.streaming else super().process_response(request, response)


class AroundResponse:
    """Middleware, sync or async, that makes each response within ``around`` and changes its headers in ``marked``."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest):
        if iscoroutinefunction(self):
            return self._later(request)
        with self.around(request):
            return self.marked(request, self.get_response(request))

    async def _later(self, request: HttpRequest) -> HttpResponse:
        with self.around(request):
            return self.marked(request, await self.get_response(request))

    def around(self, request: HttpRequest) -> AbstractContextManager:
        """What holds while the response is made."""
        return nullcontext()

    def marked(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """The response with its headers."""
        return response


class ContentSecurityPolicy(AroundResponse):
    """Adds the policy to every response: nothing inline, nothing from elsewhere, no string becomes code."""

    def marked(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """The response with the policy."""
        admin = request.path.startswith(reverse("admin:index"))
        response.headers["Content-Security-Policy"] = ADMIN_POLICY if admin else POLICY
        return response


class ReaderLocale(AroundResponse):
    """Writes the numbers of a page for the reader's Accept-Language."""

    def around(self, request: HttpRequest) -> AbstractContextManager:
        """Formats of the reader's locale."""
        return formats.reading(formats.locale_of(request.headers.get("Accept-Language", "")))

    def marked(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """The response, told to caches as one a language where it is a page."""
        if response.headers.get("Content-Type", "").startswith("text/html"):
            patch_vary_headers(response, ("Accept-Language",))
        return response
