"""Parts of the document generator: canvas, languages, business papers, plots."""
