"""The service under load, beside an echo and beside what one writes alone in ten minutes."""
