"""python -m benchmarks.pictures.elsewhere: the former name of benchmarks.images.cross_dataset."""  # alias: as above

import warnings

from benchmarks.images.cross_dataset import main

if __name__ == "__main__":
    message = "benchmarks.pictures.elsewhere is now benchmarks.images.cross_dataset."  # alias: as above
    warnings.warn(message, FutureWarning, stacklevel=1)
    main()
