"""`manage.py login_link`: prints a one-time sign-in link."""

from django.core.management.base import BaseCommand

from analytics import login_links


class Command(BaseCommand):
    help = "Prints a link that signs in once, within ECOMMERCE_LOGIN_LINK_MINUTES."
    requires_system_checks = []

    def handle(self, *args: object, **options: object) -> None:
        self.stdout.write(login_links.make())
