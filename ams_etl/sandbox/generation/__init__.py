"""What every generated agency is made of: words, and single values drawn from one stream of chance."""
