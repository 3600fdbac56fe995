"""`manage.py api_token PROGRAM --user NAME`: prints a new token for /api/v1."""

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from analytics import api_tokens, login_links, roles


class Command(BaseCommand):
    help = "Prints a new token for /api/v1, this once; Django admin lists and deletes them."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("program", help="what will use it")
        parser.add_argument("--user", default=login_links.USERNAME, help="whose rights it has (default: the admin)")

    def handle(self, *args: object, program: str, user: str, **options: object) -> None:
        owner = get_user_model().objects.filter(username=user).first()
        if owner is None and user == login_links.USERNAME:
            owner = login_links.account(user, roles.ADMIN)
        if owner is None:
            raise CommandError(f"there is no user {user!r}: make one with `manage.py invite {user}`")
        self.stdout.write(api_tokens.make(owner, program))
