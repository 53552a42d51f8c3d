import json
import subprocess
import sys


def test_the_script_for_a_gpu_runs_on_a_cpu_with_a_small_model(tmp_path):
    sections = ["env", "make", "same", "step", "draws", "load", "poison"]
    command = [sys.executable, "benchmarks/gpu.py", "--tiny", "--device", "cpu", "--work", str(tmp_path), *sections]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    found = {line["section"]: line for line in lines}
    assert list(found) == ["env", "make", "same", "step", "load", "draws", "poison"]
    assert found["same"]["again"] == 0
    assert {"loading the weights", "starting the engine"} <= set(found["load"]["stages"])
    assert "CUDA" in found["poison"]["skipped"]
