package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Wrong use is exit code 2, and the message says what is wrong and what was expected. */
class WrongUseTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        // Files.
        "generate --prompt-file none | --prompt-file has value none, expected a file of text that"
            + " can be read: there is none",
        "generate --prompt-file . | --prompt-file has value ., expected a file of text that can be"
            + " read: it is a folder",
        "generate --prompt-file latin1 | --prompt-file has value latin1, expected a file of text"
            + " that can be read: it has byte 0xE9 at offset 1, expected UTF-8",
        "logits --ids-file none | --ids-file has value none, expected a file of text that can be"
            + " read: there is none",
        "logits --ids 1 --out . | --out has value ., expected a file that can be written: it is a"
            + " folder",
        "logits --ids 1 --out no/such/file | --out has value no/such/file, expected a file in a"
            + " folder that is there",
        "perplexity --file none | --file has value none, expected a file of text that can be read:"
            + " there is none",
        "perplexity --file latin1 | --file has value latin1, expected a file of text that can be"
            + " read: it has byte 0xE9",
        "quantize --model none --weights int4 --out x | --model has value none, expected a folder"
            + " that exists",
        "quantize --model $model --weights int4 --out latin1 | --out has value latin1, expected a"
            + " name that is not there yet",
        "quantize --model $model --weights int4 --out x --threads -1 | --threads has value -1,"
            + " expected 0 or more",
        "chat --model none | --model has value none, expected a folder that exists",
        "chat --model latin1 | --model has value latin1, expected a checkpoint's folder, a"
            + " *.bc4j or *.gguf, or its *.safetensors, *.bin or *.index.json: it is another file",
        "tokenize --model latin1 a | --model has value latin1, expected a checkpoint's folder",
        // Options that would have no effect.
        "generate --prompt a --logprobs 2 | --logprobs has value 2, expected --json beside it",
        "chat --logprobs 2 | --logprobs has value 2, expected --json beside it",
        "chat --json | --json has no --message, expected a message to answer",
        "generate --prompt a --greedy --top-k 3 | --greedy has --seed or an option of drawing"
            + " beside it",
        "generate --prompt a --choices 2 | --choices has value 2, expected --json beside it",
        "generate --prompt a --beams 2 --top-k 3 | --beams has --seed or an option of drawing"
            + " beside it",
        "generate --model $model --prompt a --seed 3 | --seed has value 3, expected --temperature"
            + " or another option of drawing beside it",
        "tokenize --decode --special parsed 1 | --special has a value beside --decode, expected one"
            + " of them",
        "tokenize --weights int4 a | Unknown option",
        "perplexity --file a.jsonl --window 3 | --window has value 3, expected 1 or more and a"
            + " text, not conversations",
        "perplexity --file latin1 --window -3 | --window has value -3, expected 1 or more",
        "bench --alibi | --alibi has no --random, expected a random model",
        "bench --random 128x1x64x256 --model $model | --random has --model beside it, expected one"
            + " of them",
        "bench --rate 3 | --rate has no --serve beside it, expected a bench that serves",
        "bench --serve --batch 3 | --batch has --serve beside it, expected options of --serve"
            + " alone",
        "bench --serve --rate 0 | --rate has value 0, expected a number above 0, or inf",
        "bench --serve --draft x | --draft has value x, expected a number of tokens, or off",
        "bench --serve --requests 0 | --requests has value 0, expected 1 to 1000000",
        "bench --serve --new-tokens 9-3 | --new-tokens has value 9-3, expected the lesser number"
            + " first",
        "bench --serve --shared-prefix 600 | --shared-prefix has value 600, expected at most the"
            + " tokens of the shortest prompt, 512",
        "bench --serve --slo-ttft 0 | --slo-ttft has value 0.0, expected milliseconds above 0",
        "bench --serve --plot a.gif | --plot has value a.gif, expected a file that ends in .png or"
            + " .svg",
        "bench --serve --plot no/a.png | --plot has value no/a.png, expected a file in a folder"
            + " that is there",
        "bench --serve --lengths latin1 | --lengths has value latin1, expected a file of text that"
            + " can be read",
        "bench --serve --lengths lengths | --lengths has \"7 x\" in line 2, expected tokens of a"
            + " prompt and new tokens, each 1 or more",
        "bench --serve --lengths lengths --new-tokens 3 | --lengths has --prompt-tokens or"
            + " --new-tokens beside it, expected one of them",
        "bench --serve --prompt-tokens 4000 --new-tokens 97 --model $model | --serve has a request"
            + " of 4097 tokens, prompt and new ones, expected at most",
        "doctor --selftest --exact | --selftest has --exact beside it, expected no model"
      })
  void isTwoWithTheReason(String command, String message) throws Exception {
    Files.write(folder.resolve("latin1"), new byte[] {'a', (byte) 0xE9});
    Files.writeString(folder.resolve("lengths"), "7 3\n7 x\n");
    Program.Run run =
        new Program(folder)
            .shell(
                "model="
                    + Program.quote(Fixtures.model("tiny-baichuan-7b").toString())
                    + "\nbaichuan "
                    + command
                    + " </dev/null");
    assertEquals(2, run.code(), run.err());
    assertTrue(run.err().contains("baichuan: " + message), run.err());
    assertFalse(run.err().contains("\tat "), run.err());
    assertEquals("", run.out());
  }

  @Test
  void optionsOfDrawingDraw() throws Exception {
    // The checkpoint takes the likeliest token; with a great many to draw from, two seeds differ.
    String model = Fixtures.model("tiny-baichuan-7b").toString();
    String[] outs = new String[2];
    for (int seed = 0; seed < 2; seed++) {
      outs[seed] =
          new Program(folder)
              .run(
                  "",
                  "generate",
                  "--model",
                  model,
                  "--prompt",
                  "a",
                  "--top-k",
                  "500",
                  "--seed",
                  "" + seed,
                  "--max-new-tokens",
                  "12")
              .requireCode(0)
              .out();
    }
    assertFalse(outs[0].equals(outs[1]), outs[0]);
  }

  @Test
  void textThatBeginsWithAnAtSignIsText() throws Exception {
    Files.writeString(folder.resolve("a"), "--decode 5");
    Program.Run run = new Program(folder).shell("baichuan tokenize --json @a");
    assertEquals(0, run.code(), run.err());
    assertTrue(run.out().contains("\"pieces\":[\"<0x40>\",\"a\"]"), run.out()); // 0x40 is "@"
  }

  @Test
  void withoutTheShippedModelItSaysThatOneMustBeNamed() throws Exception {
    // Classes in a place that has no models around.
    Program.Run run =
        new Program(folder)
            .shell(
                "cp=$(printf '%s\\n"
                    + "' \"${baichuan[@]}\" | grep -A1 -x -e -cp | tail -n 1)\n"
                    + "IFS=: read -ra entries <<<\"$cp\"; mkdir classes\n"
                    + "for e in \"${entries[@]}\"; do\n"
                    + "  if [ -d \"$e/dev/baichuan4j/cli\" ]; then cp -r \"$e\"/* classes;\n"
                    + "  elif [ -f \"$e\" ] && [[ $e == *baichuan4j-cli* ]]; then cp \"$e\""
                    + " cli.jar;\n"
                    + "  else rest+=:$e; fi; done\n"
                    + "\"${baichuan[0]}\" -cp \"classes:cli.jar$rest\" dev.baichuan4j.cli.Main"
                    + " chat");
    assertEquals(2, run.code(), run.err());
    assertTrue(
        run.err().contains("--model has no value, expected a checkpoint's folder"), run.err());
  }
}
