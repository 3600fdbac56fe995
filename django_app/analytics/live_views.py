"""The Live page, rendered with the current snapshot."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from analytics.context import chosen_shop


def live(request: HttpRequest) -> HttpResponse:
    return render(request, "live/live.html", {"shop": chosen_shop(request)})


def compare(request: HttpRequest) -> HttpResponse:
    raise NotImplementedError
