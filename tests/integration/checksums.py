"""Checksums of everything that the warehouse holds of a shop, run ids and clocks apart."""

import batch_runs

LOGS = {"etl_run", "etl_run_day", "quality_result", "reconciliation"}
OF_THE_RUN = ("run_id", "quarantined_at")
TABLES = """
    SELECT t.table_name AS name, bool_or(c.column_name = 'date') AS dated FROM information_schema.tables t
    JOIN information_schema.columns c USING (table_schema, table_name)
    WHERE t.table_schema = 'warehouse' AND t.table_type = 'BASE TABLE'
    GROUP BY 1 HAVING bool_or(c.column_name = 'shop_id') ORDER BY 1"""


def of_shop(shop_id: str) -> dict[str, str]:
    """Table, and day where it has one, to a digest of its rows in an order of their own."""
    found = {}
    for table in batch_runs.rows(TABLES):
        if table["name"] in LOGS:
            continue
        day = "date::text" if table["dated"] else "''"
        without = " - ".join(["to_jsonb(t)", *(f"'{name}'" for name in OF_THE_RUN)])
        query = f"""
            SELECT {day} AS day, count(*) AS n, md5(string_agg(md5(({without})::text), '' ORDER BY md5(({without})::text))) AS digest
            FROM warehouse.{table["name"]} t WHERE shop_id = %s GROUP BY 1"""
        found |= {f"{table['name']} {row['day']}".strip(): f"{row['n']} {row['digest']}" for row in batch_runs.rows(query, shop_id)}
    return found
