"""The dashboard's own tables: who may come in and how, what they did, how shops are shown."""

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models


class LoginLink(models.Model):
    """A one-time link. Only the hash of its token is kept, so the table opens no door."""

    token_hash = models.CharField(max_length=64, primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True)
    invites = models.BooleanField(default=False, help_text="asks for a new password instead of signing in at once")
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)


class BrowserSession(AbstractBaseSession):
    """A signed-in browser; knows its user, so that all sessions of one can be ended."""

    user_id = models.BigIntegerField(null=True, db_index=True)

    @classmethod
    def get_session_store_class(cls):
        from analytics.sessions import SessionStore

        return SessionStore


class ApiToken(models.Model):
    """A program's key to /api/v1; it may read what its user may. Only its hash is kept."""

    name = models.CharField(max_length=80, help_text="which program uses it")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="empty: never")
    last_used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.name} ({self.user})"


class Action(models.Model):
    """One row per action of a person or program: who, when, what, on what, with what result. Never changed."""

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    username = models.CharField(max_length=150, help_text="as it was then")
    address = models.GenericIPAddressField(null=True)
    action = models.CharField(max_length=40)
    target = models.TextField(blank=True)
    outcome = models.TextField(blank=True)

    class Meta:
        ordering = ["-at"]
        permissions = [("operate", "May replay, release and trigger runs")]

    def __str__(self) -> str:
        return f"{self.username}: {self.action} {self.target}"


class ShopDisplay(models.Model):
    """How a shop of shops.toml is shown; a shop without a row is shown by its name in that file, after the others."""

    shop_id = models.CharField(max_length=64, primary_key=True)
    name = models.CharField(max_length=80, blank=True, help_text="empty: the name in shops.toml")
    position = models.PositiveSmallIntegerField(default=100, help_text="smaller comes first")
    shown = models.BooleanField(default=True, help_text="whether it is in the list of shops")

    class Meta:
        verbose_name = "shop"
        ordering = ["position", "shop_id"]

    def __str__(self) -> str:
        return self.name or self.shop_id
