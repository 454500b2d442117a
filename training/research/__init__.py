"""The field's experiments: the arithmetic benchmark, sequences of digits, ensembles of replicas."""
