"""What Django admin shows."""

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest

from analytics import api_tokens, login_links, roles, sign_out
from analytics.models import Action, ApiToken, ShopDisplay
from ecommerce.shops import shops

admin.site.unregister([User, Group])


@admin.register(User)
class Users(UserAdmin):
    list_display = ("username", "role", "is_active", "last_login")
    list_filter = ("groups", "is_active")
    actions = ("invite", "sign_out", "make_viewer", "make_operator", "make_admin")

    @admin.display(description="role")
    def role(self, user: User) -> str:
        return roles.role_of(user)

    @admin.action(description="Make an invitation link (sets a password)")
    def invite(self, request: HttpRequest, chosen) -> None:
        for user in chosen:
            link = login_links.make(user, invites=True)
            self.message_user(request, f"{user}: {link} (once, within {login_links.INVITATION_HOURS} hours)", messages.WARNING)

    @admin.action(description="Sign out everywhere")
    def sign_out(self, request: HttpRequest, chosen) -> None:
        for user in chosen:
            sign_out.user(user.pk)
            self.log_change(request, user, "Signed out everywhere")

    def _make(self, request: HttpRequest, chosen, role: str) -> None:
        for user in chosen:
            roles.give(user, role)
            self.log_change(request, user, f"Role {role}")

    @admin.action(description="Make viewer")
    def make_viewer(self, request: HttpRequest, chosen) -> None:
        self._make(request, chosen, roles.VIEWER)

    @admin.action(description="Make operator")
    def make_operator(self, request: HttpRequest, chosen) -> None:
        self._make(request, chosen, roles.OPERATOR)

    @admin.action(description="Make admin")
    def make_admin(self, request: HttpRequest, chosen) -> None:
        self._make(request, chosen, roles.ADMIN)


@admin.register(Group)
class Roles(GroupAdmin):
    """The roles are fixed; their members are set on the user."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj=None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj=None) -> bool:
        return False


@admin.register(ApiToken)
class Tokens(admin.ModelAdmin):
    list_display = ("name", "user", "created_at", "expires_at", "last_used_at")
    fields = ("name", "user", "expires_at")

    def save_model(self, request: HttpRequest, obj: ApiToken, form, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        token = api_tokens.make(obj.user, obj.name, obj.expires_at)
        made = ApiToken.objects.get(token_hash=login_links.hash_of(token))
        obj.__dict__.update(made.__dict__)
        self.message_user(request, f"The token, shown this once: {token}", messages.WARNING)


@admin.register(ShopDisplay)
class Shops(admin.ModelAdmin):
    list_display = ("shop_id", "name", "position", "shown")
    list_editable = ("name", "position", "shown")

    def get_queryset(self, request: HttpRequest):
        known = set(ShopDisplay.objects.values_list("shop_id", flat=True))
        ShopDisplay.objects.bulk_create([ShopDisplay(shop_id=one) for one in shops() if one not in known], ignore_conflicts=True)
        return super().get_queryset(request).filter(shop_id__in=list(shops()))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj=None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj=None):
        return ("shop_id",)


@admin.register(Action)
class Actions(admin.ModelAdmin):
    list_display = ("at", "username", "action", "target", "outcome", "address")
    list_filter = ("action", "username")
    date_hierarchy = "at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj=None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj=None) -> bool:
        return False
