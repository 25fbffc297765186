package dev.baichuan4j.internal.engine.constrain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.InvalidRequestException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GrammarParserTest {
  private static void assertAccepts(boolean expected, String grammar, String text) {
    ByteMachine machine = GrammarParser.parse(grammar).machine();
    assertEquals(expected, GrammarMachineTest.accepts(machine, text), text);
  }

  @Test
  void everyPartOfTheFormIsRead() {
    String grammar =
        "# a list\n"
            + "root: \"[\" ( item (\",\" item){1,2} )? \"]\" end // and its end\n"
            + "item: /[a-z]+/ | \"\\\"\\u4e2d\\\\\" | pair-1\n"
            + "  | number{2}\n"
            + "pair-1: item \"=\"+ item\n"
            + "end: \"!\"* \"?\"{0,}\n"
            + "number: /[0-9\\/]/";
    for (String text : new String[] {"[]", "[a,b]", "[a,b,c]!!??", "[12,\"中\\]", "[a==b=c,//]?"}) {
      assertAccepts(true, grammar, text);
    }
    for (String text : new String[] {"", "[a]", "[a,b,c,d]", "[1,2]", "[a,b]?!", "[a=,b]"}) {
      assertAccepts(false, grammar, text);
    }
  }

  @Test
  void aRuleMayBeEmptyAndHaveAnyName() {
    assertAccepts(true, "root: 空 | 空 \"a\"\n空:", "");
    assertAccepts(true, "root: () | a_1\na_1: \"a\"", "a");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '`',
      value = {
        "root: a;1;7;defined",
        "a: \"x\";1;7;root",
        "root: \"x;1;7;end of this string",
        "root: /x;1;7;end of this regular expression",
        "root: /(x/;1;7;regular expression",
        "root: (\"x\";1;7;\")\"",
        "root: \"x\")|;1;10;name of a rule",
        "root: \"x\" root: \"y\";1;11;different names",
        "root: \"x\"{2,1};1;10;ascends",
        "root: \"x\"{a};1;11;count",
        "root: \"\\x\";1;8;escape",
        "root: * \"x\";1;7;name, a string",
        "\"x\";1;1;name of a rule",
      })
  void whatIsNotOfTheFormIsRefusedWithItsPlace(
      String grammar, int line, int column, String expected) {
    InvalidRequestException refused =
        assertThrows(InvalidRequestException.class, () -> GrammarParser.parse(grammar));
    assertEquals("grammar", refused.parameter());
    String message = refused.getMessage();
    assertTrue(message.contains("line " + line + ", column " + column + ","), message);
    assertTrue(message.substring(message.lastIndexOf("expected")).contains(expected), message);
  }

  @Test
  void aGrammarWithoutTextsIsRefused() {
    InvalidRequestException refused =
        assertThrows(
            InvalidRequestException.class, () -> CompiledConstraint.grammar("root: \"a\" root\n"));
    assertTrue(refused.getMessage().contains("no text"), refused.getMessage());
    assertAccepts(true, "root: \"a\" | \"b\" never\nnever: never \"c\"", "a");
    assertAccepts(false, "root: \"a\" | \"b\" never\nnever: never \"c\"", "b");
  }
}
