"""The Funnel page's last card by an index alone: pages on which visits ended without an order after a product view."""

from django.db import migrations

INDEX = """
CREATE INDEX fct_session_exit ON warehouse.fct_session (shop_id, date, exit_page)
WHERE orders = 0 AND step >= 1 AND exit_page IS NOT NULL
"""


class Migration(migrations.Migration):
    dependencies = [("analytics", "0006_accounts")]
    operations = [migrations.RunSQL(INDEX, "DROP INDEX warehouse.fct_session_exit")]
