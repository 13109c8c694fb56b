"""The SLURM example of docs/scaling.md as it stands there, TLS included, with a queue that starts each job at once."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import psutil
import pytest

from checker.sandbox import process

pytest.importorskip("dask_jobqueue")

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ("no-hidden-layer", "too-little-training")
JOBS = 2
THIS_MACHINE = {
    "cores=8": "cores=1",
    'memory="48GB"': 'memory="7GB"',
    'interface="ib0"': 'interface="lo"',
    "source /shared/checker/bin/activate": f"source {sys.prefix}/bin/activate",
    "jobs=10": f"jobs={JOBS}",
}
"""The parts of the example that belong to another cluster."""
WORKER = "checker.run.cluster.BoxWorker"
HOLD = f"""
import sys
cluster.wait_for_workers({JOBS}, timeout=240)
print("ready", flush=True)
sys.stdin.read()
cluster.close()
"""
SBATCH = """#!/bin/sh
job=$(mktemp "$JOBS/job-XXXXXX")
cp "$1" "$job"
setsid bash "$job" > "$job.log" 2>&1 &
echo "Submitted batch job $!"
"""
SCANCEL = """#!/bin/sh
for job; do kill -TERM -- "-$job"; done
"""


def example():
    """Return the example's code, for this machine."""
    page = (ROOT / "docs" / "scaling.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(from dask_jobqueue.*?)```", page, re.S)
    for theirs, ours in THIS_MACHINE.items():
        assert theirs in code
        code = code.replace(theirs, ours)
    return code


def certificates(place):
    """Make an authority and a certificate of it; return what tells Dask, as the page says."""
    new = "-newkey rsa:2048 -nodes"
    for words in (
        f"req -x509 {new} -subj /CN=authority -keyout ca.key -out ca.pem -days 2",
        f"req {new} -subj /CN=checker -keyout this.key -out this.csr",
        "x509 -req -in this.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out this.pem -days 2",
    ):
        subprocess.run(["openssl", *words.split()], cwd=place, check=True, capture_output=True)
    told = {"REQUIRE_ENCRYPTION": "true", "TLS__CA_FILE": str(place / "ca.pem")}
    for who in ("SCHEDULER", "WORKER", "CLIENT"):
        told |= {f"TLS__{who}__CERT": str(place / "this.pem"), f"TLS__{who}__KEY": str(place / "this.key")}
    return {f"DASK_DISTRIBUTED__COMM__{name}": value for name, value in told.items()}


@pytest.fixture
def surroundings(tmp_path):
    """An environment with certificates, and with a queue whose jobs run at once."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "jobs").mkdir()
    for name, script in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        (tmp_path / "bin" / name).write_text(script)
        (tmp_path / "bin" / name).chmod(0o755)
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return os.environ | certificates(tmp_path) | {"PATH": path, "JOBS": str(tmp_path / "jobs")}


@pytest.mark.wall
@pytest.mark.skipif(not all(map(shutil.which, ("openssl", "setsid", "bash"))), reason="there is no openssl or setsid")
def test_the_example_runs_a_batch(surroundings, tmp_path):
    """Workers that SLURM starts run a batch through TLS, which nobody without a certificate reaches, and they end
    with the cluster."""
    for name in EXAMPLES:
        shutil.copytree(ROOT / "submissions" / name, tmp_path / "in" / name)
    data = [] if os.environ.get("CHECKER_HOUSING_CSV") else ["--practice-data"]
    start = [sys.executable, "-c", example() + HOLD]
    with subprocess.Popen(start, env=surroundings, stdin=-1, stdout=-1, text=True, cwd=tmp_path) as holder:
        try:
            address, ready = (holder.stdout.readline().strip() for _ in range(2))
            assert (address[:6], ready) == ("tls://", "ready"), [p.read_text() for p in tmp_path.glob("jobs/*.log")]
            batch = [sys.executable, "-m", "checker", "batch", str(tmp_path / "in"), "--out", str(tmp_path / "out")]
            batch += ["--scheduler", address, *data]
            stranger = subprocess.run(batch, cwd=ROOT, capture_output=True, text=True, check=False)
            assert stranger.returncode == 2 and "knows no certificates" in stranger.stderr, stranger.stderr
            done = subprocess.run(batch, cwd=ROOT, env=surroundings, capture_output=True, text=True, check=False)
            assert f"of {JOBS} workers of" in done.stdout, done.stdout + done.stderr
            started = [p for p in psutil.process_iter(["cmdline"]) if WORKER in (p.info["cmdline"] or [])]
            assert len(started) == JOBS
        finally:
            holder.stdin.close()
    reports = json.loads((tmp_path / "out" / "results.json").read_bytes())["reports"]
    for report in reports:
        expected = ROOT / "submissions" / report["submission"]["name"] / "expected.toml"
        assert report["verdict"] == tomllib.loads(expected.read_text("utf-8"))["verdict"]
    assert len(reports) == len(EXAMPLES)
    process.await_end(started, 60)
    assert all(map(process.has_ended, started))
