package dev.baichuan4j.internal.engine.constrain;

import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.internal.tokenizer.SentencePiece;
import dev.baichuan4j.tools.Tool;
import dev.baichuan4j.tools.Tools;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;

/**
 * How long the masks of constraints take on one thread, in processor time: {@code MaskTimes
 * TOKENIZER [ROUNDS]}.
 *
 * <p>Each round compiles each constraint anew, and reads a text with it token by token. {@code
 * first} is the time from the source of the constraint to the mask of the first token; the other
 * columns are of all masks of such texts, and {@code again} of those of a second text of the same
 * constraint. The masks of the lexemes of JSON are shared, so they are computed in the first of the
 * rounds, which do not count.
 */
public final class MaskTimes {
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private record Workload(String name, Supplier<CompiledConstraint> constraint, String text) {}

  private static final String JSON_TEXT =
      "{\"name\": \"百川智能 Baichuan\", \"id\": 12345, \"tags\": [\"a\", \"b\\n\", \"c\\u00e9\"],\n"
          + "  \"nested\": {\"x\": -1.5e10, \"y\": null, \"list\": [1, 2, 3, {\"z\": true}]},\n"
          + "  \"text\": \"The quick brown fox jumps over the lazy dog. 敏捷的棕色狐狸跳过懒狗\"}";

  private static final String TOOL_SCHEMA =
      """
      {"type": "object", "properties": {"text": {"type": "string"},
        "limit": {"type": "integer", "minimum": 1, "maximum": 100}, "exact": {"type": "boolean"}},
       "required": ["text", "limit"]}""";

  private static final List<Workload> WORKLOADS =
      List.of(
          new Workload("JSON", () -> CompiledConstraint.json(), JSON_TEXT),
          new Workload(
              "regex: date",
              () -> CompiledConstraint.regex("\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}Z"),
              "2024-01-31T12:00:59Z"),
          new Workload(
              "regex: words",
              () -> CompiledConstraint.regex("([A-Z][a-z]+ )+[a-z]+\\."),
              "Hello World From Some Town in."),
          new Workload(
              "regex: .{1,100}",
              () -> CompiledConstraint.regex(".{1,100}"),
              "The quick brown fox jumps over the lazy dog. 敏捷的棕色狐狸跳过懒狗"),
          new Workload(
              "regex: e-mail",
              () -> CompiledConstraint.regex("[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\\.[a-zA-Z]{2,}"),
              "john.smith@mail.example.com"),
          new Workload(
              "grammar: sums",
              () ->
                  CompiledConstraint.grammar(
                      "root: expr\n"
                          + "expr: expr (\"+\" | \"-\") term | term\n"
                          + "term: term (\"*\" | \"/\") factor | factor\n"
                          + "factor: /[0-9]+/ | name | \"(\" expr \")\"\n"
                          + "name: /[a-z_]+/"),
              "(alpha+12)*beta-(gamma*(3+4))/delta"),
          new Workload(
              "grammar: SQL",
              () ->
                  CompiledConstraint.grammar(
                      "root: \"SELECT \" columns \" FROM \" name (\" WHERE \" terms)? \";\"\n"
                          + "columns: \"*\" | name (\", \" name)*\n"
                          + "name: /[a-zA-Z_][a-zA-Z0-9_]*/\n"
                          + "terms: term (\" AND \" term)*\n"
                          + "term: name \" = \" value\n"
                          + "value: /[0-9]+/ | /'[^']*'/"),
              "SELECT first_name, last_name FROM customers WHERE city = 'New York' AND age = 42;"),
          new Workload(
              "choice",
              () -> CompiledConstraint.choice(List.of("positive", "negative", "正面", "负面")),
              "正面"),
          new Workload(
              "tools: content",
              MaskTimes::tools,
              "The quick brown fox jumps over the lazy dog. 敏捷的棕色狐狸跳过懒狗"),
          new Workload(
              "tools: a call",
              MaskTimes::tools,
              "<tool_call>\n{\"name\": \"search_7\", \"arguments\": {\"text\": \"百川 Baichuan\","
                  + " \"limit\": 12}}\n</tool_call>"));

  /** Twenty tools, of which any may be called behind any content. */
  private static CompiledConstraint tools() {
    List<Tool> tools = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      tools.add(new Tool("search_" + i, "", TOOL_SCHEMA));
    }
    GenerationOptions options = Tools.of(tools).options(GenerationOptions.unmodified());
    return (CompiledConstraint) options.constraint().orElseThrow();
  }

  /** Times in nanoseconds. */
  private static final class Times {
    private long[] values = new long[1024];
    private int count;

    void add(long value) {
      if (count == values.length) {
        values = Arrays.copyOf(values, 2 * count);
      }
      values[count++] = value;
    }

    double mean() {
      return Arrays.stream(values, 0, count).average().orElse(0) / 1e3;
    }

    double percentile(double share) {
      long[] sorted = Arrays.copyOf(values, count);
      Arrays.sort(sorted);
      return sorted[(int) Math.min(count - 1, share * count)] / 1e3;
    }
  }

  private MaskTimes() {}

  /** Prints a table, in microseconds. */
  public static void main(String[] args) {
    SentencePiece tokenizer = SentencePiece.load(Path.of(args[0]));
    int rounds = args.length > 1 ? Integer.parseInt(args[1]) : 200;
    long start = THREADS.getCurrentThreadCpuTime();
    TokenMasks masks =
        new TokenMasks(tokenizer, tokenizer.vocabularySize(), List.of(tokenizer.eosId()));
    System.out.printf(
        "%d pieces in %.0f ms%n",
        tokenizer.vocabularySize(), (THREADS.getCurrentThreadCpuTime() - start) / 1e6);
    System.out.printf(
        "%-16s %6s %8s | %8s %8s %8s %8s | %8s%n",
        "us", "tokens", "first", "mean", "p50", "p90", "p99", "again");
    for (Workload workload : WORKLOADS) {
      int[] ids = tokenizer.encode(workload.text);
      Times first = new Times();
      Times each = new Times();
      Times again = new Times();
      for (int round = 0; round < rounds; round++) {
        boolean counts = round >= rounds / 2;
        long begin = THREADS.getCurrentThreadCpuTime();
        MachineMasks shared = new MachineMasks(masks, workload.constraint.get().machine());
        read(shared, ids, counts ? each : new Times(), counts ? first : new Times(), begin);
        read(shared, ids, counts ? again : new Times(), new Times(), 0);
      }
      System.out.printf(
          "%-16s %6d %8.1f | %8.1f %8.1f %8.1f %8.1f | %8.1f%n",
          workload.name,
          ids.length,
          first.percentile(0.5),
          each.mean(),
          each.percentile(0.5),
          each.percentile(0.9),
          each.percentile(0.99),
          again.mean());
    }
  }

  private static void read(MachineMasks shared, int[] ids, Times times, Times first, long begin) {
    ConstraintState state = new ConstraintState(shared, false);
    long[] mask = new long[shared.masks().locals(false).trie().words()];
    for (int i = 0; i < ids.length; i++) {
      long before = THREADS.getCurrentThreadCpuTime();
      state.mask(mask);
      long after = THREADS.getCurrentThreadCpuTime();
      times.add(after - before);
      if (i == 0) {
        first.add(after - begin);
      }
      if ((mask[ids[i] >>> 6] >>> ids[i] & 1) == 0) {
        throw new IllegalStateException("token " + ids[i] + " is not allowed at " + i);
      }
      state.accept(ids[i]);
    }
  }
}
