"""The OM frontend: any offline model or bundle becomes the om and ge dialects."""

from compiler.frontends.om.models import import_om

__all__ = ["import_om"]
