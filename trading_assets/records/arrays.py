"""Static types of record arrays; numpy has none for their fields."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Record = Any
"""One element of a record array."""

Records = NDArray[np.void]
