import msgspec

from explorer.cli.engines import Engines
from explorer.engine.scripted.scripted import ScriptedEngine
from tests.cli.program import Program

ADVICE = "Slow in bfloat16: --dtype float32 reads texts faster, for 269 MB more memory."


class Advised(ScriptedEngine):
    """A model that would be better served otherwise."""

    async def start(self, *report):
        self.info = msgspec.structs.replace(await super().start(*report), advice=ADVICE)
        return self.info


class Advising(Engines):
    def make(self, config):
        return Advised.demo()


def test_a_command_says_what_would_serve_better_once_beside_its_output():
    ask = Program(Advising())
    for command in (["next", "Once"], ["score", "Once upon"], ["sample", "Once", "--seed", "1"], ["info"]):
        done = ask(*command)
        assert (done.returncode, done.stderr.count(ADVICE)) == (0, 1), done.stderr
        assert ADVICE not in done.stdout


def test_many_questions_hear_it_once():
    done = Program(Advising())("ask", input='{"command": "next", "prompt": "Once"}\n' * 3)
    assert len(done.stdout.splitlines()) == 3
    assert done.stderr.count(ADVICE) == 1
