"""Django admin behind the dashboard's own sign-in."""

from django.contrib.admin.apps import AdminConfig


class EcommerceAdminConfig(AdminConfig):
    default_site = "analytics.admin_site.Site"
