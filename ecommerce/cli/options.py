"""Options that several commands share."""

import click

DAY = click.DateTime(formats=["%Y-%m-%d"])
SHOP = click.option("--shop", "shop_id", required=True, help="Shop id, as in shops.toml.")
