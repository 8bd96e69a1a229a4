"""Which checkpoints of a folder may be one family."""

from kinship.checkpoints import alike, open_checkpoint
from tests.checkpoints.test_adapter import Q, factors
from tests.families import llama, save_adapter, save_model


def test_the_commonest_shape_is_the_family_whatever_the_vocabulary(tmp_path):
    shapes = [{"layers": 3}, {}, {"vocabulary": 40}, {"layers": 3}, {}]
    made = [open_checkpoint(save_model(tmp_path / f"m{i}", llama(i, **shape))) for i, shape in enumerate(shapes)]
    assert alike(made) == [made[1], made[2], made[4]]
    assert alike(made[:2]) == made[:1]
    assert alike([]) == []


def test_an_adapter_belongs_where_it_lands(tmp_path):
    models = [open_checkpoint(save_model(tmp_path / f"m{i}", llama(i))) for i in range(2)]
    larger = save_model(tmp_path / "larger", llama(5, layers=3))
    own = save_adapter(tmp_path / "own", factors(Q, 12, 12), base_model_name_or_path=str(models[1].path))
    absent = save_adapter(tmp_path / "absent", factors(Q, 12, 12))
    foreign = save_adapter(
        tmp_path / "foreign", factors(Q.replace("0", "2"), 12, 12), base_model_name_or_path=str(larger)
    )
    found = [*models, *(open_checkpoint(one) for one in (larger, own, absent, foreign))]
    assert [one.name for one in alike(found)] == ["m0", "m1", "own", "absent"]
