"""Sessions in the database, each with its user: SESSION_ENGINE."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone


class SessionStore(DatabaseStore):
    """Django's store with the user's id beside the data."""

    @classmethod
    def get_model_class(cls):
        from analytics.account_models import BrowserSession

        return BrowserSession

    def create_model_instance(self, data: dict[str, Any]):
        row = super().create_model_instance(data)
        row.user_id = data.get(SESSION_KEY)
        return row


def alive(keys: Iterable[str]) -> set[str]:
    """Those of the session keys that are stored, have not expired and belong to an active user."""
    from django.contrib.auth import get_user_model

    rows = SessionStore.get_model_class().objects.filter(pk__in=list(keys), expire_date__gt=timezone.now())
    active = get_user_model().objects.filter(is_active=True)
    return set(rows.filter(user_id__in=active.values("pk")).values_list("pk", flat=True))


def end_all(user_id: int) -> int:
    """Deletes every session of the user; returns how many there were. Their open sockets are told by signin.tell_over."""
    return SessionStore.get_model_class().objects.filter(user_id=user_id).delete()[0]
