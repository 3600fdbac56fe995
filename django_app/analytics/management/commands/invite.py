"""`manage.py invite NAME --role viewer`: prints a one-time link by which a person chooses a password."""

from django.core.management.base import BaseCommand, CommandParser

from analytics import login_links, roles


class Command(BaseCommand):
    help = f"Prints a link by which a person chooses a password, once, within {login_links.INVITATION_HOURS} hours; makes the account."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--role", choices=roles.ROLES, default=roles.VIEWER)

    def handle(self, *args: object, username: str, role: str, **options: object) -> None:
        self.stdout.write(login_links.make(login_links.account(username, role), invites=True))
