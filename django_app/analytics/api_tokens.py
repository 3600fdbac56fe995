"""Keys of programs to /api/v1."""

import secrets
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils import timezone

from analytics.login_links import hash_of
from analytics.models import ApiToken

PREFIX = "ea_"
SEEN_EVERY = timedelta(minutes=1)


def make(user: User, name: str, expires_at: datetime | None = None) -> str:
    """A new token of ``user`` for the program ``name``; it is shown this once."""
    token = PREFIX + secrets.token_urlsafe(32)
    ApiToken.objects.create(name=name, user=user, expires_at=expires_at, token_hash=hash_of(token))
    return token


def user_of(token: str) -> User | None:
    """The active user whose token this is and who may still use it, else None."""
    now = timezone.now()
    good = Q(expires_at=None) | Q(expires_at__gt=now)
    row = ApiToken.objects.filter(good, token_hash=hash_of(token), user__is_active=True).select_related("user").first()
    if row is None:
        return None
    if row.last_used_at is None or now - row.last_used_at > SEEN_EVERY:
        ApiToken.objects.filter(pk=row.pk).update(last_used_at=now)
    return row.user
