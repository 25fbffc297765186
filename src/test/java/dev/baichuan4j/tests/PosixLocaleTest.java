package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The command line where no locale is set, as in a plain container. */
@EnabledOnOs(OS.LINUX)
class PosixLocaleTest {
  @TempDir Path folder;

  private Program program;

  @BeforeEach
  void program() {
    program = new Program(folder).with("LANG", null).with("LC_CTYPE", null).with("LC_ALL", null);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "C", "POSIX"})
  void argumentsAndOutputAreUtf8(String locale) throws Exception {
    program.with("LC_ALL", locale.isEmpty() ? null : locale);
    Program.Run run = program.run("", "chat", "--message", "你是谁", "--greedy");
    assertEquals(0, run.code(), run.err());
    assertEquals("我是百川小模型，一个用来演示推理引擎的小小语言模型。\n", run.out());
  }

  @Test
  void messagesAreUtf8() throws Exception {
    Program.Run run = program.run("", "generate", "--prompt-file", "没有");
    assertEquals(2, run.code(), run.err());
    assertTrue(run.err().contains("/没有, expected a file of text"), run.err());
    Program.Run option = program.run("", "chat", "--百川");
    assertTrue(option.err().contains("--百川"), option.err());
  }

  /** Names of files too, which Java itself cannot open in this locale. */
  @Test
  void filesOfAnyNameAreFound() throws Exception {
    String model = Program.quote(Fixtures.model("tiny-baichuan-7b").toString());
    Program.Run run =
        program.shell(
            "mkdir 百川 && cp -r "
                + model
                + " 百川/模型 && cd 百川 && printf 'ab\\n' > 提示\n"
                + "baichuan generate --model 模型 --prompt-file 提示 --max-new-tokens 4 > 1 &&"
                + " baichuan generate --model \"$PWD/模型\" --prompt $'ab\\n' --max-new-tokens 4 > 2"
                + " && cmp 1 2 && baichuan tokenize --model 模型 百");
    assertEquals(0, run.code(), run.err());
    assertTrue(run.out().endsWith("\t▁百\n"), run.out());
  }

  @Test
  void theConversationIsUtf8() throws Exception {
    Program.Run run = program.run("你是谁\n/save 谈话\nclear\n/load 谈话\n/history\n", "chat", "--greedy");
    assertEquals(0, run.code(), run.err());
    assertTrue(run.out().contains("loaded 2 messages from 谈话\nuser: 你是谁\n"), run.out());
  }

  @Test
  void theEditorIsTheOneThatIsNamed() throws Exception {
    Program.Run run =
        program.shell(
            "export EDITOR=\"printf '%s\\n' 你是谁 >\"\n"
                + "printf 'vim\\n/history\\n' | baichuan chat --greedy");
    assertEquals(0, run.code(), run.err());
    assertTrue(run.out().contains("user: 你是谁\n"), run.out());
  }
}
