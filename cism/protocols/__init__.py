"""The protocols, as data: one file a way of working. `cism.domain.protocol` reads and checks them."""
