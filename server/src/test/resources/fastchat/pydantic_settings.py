"""Stands in for the package of this name: FastChat sets all its settings itself."""
from pydantic import BaseModel as BaseSettings
