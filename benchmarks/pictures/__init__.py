"""The former name of ``benchmarks.images``; its commands still run."""  # alias: benchmarks.images
