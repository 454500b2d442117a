"""Whether a training on a cluster survives its workers, with the records of a local run."""
