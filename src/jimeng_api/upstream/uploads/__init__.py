"""Brings callers' files to the upstream's own storage, where a draft can name them."""

from jimeng_api.upstream.uploads.uploader import Uploader

__all__ = ["Uploader"]
