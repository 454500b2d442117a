"""python -m benchmarks.pictures.elsewhere: the former name of benchmarks.images.cross_dataset."""  # alias: as above

import warnings

from benchmarks.images.cross_dataset import main

if __name__ == "__main__":
    warnings.warn("benchmarks.pictures is now benchmarks.images.", FutureWarning, stacklevel=1)  # alias: as above
    main()
