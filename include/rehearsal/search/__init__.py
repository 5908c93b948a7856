"""The example of the search story: a table of products, the index that searches use, and what feeds it."""
