"""A model's report: one HTML file, a model card with formula, errors, plots and origin."""
