"""Checkpoints: open by header, find below a folder, download, and align a family with its base."""

from kinship.checkpoints.align import TIED, align, as_compared
from kinship.checkpoints.alignment import AlignedTensor, Alignment, LeftOut, Row, Vocabulary
from kinship.checkpoints.alike import alike, typical_first
from kinship.checkpoints.checkpoint import Adapter, Checkpoint, Config
from kinship.checkpoints.confirm import confirmed
from kinship.checkpoints.coverage import Coverage, Gap, coverage_data
from kinship.checkpoints.delta import Delta, LowRank, Shift, TokenRows
from kinship.checkpoints.files import is_adapter
from kinship.checkpoints.header import ITEM_BYTES, Tensor
from kinship.checkpoints.hub import cached_folder, download, is_hub_id, local_path
from kinship.checkpoints.identity import deciding_files, file_digest, tokenizer_folder
from kinship.checkpoints.landing import landed
from kinship.checkpoints.names import unique_names
from kinship.checkpoints.open import needs_torch, open_checkpoint
from kinship.checkpoints.pointer import is_pointer, refuse_pointer
from kinship.checkpoints.scales import Scale
from kinship.checkpoints.scan import Scan, find_checkpoints, scan
from kinship.checkpoints.stamps import file_stamp, refuse_changed, stamp_of
from kinship.checkpoints.tokenizer import tokenizer_digest

__all__ = [
    "ITEM_BYTES",
    "TIED",
    "Adapter",
    "AlignedTensor",
    "Alignment",
    "Checkpoint",
    "Config",
    "Coverage",
    "Delta",
    "Gap",
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
    "as_compared",
    "cached_folder",
    "confirmed",
    "coverage_data",
    "deciding_files",
    "download",
    "file_digest",
    "file_stamp",
    "find_checkpoints",
    "is_adapter",
    "is_hub_id",
    "is_pointer",
    "landed",
    "local_path",
    "needs_torch",
    "open_checkpoint",
    "refuse_changed",
    "refuse_pointer",
    "scan",
    "stamp_of",
    "tokenizer_digest",
    "tokenizer_folder",
    "typical_first",
    "unique_names",
]
