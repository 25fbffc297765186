"""Rows of serve.py whose texts mean something: what repeats its prompt, and what a constraint has.

They are written one after another by the chat model of this repository. A figure is tokens per
second from the first token of a text to its last, by each side's own clock, the median of all texts.
llama.cpp gets the best of its ways to guess tokens from the text so far.
"""

import json
import pathlib
import statistics
import tempfile

import compare
import prompts
import servers

TEXTS = 24
# Tokens of a text, at most; before the model would end it, since behind that it writes anything.
NEW = {"free": 16, "repeats": 36, "drafts": 36, "schema": 160, "regex": 160}
ROWS = list(NEW)

SCHEMA = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "maxLength": 20},
        "author": {"type": "string", "maxLength": 10},
        "dynasty": {"enum": ["唐代", "宋代", "清代"]},
        "famous": {"type": "boolean"},
        "lines": {
            "type": "array",
            "items": {"type": "string", "minLength": 5, "maxLength": 16},
            "minItems": 4,
            "maxItems": 4,
        },
    },
    "required": ["title", "author", "dynasty", "famous", "lines"],
    "additionalProperties": False,
}
# The same language in both notations: a poem of four lines.
REGEX = "《[一-龥]{2,8}》\n[一-龥]{2,4}（(唐|宋)代）\n([一-龥]{5}，[一-龥]{5}。\n){4}"
GRAMMAR = r"""
root ::= "《" han{2,8} "》\n" han{2,4} "（" ("唐" | "宋") "代）\n" line{4}
line ::= han{5} "，" han{5} "。\n"
han ::= [一-龥]
"""
SPECULATIONS = {
    "ngram-simple": [],
    "ngram-simple of 3": ["--spec-ngram-simple-size-n", 3, "--spec-ngram-simple-size-m", 15],
    "ngram-map-k": [],
    "ngram-map-k of 3": ["--spec-ngram-map-k-size-n", 3, "--spec-ngram-map-k-size-m", 15],
    "ngram-map-k4v": [],
    "ngram-mod": [],
    "ngram-cache": [],
}


class Prompts:
    """The ids of the rows' prompts."""

    def __init__(self, options):
        command = options.baichuan, prompts.CHAT, "bf16", options.threads
        with servers.baichuan(*command) as server:
            recitals = prompts.recitals(server, TEXTS, NEW["repeats"])
            questions = prompts.answered(server, TEXTS, NEW["free"])
        self.recitals = prompts.ids(options.baichuan, prompts.CHAT, recitals)
        self.questions = prompts.ids(options.baichuan, prompts.CHAT, questions)

    def of(self, row):
        return self.recitals if row in ("repeats", "drafts") else self.questions


class Ours:
    def __init__(self, options, texts):
        self.options = options
        self.texts = texts

    def measure(self, row):
        """Tokens per second, tokens of a text, and what guessed them."""
        o = self.options
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            file = folder / "prompts"
            file.write_text("\n".join(map(json.dumps, self.texts.of(row))))
            command = [o.baichuan, "bench", "--serve", "--model", prompts.CHAT, "--weights", "int4"]
            command += ["--threads", o.threads, "--max-concurrent", 1, "--prompts", file]
            command += ["--new-tokens", NEW[row], "--json"]
            if row == "drafts":
                command += ["--draft", 15]
            elif row == "schema":
                schema = folder / "schema"
                schema.write_text(json.dumps(SCHEMA))
                command += ["--schema-on-one-line", schema]
            elif row == "regex":
                command += ["--regex", REGEX]
            result = json.loads(compare.output_of(command))
        rate = 1000 / result["time_per_output_token_ms"]["p50"]
        return rate, result["generated_tokens"] / result["requests"], ""


class Rival:
    def __init__(self, options, texts):
        self.options = options
        self.texts = texts
        self.model = options.models / f"{prompts.CHAT.name}-q4_0.gguf"
        if not self.model.exists():
            script = pathlib.Path(__file__).with_name("convert_gguf.py")
            command = [script, "--llama.cpp", options.build, prompts.CHAT, "q4_0", self.model]
            compare.output_of(command)

    def measure(self, row):
        if row != "drafts":
            return self.texts_of(row, [], "")
        return max(
            self.texts_of(row, ["--spec-type", name.split()[0], *more], name)
            for name, more in SPECULATIONS.items()
        )

    def texts_of(self, row, arguments, name):
        o = self.options
        body = {"n_predict": NEW[row], "temperature": 0, "cache_prompt": False}
        if row == "schema":
            body["json_schema"] = SCHEMA
        elif row == "regex":
            body["grammar"] = GRAMMAR
        else:
            body["ignore_eos"] = True
        rates, tokens = [], []
        with servers.llama(o.build, self.model, o.threads, 1, 1024, *arguments) as server:
            server.post("/completion", body | {"prompt": self.texts.of(row)[0]})
            for prompt in self.texts.of(row):
                timings = server.post("/completion", body | {"prompt": prompt})["timings"]
                rates.append(1000 * (timings["predicted_n"] - 1) / timings["predicted_ms"])
                tokens.append(timings["predicted_n"])
        return statistics.median(rates), statistics.mean(tokens), name


def sides(options):
    texts = Prompts(options)
    return {"ours": Ours(options, texts), "rival": Rival(options, texts)}


LABELS = {
    "free": "free text",
    "repeats": "text that repeats its prompt",
    "drafts": "the same with guesses",
    "schema": "JSON of a schema",
    "regex": "text of a regular expression",
}


def table(rows, results):
    yield "| tokens/s of one text | baichuan4j | llama.cpp | ratio | baichuan4j, least to most | tokens a text |"
    yield "|---|--:|--:|--:|---|---|"
    for row in rows:
        mine, theirs = (sorted(results[row, name]) for name in ("ours", "rival"))
        own, tokens, _ = mine[len(mine) // 2]
        other, other_tokens, guess = theirs[len(theirs) // 2]
        label = LABELS[row] + (f" (llama.cpp: {guess})" if guess else "")
        yield (
            f"| {label} | {own:.0f} | {other:.0f} | {own / other:.2f} | "
            f"{mine[0][0]:.0f} to {mine[-1][0]:.0f} | {tokens:.1f}, {other_tokens:.1f} |"
        )
