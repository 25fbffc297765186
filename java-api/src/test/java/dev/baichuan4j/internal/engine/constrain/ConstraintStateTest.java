package dev.baichuan4j.internal.engine.constrain;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.baichuan4j.PieceType;
import dev.baichuan4j.internal.tokenizer.PieceTokenizer;
import dev.baichuan4j.internal.tokenizer.TokenizerFiles;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Texts of constraints over the shipped tokenizers, and the published ones where they are. */
class ConstraintStateTest {
  private static final long SEED = 14;

  private record Case(CompiledConstraint constraint, List<String> texts) {}

  private static final List<Case> CASES =
      List.of(
          new Case(
              CompiledConstraint.json(),
              List.of(
                  "{\"名字\": \"百川\", \"n\": [1, -2.5e3, true], \"e\": \"\\u00e9\\n\", \"o\": {}}",
                  " [\"😀 and ▁ and \\\"\", null]",
                  "\"\"")),
          new Case(
              CompiledConstraint.regex("(\\d{3}-)?\\p{L}+( \\p{L}+)*[.。]"),
              List.of("123-Hello world.", "你好 世界。", "ß.")),
          new Case(
              CompiledConstraint.choice(List.of("positive", "positively", "中性", "😀", " ")),
              List.of("positive", "positively", "中性", "😀", " ")),
          new Case(
              CompiledConstraint.grammar(
                  "root: sum  # of products\n"
                      + "sum: sum (\"+\" | \"-\") product | product\n"
                      + "product: product \"*\" atom | atom\n"
                      + "atom: /[0-9]+/ | name | \"(\" sum \")\"\n"
                      + "name: /[a-z]+/ | \"变量\""),
              List.of("1+(abc*23)-变量", "((((x))))")),
          new Case(
              TaggedTextTest.calls(TaggedTextTest.FREE, true),
              List.of(
                  "你好 <call <call>f(12)</call>\n<call>变量()</call>",
                  "<call>f()</call>",
                  "a <call b")),
          new Case(
              TaggedTextTest.calls(new TaggedText.Bound(CompiledConstraint.json()), false),
              List.of(" [\"<call>\", 12]", "<call>f(1)</call>")));

  private static final Map<Path, PieceTokenizer> TOKENIZERS = new ConcurrentHashMap<>();
  private static final Map<PieceTokenizer, TokenMasks> MASKS = new ConcurrentHashMap<>();

  static Stream<PieceTokenizer> tokenizers() {
    Path root = Path.of(System.getProperty("baichuan4j.root", ".."));
    Path shared =
        Path.of(
            System.getProperty(
                "baichuan4j.shared",
                System.getenv()
                    .getOrDefault("BAICHUAN_SHARED", root.resolve("../shared").toString())));
    return Stream.of(
            root.resolve("models/tiny-baichuan-7b"),
            root.resolve("models/tiny-baichuan2-13b-chat"),
            root.resolve("src/test/fixtures/tokenizers/llama3-kind"),
            root.resolve("src/test/fixtures/tokenizers/qwen2-kind"),
            shared.resolve("tokenizers/baichuan1"),
            shared.resolve("tokenizers/baichuan2"))
        .filter(Files::exists)
        .map(folder -> TOKENIZERS.computeIfAbsent(folder, TokenizerFiles::load));
  }

  private static TokenMasks masks(PieceTokenizer tokenizer) {
    return MASKS.computeIfAbsent(
        tokenizer, t -> new TokenMasks(t, t.vocabularySize(), List.of(t.eosId())));
  }

  private static boolean allows(long[] mask, int id) {
    return (mask[id >>> 6] >>> id & 1) != 0;
  }

  private static long[] mask(ConstraintState state, TokenMasks masks) {
    long[] mask = new long[(masks.vocabulary() + 63) / 64];
    assertTrue(state.mask(mask));
    return mask;
  }

  /** The bytes of a text as single byte pieces. */
  private static int[] spelled(PieceTokenizer tokenizer, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int[] ids = new int[bytes.length];
    for (int i = 0; i < ids.length; i++) {
      byte[] single = {bytes[i]};
      IntStream bytePieces = // of a byte-level vocabulary, the first 256
          IntStream.range(0, 256).filter(id -> Arrays.equals(single, tokenizer.bytes(id)));
      ids[i] =
          tokenizer
              .id("<0x%02X>".formatted(bytes[i]))
              .orElseGet(() -> bytePieces.findFirst().orElseThrow());
    }
    return ids;
  }

  @ParameterizedTest
  @MethodSource("tokenizers")
  void whatPiecesWriteIsWhatDecodingAppends(PieceTokenizer tokenizer) {
    int before = tokenizer.id("x").orElseThrow();
    int written = 0;
    for (int id = 0; id < tokenizer.vocabularySize(); id++) {
      byte[] within = tokenizer.textBytes(id, false);
      PieceType type = tokenizer.type(id);
      if (within == null) {
        assertTrue(
            type == PieceType.CONTROL
                || type == PieceType.UNKNOWN
                || tokenizer.piece(id).matches("</?\\w+>"));
        continue;
      }
      written++;
      if (type == PieceType.BYTE) {
        assertEquals(tokenizer.piece(id), "<0x%02X>".formatted(within[0]));
      } else {
        String behind = tokenizer.decode(before, id).substring(1);
        assertEquals(behind, new String(within, StandardCharsets.UTF_8));
        byte[] first = tokenizer.textBytes(id, true);
        assertEquals(tokenizer.decode(id), new String(first, StandardCharsets.UTF_8));
      }
    }
    assertTrue(written > tokenizer.vocabularySize() / 2);
  }

  @ParameterizedTest
  @MethodSource("tokenizers")
  void everyTokenOfATextIsAllowedAndTheEndWhereItIsComplete(PieceTokenizer tokenizer) {
    TokenMasks masks = masks(tokenizer);
    for (Case each : CASES) {
      for (String text : each.texts) {
        if (!tokenizer.decode(tokenizer.encode(text)).equals(text)) {
          continue; // the model's Unicode rules change it
        }
        for (int[] ids : List.of(tokenizer.encode(text), spelled(tokenizer, text))) {
          ConstraintState state = masks.newState(each.constraint);
          for (int id : ids) {
            assertTrue(allows(mask(state, masks), id), () -> text + ": " + tokenizer.piece(id));
            state.accept(id);
          }
          assertTrue(state.isComplete(), text);
          if (!state.mustEnd()) {
            assertTrue(allows(mask(state, masks), tokenizer.eosId()), text);
            state.accept(tokenizer.eosId());
          }
          assertTrue(state.mustEnd(), text);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("tokenizers")
  void masksAreThoseOfEachTokenByItselfAndEveryTextEnds(PieceTokenizer tokenizer) {
    TokenMasks masks = masks(tokenizer);
    SplittableRandom random = new SplittableRandom(SEED);
    for (Case each : CASES) {
      for (int text = 0; text < 2; text++) {
        ConstraintState state = masks.newState(each.constraint);
        ByteMachine machine = each.constraint.machine();
        List<Integer> ids = new ArrayList<>();
        for (int length = 0; length < 25 && !state.mustEnd(); length++) {
          long[] mask = mask(state, masks);
          boolean first = ids.isEmpty();
          int at = machine.start();
          for (int i = 0; i < ids.size(); i++) {
            at = read(machine, at, masks.text(ids.get(i), i == 0));
          }
          if (length == 0 || length == 1 || length == 7) {
            for (int id = 0; id < masks.vocabulary(); id++) {
              byte[] bytes = masks.text(id, first);
              boolean allowed =
                  id == tokenizer.eosId()
                      ? machine.accepting(at)
                      : bytes != null && read(machine, at, bytes) != ByteMachine.DEAD;
              assertEquals(
                  allowed, allows(mask, id), each.constraint + " after " + ids + ": " + id);
            }
          }
          int id = randomToken(mask, random);
          if (id == tokenizer.eosId()) {
            break;
          }
          ids.add(id);
          state.accept(id);
        }
      }
    }
  }

  private static int read(ByteMachine machine, int from, byte[] bytes) {
    int at = from;
    for (int i = 0; i < bytes.length && at != ByteMachine.DEAD; i++) {
      at = machine.next(at, bytes[i] & 0xFF);
    }
    return at;
  }

  private static int randomToken(long[] mask, SplittableRandom random) {
    int count = 0;
    for (long word : mask) {
      count += Long.bitCount(word);
    }
    assertTrue(count > 0, "nothing is allowed");
    int left = random.nextInt(count);
    for (int word = 0; ; word++) {
      for (long bits = mask[word]; bits != 0; bits &= bits - 1) {
        if (left-- == 0) {
          return 64 * word + Long.numberOfTrailingZeros(bits);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("tokenizers")
  void rollbackIsAsIfTheTokensHadNotBeenAccepted(PieceTokenizer tokenizer) {
    TokenMasks masks = masks(tokenizer);
    SplittableRandom random = new SplittableRandom(SEED);
    for (Case each : CASES) {
      String text = each.texts.get(0);
      int[] ids = tokenizer.encode(text);
      ConstraintState state = masks.newState(each.constraint);
      for (int length = 0; length < ids.length; ) {
        int ahead = Math.min(ids.length - length, 1 + random.nextInt(4));
        for (int i = 0; i < ahead; i++) {
          state.accept(ids[length + i]);
        }
        int back = random.nextInt(ahead + 1);
        state.rollback(back);
        length += ahead - back;
        assertEquals(length, state.tokens());
        ConstraintState replayed = masks.newState(each.constraint);
        for (int i = 0; i < length; i++) {
          replayed.accept(ids[i]);
        }
        assertArrayEquals(mask(replayed, masks), mask(state, masks));
        assertEquals(replayed.isComplete(), state.isComplete());
        if (ahead == back && back > 0) {
          state.accept(ids[length++]);
        }
      }
      if (!state.mustEnd()) {
        state.accept(tokenizer.eosId());
        assertThrows(IllegalStateException.class, () -> state.accept(ids[0]));
        state.rollback(1);
        assertFalse(state.mustEnd());
      }
    }
  }

  @ParameterizedTest
  @MethodSource("tokenizers")
  void forcedTokensWriteWhatMustCome(PieceTokenizer tokenizer) {
    TokenMasks masks = masks(tokenizer);
    CompiledConstraint constraint =
        CompiledConstraint.grammar("root: /[ab]/ \"{\\\"first_name\\\": \" /[0-9]+/ \"}，再见\"");
    ConstraintState state = masks.newState(constraint);
    assertEquals(0, state.forcedBytes().length);
    state.accept(spelled(tokenizer, "a")[0]);
    assertEquals("{\"first_name\": ", new String(state.forcedBytes(), StandardCharsets.UTF_8));
    int[] forced = state.forced();
    assertTrue(forced.length > 0 && forced.length < 12, "tokens: " + forced.length);
    for (int id : forced) {
      assertTrue(allows(mask(state, masks), id));
      state.accept(id);
    }
    byte[] rest = state.forcedBytes();
    assertTrue(rest.length > 0, "the last token of what is forced is left to the model");
    for (int id : spelled(tokenizer, new String(rest, StandardCharsets.UTF_8) + "7}")) {
      state.accept(id);
    }
    assertEquals("，再见", new String(state.forcedBytes(), StandardCharsets.UTF_8));
    for (int id : state.forced()) {
      state.accept(id);
    }
    assertTrue(state.mustEnd() && state.isComplete());
  }

  @ParameterizedTest
  @MethodSource("tokenizers")
  void whatIsExpectedIsSaid(PieceTokenizer tokenizer) {
    TokenMasks masks = masks(tokenizer);
    ConstraintState state = masks.newState(CASES.get(2).constraint);
    assertEquals(List.of("a space", "\"positive\"", "a character beyond ASCII"), state.expected());
    for (int id : spelled(tokenizer, "positive")) {
      state.accept(id);
    }
    assertEquals(List.of(Expectation.END, "\"ly\""), state.expected());
    int wrong = spelled(tokenizer, "z")[0];
    assertThrows(IllegalStateException.class, () -> state.accept(wrong));
    assertEquals(8, state.tokens());
  }

  @ParameterizedTest
  @MethodSource("tokenizers")
  void aTextWhoseConstraintIsKnownAllocatesNothing(PieceTokenizer tokenizer) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    TokenMasks masks = masks(tokenizer);
    long[] mask = new long[(masks.vocabulary() + 63) / 64];
    for (Case each : CASES) {
      int[] ids = spelled(tokenizer, each.texts.get(0));
      ConstraintState state = masks.newState(each.constraint);
      for (int round = 0; round < 2; round++) {
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int id : ids) {
          state.mask(mask);
          state.accept(id);
          state.mustEnd();
        }
        long bytes = threads.getCurrentThreadAllocatedBytes() - before;
        state.rollback(ids.length);
        assertTrue(round == 0 || bytes < 16L * ids.length, each.constraint + ": " + bytes);
      }
    }
  }

  @Test
  void textsOfManyThreadsShareAConstraint() throws Exception {
    PieceTokenizer tokenizer = tokenizers().findFirst().orElseThrow();
    TokenMasks masks =
        new TokenMasks(tokenizer, tokenizer.vocabularySize(), List.of(tokenizer.eosId()));
    Case each = CASES.get(0);
    int[] ids = tokenizer.encode(each.texts.get(0));
    List<Callable<List<Integer>>> texts = new ArrayList<>();
    for (int thread = 0; thread < 4; thread++) {
      texts.add(
          () -> {
            ConstraintState state = masks.newState(each.constraint);
            List<Integer> hashes = new ArrayList<>();
            for (int id : ids) {
              hashes.add(Arrays.hashCode(mask(state, masks)));
              state.accept(id);
            }
            return hashes;
          });
    }
    ExecutorService pool = Executors.newFixedThreadPool(texts.size());
    try {
      List<Future<List<Integer>>> together = pool.invokeAll(texts);
      List<Integer> alone = texts.get(0).call();
      for (Future<List<Integer>> hashes : together) {
        assertEquals(alone, hashes.get());
      }
    } finally {
      pool.shutdown();
    }
  }
}
