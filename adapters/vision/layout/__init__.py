"""What words on a page mean: pure functions from words and their places to a document. No models, no pixels."""
