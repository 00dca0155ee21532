"""A demonstration that runs the whole product, and a separate program that judges what it did."""
