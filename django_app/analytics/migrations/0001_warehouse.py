"""The warehouse schema, and who may do what in it. Run by the role that owns the database."""

from pathlib import Path

from django.db import migrations

SCHEMA = (Path(__file__).parent / "0001_warehouse.sql").read_text(encoding="utf-8")

GRANTS = """
GRANT USAGE ON SCHEMA warehouse TO loader, web, reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA warehouse TO loader;
GRANT SELECT ON ALL TABLES IN SCHEMA warehouse TO web, reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA warehouse GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO loader;
ALTER DEFAULT PRIVILEGES IN SCHEMA warehouse GRANT SELECT ON TABLES TO web, reader;

GRANT USAGE, CREATE ON SCHEMA staging TO loader;

GRANT USAGE ON SCHEMA public TO web;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO web;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO web;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO web;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO web;
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.RunSQL(SCHEMA, "DROP SCHEMA warehouse CASCADE; DROP SCHEMA staging CASCADE;"),
        migrations.RunSQL(GRANTS, migrations.RunSQL.noop),
    ]
