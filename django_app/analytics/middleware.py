"""What Django 5.2 does not do itself: streams that stay readable, the content security policy, and numbers in the reader's locale."""

from collections.abc import Callable

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


class ContentSecurityPolicy:
    """Adds the policy to every response: nothing inline, nothing from elsewhere, no string becomes code."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest):
        if iscoroutinefunction(self):
            return self._later(request)
        return self._marked(request, self.get_response(request))

    async def _later(self, request: HttpRequest) -> HttpResponse:
        return self._marked(request, await self.get_response(request))

    @staticmethod
    def _marked(request: HttpRequest, response: HttpResponse) -> HttpResponse:
        admin = request.path.startswith(reverse("admin:index"))
        response.headers["Content-Security-Policy"] = ADMIN_POLICY if admin else POLICY
        return response


class ReaderLocale:
    """Writes the numbers of a page for the reader's Accept-Language."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest):
        if iscoroutinefunction(self):
            return self._later(request)
        with formats.reading(self._locale(request)):
            return self._marked(self.get_response(request))

    async def _later(self, request: HttpRequest) -> HttpResponse:
        with formats.reading(self._locale(request)):
            return self._marked(await self.get_response(request))

    @staticmethod
    def _locale(request: HttpRequest) -> formats.Locale:
        return formats.locale_of(request.headers.get("Accept-Language", ""))

    @staticmethod
    def _marked(response: HttpResponse) -> HttpResponse:
        if response.headers.get("Content-Type", "").startswith("text/html"):
            patch_vary_headers(response, ("Accept-Language",))
        return response
