"""Prints the names of the modules that FastChat's servers need and that are not there."""
from importlib.util import find_spec
from importlib.metadata import version

NEEDED = ["aiohttp", "fastapi", "httpx", "numpy", "pydantic", "requests", "uvicorn"]
missing = [name for name in NEEDED if find_spec(name) is None]
if "pydantic" not in missing and int(version("pydantic").split(".")[0]) < 2:
    missing.append("pydantic 2")
replaced = [name for name in ["pydantic_settings", "shortuuid", "tiktoken"] if find_spec(name) is None]
print(",".join(missing) + ";" + ",".join(replaced))
