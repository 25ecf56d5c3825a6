import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # scheduling_builders.py and what else these tests share
