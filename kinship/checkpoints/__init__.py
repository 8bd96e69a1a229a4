"""Checkpoints: open by header, find below a folder, download, and align a family with its base."""

from kinship.checkpoints.align import TIED, AlignedTensor, Alignment, LeftOut, Row, Vocabulary, align
from kinship.checkpoints.alike import alike
from kinship.checkpoints.checkpoint import Adapter, Checkpoint, Config
from kinship.checkpoints.confirm import confirmed
from kinship.checkpoints.delta import Delta, LowRank, Shift, TokenRows
from kinship.checkpoints.files import is_adapter
from kinship.checkpoints.header import ITEM_BYTES, Tensor
from kinship.checkpoints.hub import cached_folder, download, is_hub_id, local_path
from kinship.checkpoints.landing import landed
from kinship.checkpoints.names import unique_names
from kinship.checkpoints.open import needs_torch, open_checkpoint
from kinship.checkpoints.pointer import is_pointer, refuse_pointer
from kinship.checkpoints.scales import Scale
from kinship.checkpoints.scan import Scan, find_checkpoints, scan
from kinship.checkpoints.tokenizer import tokenizer_digest

__all__ = [
    "ITEM_BYTES",
    "TIED",
    "Adapter",
    "AlignedTensor",
    "Alignment",
    "Checkpoint",
    "Config",
    "Delta",
    "LeftOut",
    "LowRank",
    "Row",
    "Scale",
    "Scan",
    "Shift",
    "Tensor",
    "TokenRows",
    "Vocabulary",
    "align",
    "alike",
    "cached_folder",
    "confirmed",
    "download",
    "find_checkpoints",
    "is_adapter",
    "is_hub_id",
    "is_pointer",
    "landed",
    "local_path",
    "needs_torch",
    "open_checkpoint",
    "refuse_pointer",
    "scan",
    "tokenizer_digest",
    "unique_names",
]
