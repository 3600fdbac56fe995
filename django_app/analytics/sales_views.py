"""The Sales page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path


def sales(request: HttpRequest) -> HttpResponse:
    return render(request, "sales/sales.html")


urlpatterns = [path("sales", sales, name="sales")]
