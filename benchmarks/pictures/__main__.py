"""python -m benchmarks.pictures: the former name of ``python -m benchmarks.images``."""  # alias: benchmarks.images

import warnings

from benchmarks.images.__main__ import main

if __name__ == "__main__":
    warnings.warn("benchmarks.pictures is now benchmarks.images.", FutureWarning, stacklevel=1)  # alias: as above
    main()
