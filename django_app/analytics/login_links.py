"""One-time sign-in links: made by `manage.py login_link`, good once and for a few minutes."""

import hashlib
import secrets
from datetime import timedelta

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.utils import timezone

from analytics.models import LoginLink
from ecommerce.config import settings

USERNAME = "admin"


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def make() -> str:
    """A new link: the dashboard's public address with an unguessable token."""
    now = timezone.now()
    LoginLink.objects.filter(expires_at__lt=now).delete()
    token = secrets.token_urlsafe(32)
    LoginLink.objects.create(token_hash=_hash(token), expires_at=now + timedelta(minutes=settings().login_link_minutes))
    return f"{settings().public_url.rstrip('/')}/login/{token}"


def _open(token: str):
    return LoginLink.objects.filter(token_hash=_hash(token), used_at=None, expires_at__gt=timezone.now())


def is_good(token: str) -> bool:
    """Whether the link would still open the dashboard; looking does not use it up."""
    return _open(token).exists()


def use(token: str) -> AbstractBaseUser | None:
    """Uses the link up: its user, or None where it is unknown, used or expired. Of two at once, one wins."""
    if not _open(token).update(used_at=timezone.now()):
        return None
    user, created = get_user_model().objects.get_or_create(username=USERNAME)
    if created:
        user.set_unusable_password()
        user.save()
    return user
