"""Which checkpoints of a folder may be one family."""

from kinship.checkpoints import alike, open_checkpoint
from tests.families import llama, save_model


def test_the_commonest_shape_is_the_family_whatever_the_vocabulary(tmp_path):
    shapes = [{"layers": 3}, {}, {"vocabulary": 40}, {"layers": 3}, {}]
    made = [open_checkpoint(save_model(tmp_path / f"m{i}", llama(i, **shape))) for i, shape in enumerate(shapes)]
    assert alike(made) == [made[1], made[2], made[4]]
    assert alike(made[:2]) == made[:1]
    assert alike([]) == []
