"""Measures what the product promises about speed, each time beside something plainer in the same run."""

STOCK = "stock-page"
"""The name of the stock deployment and of its flow."""
