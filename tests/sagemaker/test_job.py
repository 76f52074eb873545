"""`fitwell-sagemaker train` in a private /opt/ml: the same model as on a laptop."""

import json
import os
import re
import signal
import subprocess
import time

import pytest
from conftest_job import BIN, SETTINGS, VERSION_3, run_locally, same_predictions, same_result
from serving.live import served
from toys import make_frame
