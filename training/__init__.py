"""Everything that makes a model repository: data, tasks, training, evaluation and export."""
