import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # builders.py is shared by the unit and integration tests
