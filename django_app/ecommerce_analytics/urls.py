"""Every address of the dashboard."""

from django.urls import path

from analytics import errors, health, live_views, sales_views, signin

urlpatterns = [
    path("", live_views.live, name="live"),
    path("live/compare", live_views.compare, name="live-compare"),
    *sales_views.urlpatterns,
    path("signin", signin.explain, name="signin"),
    path("login/<str:token>", signin.use_link, name="login-link"),
    path("signout", signin.sign_out, name="signout"),
    path("healthz", health.healthz, name="healthz"),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error
