"""One-time links: `manage.py login_link` signs the admin in, `manage.py invite` lets a person choose a password."""

import hashlib
import secrets
from datetime import timedelta

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.utils import timezone

from analytics import roles
from analytics.models import LoginLink
from ecommerce.config import settings

USERNAME = "admin"
INVITATION_HOURS = 72


def hash_of(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def account(username: str, role: str) -> User:
    """The user, made where there is none; always of ``role``."""
    user, created = get_user_model().objects.get_or_create(username=username)
    if created:
        user.set_unusable_password()
    roles.give(user, role)
    return user


def make(user: User | None = None, invites: bool = False) -> str:
    """A new link for ``user`` (default: the admin): the dashboard's public address with an unguessable token."""
    now = timezone.now()
    LoginLink.objects.filter(expires_at__lt=now).delete()
    token = secrets.token_urlsafe(32)
    good_for = timedelta(hours=INVITATION_HOURS) if invites else timedelta(minutes=settings().login_link_minutes)
    user = user or account(USERNAME, roles.ADMIN)
    LoginLink.objects.create(token_hash=hash_of(token), user=user, invites=invites, expires_at=now + good_for)
    return f"{settings().public_url.rstrip('/')}/login/{token}"


def _open(token: str):
    return LoginLink.objects.filter(token_hash=hash_of(token), used_at=None, expires_at__gt=timezone.now(), user__is_active=True)


def find(token: str) -> LoginLink | None:
    """The link if it would still open the dashboard; looking does not use it up."""
    return _open(token).select_related("user").first()


def use(token: str) -> User | None:
    """Uses the link up: its user, or None where it is unknown, used or expired. Of two at once, one wins."""
    link = find(token)
    return link.user if link and _open(token).update(used_at=timezone.now()) else None
