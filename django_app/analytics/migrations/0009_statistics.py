"""The loader may have the planner's statistics of a table taken anew: what one transaction wrote, its later statements must know."""

from django.db import migrations

FUNCTION = """
CREATE FUNCTION warehouse.take_statistics(name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    EXECUTE format('ANALYZE warehouse.%I', name);
END
$$;
COMMENT ON FUNCTION warehouse.take_statistics(text) IS
    'ANALYZE of one table of the warehouse, for the loader, who does not own it (MAINTAIN came with PostgreSQL 17).';
REVOKE EXECUTE ON FUNCTION warehouse.take_statistics(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION warehouse.take_statistics(text) TO loader;
"""


class Migration(migrations.Migration):
    dependencies = [("analytics", "0008_categories_and_unknown_money")]
    operations = [migrations.RunSQL(FUNCTION, "DROP FUNCTION warehouse.take_statistics(text)")]
