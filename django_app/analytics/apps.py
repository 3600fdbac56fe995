"""The dashboard's one Django app."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AnalyticsConfig(AppConfig):
    name = "analytics"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from analytics import roles, sign_out

        post_migrate.connect(roles.ensure, sender=self, dispatch_uid="roles")
        sign_out.watch_users()
