"""Every address of the dashboard."""

from django.conf import settings
from django.contrib import admin
from django.urls import path

from analytics import (
    api,
    customers_views,
    data_views,
    downloads,
    errors,
    funnel_views,
    health,
    live_views,
    products_views,
    report_views,
    run_views,
    sales_views,
    signin,
    styleguide,
)

urlpatterns = [
    path("", live_views.live, name="live"),
    path("live/compare", live_views.compare, name="live-compare"),
    *sales_views.urlpatterns,
    *products_views.urlpatterns,
    *customers_views.urlpatterns,
    *funnel_views.urlpatterns,
    *report_views.urlpatterns,
    *downloads.urlpatterns,
    *data_views.urlpatterns,
    *run_views.urlpatterns,
    path("api/v1/", api.urls),
    path("signin", signin.SignIn.as_view(), name="signin"),
    path("login/<str:token>", signin.use_link, name="login-link"),
    path("signout", signin.leave, name="signout"),
    path("account/password", signin.password, name="password"),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="healthz"),
    *(styleguide.urlpatterns if settings.DEBUG else ()),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error
