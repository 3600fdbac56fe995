"""Who may do what: viewer looks, operator also replays and triggers, admin also manages users, tokens and shops."""

from django.contrib.auth.models import AbstractBaseUser, Group, Permission, User
from django.db import connections

VIEWER, OPERATOR, ADMIN = ROLES = ("viewer", "operator", "admin")
OPERATE = "analytics.operate"


def role_of(user: AbstractBaseUser) -> str:
    """The user's role; an account in no group looks only."""
    if user.is_superuser:
        return ADMIN
    return OPERATOR if user.has_perm(OPERATE) else VIEWER


def give(user: User, role: str) -> None:
    """Makes ``user`` a ``role`` and nothing else.

    Raises:
        ValueError: there is no such role.
    """
    if role not in ROLES:
        raise ValueError(f"there is no role {role!r}; the roles are {', '.join(ROLES)}")
    user.is_staff = user.is_superuser = role == ADMIN
    user.save()
    user.groups.set([Group.objects.get(name=role)])


def ensure(using: str = "default", **_: object) -> None:
    """Makes the groups and gives them their permissions; runs after every migration, also one that stops before Django's accounts."""
    if Group._meta.db_table not in connections[using].introspection.table_names():
        return
    groups = {name: Group.objects.using(using).get_or_create(name=name)[0] for name in ROLES}
    operate = Permission.objects.using(using).filter(codename="operate", content_type__app_label="analytics")
    for name in (OPERATOR, ADMIN):
        groups[name].permissions.add(*operate)
