"""Checkpoints: open by header, find below a folder, download, and align a family with its base."""

from kinship.checkpoints.align import AlignedTensor, Alignment, LeftOut, Row, Vocabulary, align
from kinship.checkpoints.alike import alike, typical_first
from kinship.checkpoints.checkpoint import Adapter, Checkpoint, Config, LowRank
from kinship.checkpoints.coverage import Coverage, Gap, coverage_data
from kinship.checkpoints.header import ITEM_BYTES, Tensor
from kinship.checkpoints.hub import cached_folder, download, is_hub_id, local_path
from kinship.checkpoints.names import unique_names
from kinship.checkpoints.open import needs_torch, open_checkpoint
from kinship.checkpoints.scan import Scan, find_checkpoints, scan
from kinship.checkpoints.tokenizer import tokenizer_digest

__all__ = [
    "ITEM_BYTES",
    "Adapter",
    "AlignedTensor",
    "Alignment",
    "Checkpoint",
    "Config",
    "Coverage",
    "Gap",
    "LeftOut",
    "LowRank",
    "Row",
    "Scan",
    "Tensor",
    "Vocabulary",
    "align",
    "alike",
    "cached_folder",
    "coverage_data",
    "download",
    "find_checkpoints",
    "is_hub_id",
    "local_path",
    "needs_torch",
    "open_checkpoint",
    "scan",
    "tokenizer_digest",
    "typical_first",
    "unique_names",
]
