"""What the catalog says of every asset: its table's columns, where each comes from, and the code that makes it."""
