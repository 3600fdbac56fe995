"""Every dataset by name: ``DATASETS["daily_sales"].rows(Scope(shop, selection))``."""

from analytics.datasets import customers, funnel, operations, products, sales, split
from analytics.datasets.core import Column, Dataset, Option

DATASETS: dict[str, Dataset] = {
    dataset.name: dataset for module in (sales, split, products, customers, funnel, operations) for dataset in module.DATASETS
}

__all__ = ["DATASETS", "Column", "Dataset", "Option"]
