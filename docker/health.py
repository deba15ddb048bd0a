"""Is a part of the deployment well? `health.py ADDRESS PART`; exit 0 when it is.

PART is a component that Airflow's own health page knows (metadatabase, scheduler, dag_processor, triggerer), or `page`:
the web server answers.
"""

import json
import sys
from urllib.request import ProxyHandler, build_opener

address, part = sys.argv[1:]
path = "/health" if part == "page" else "/api/v2/monitor/health"
try:
    with build_opener(ProxyHandler({})).open(address + path, timeout=8) as answer:
        found = json.load(answer)
except OSError as error:
    sys.exit(f"{part}: no answer ({type(error).__name__})")
status = (found.get(part) or {}).get("status")
sys.exit(0 if status == "healthy" else f"{part}: {status}")
