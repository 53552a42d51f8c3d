import copy
import shutil

import psutil
import pytest
import torch

from explorer.engine.compute.loading.slowness import HALVES, SLOW, measured
from explorer.engine.compute.local import TransformersEngine
from explorer.engine.description import ModelSettings


@pytest.fixture
def stored(tiny_folder, tiny_model, tmp_path):
    """A folder whose config names a dtype."""

    def store(dtype: torch.dtype):
        folder = shutil.copytree(tiny_folder("llama"), tmp_path / str(dtype))
        copy.deepcopy(tiny_model("llama")).to(dtype).save_pretrained(folder)
        return folder

    return store


async def advice(folder, slowdown: float, dtype: str = "auto") -> str:
    """What is said of a model where its dtype takes so many times the time of float32."""
    settings = ModelSettings(model=str(folder), name="The model", device="cpu", dtype=dtype)
    engine = TransformersEngine(settings, slowdown=lambda _: slowdown)
    info = await engine.start()
    await engine.close()
    return info.advice


@pytest.mark.parametrize("dtype", HALVES)
async def test_a_models_own_dtype_that_is_slow_here_is_said_with_the_flag_and_its_memory(stored, dtype):
    folder = stored(dtype)
    size = (folder / "model.safetensors").stat().st_size
    said = await advice(folder, 3.0)
    assert said.startswith(f"Slow in {str(dtype).removeprefix('torch.')}: --dtype float32 reads texts faster, for ")
    assert float(said.partition("for ")[2].split()[0]) * 1000 == pytest.approx(size, rel=0.1)


async def test_a_dtype_that_is_fast_here_or_that_a_person_names_is_not_told_of(stored):
    folder = stored(torch.bfloat16)
    assert await advice(folder, SLOW - 0.1) == ""
    assert await advice(folder, 9.0, "bfloat16") == ""
    assert await advice(folder, 9.0, "float32") == ""
    assert await advice(stored(torch.float32), 9.0) == ""


async def test_where_float32_would_not_fit_its_flag_is_not_named(stored, monkeypatch):
    class Full:
        available = 1000

    monkeypatch.setattr(psutil, "virtual_memory", Full)
    said = await advice(stored(torch.bfloat16), 3.0)
    assert said.startswith("bfloat16 is slow on this processor, but float32 would take ")
    assert "and 1 kB are free." in said
    assert "--dtype" not in said


def test_the_product_is_measured_on_one_thread_and_the_others_are_given_back():
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        assert measured(torch.bfloat16) > 0
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
