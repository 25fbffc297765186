package dev.baichuan4j.cli;

import dev.baichuan4j.internal.evaluate.ChoiceForm;
import dev.baichuan4j.internal.evaluate.ExamSettings;
import dev.baichuan4j.internal.evaluate.Task;
import dev.baichuan4j.internal.evaluate.TaskSettings;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** Options of {@code eval} that say what is asked, and how. */
final class EvalOptions {
  private static final Set<Task.Kind> CHOICE = EnumSet.of(Task.Kind.CHOICE);
  private static final Set<Task.Kind> ANSWER = EnumSet.of(Task.Kind.ANSWER);
  private static final Set<Task.Kind> ASKED = EnumSet.of(Task.Kind.CHOICE, Task.Kind.ANSWER);

  @Spec(Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--form",
      paramLabel = "FORM",
      description =
          "Multiple choice: ceval, cmmlu, mmlu or gaokao (default: as the header of the files"
              + " tells).")
  private ChoiceForm form;

  @Option(
      names = "--split",
      paramLabel = "NAME",
      description =
          "test, val, dev or train (default: test, or val where the test questions have no"
              + " answers).")
  private String split;

  @Option(
      names = "--shots",
      paramLabel = "N",
      description =
          "Examples in each prompt, from the files of dev or train; where there are none, they are"
              + " drawn from the questions, which are then not asked. Default: 5; for JSONL without"
              + " such a file 0.")
  private Integer shots;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description =
          "Shuffles the examples (default: as their file has them; 0 where they are drawn).")
  private Long seed;

  @Option(
      names = "--limit",
      paramLabel = "N",
      description = "The first N questions, windows or conversations of each subject.")
  private Integer limit;

  @Option(
      names = "--subjects",
      paramLabel = "FILE",
      description =
          "Multiple choice: a JSON object from the names of files to the titles in prompts (default:"
              + " subject_mapping.json beside the data).")
  private Path subjects;

  @Option(
      names = "--published",
      description =
          "Multiple choice: prompts with the bytes of the scripts that came with Baichuan-7B:"
              + " without blank lines between Chinese questions, with two spaces before an English"
              + " subject.")
  private boolean published;

  @Option(
      names = "--prompt-tokens",
      paramLabel = "N",
      description =
          "Most tokens of a prompt: examples are left out until it fits (default: the context; for"
              + " mmlu at most 2048).")
  private Integer promptTokens;

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      description = "JSONL: most tokens of an answer (default: 512).")
  private Integer maxTokens;

  @Option(
      names = "--pattern",
      paramLabel = "REGEX",
      description =
          "JSONL: the answer is the last match in what was written, its first group if it has one"
              + " (default: the last number for GSM8K, else all of the text).")
  private String pattern;

  @Option(
      names = "--stop",
      paramLabel = "TEXT",
      description =
          "JSONL: an answer ends before this text; may be repeated (default: where a next question"
              + " begins).")
  private List<String> stops;

  @Option(
      names = "--chat",
      description = "JSONL: ask in the chat format, with examples as earlier rounds.")
  private boolean chat;

  @Option(
      names = "--window",
      paramLabel = "N",
      description = "Texts: tokens of a window (default: the context length).")
  private Integer window;

  TaskSettings task() {
    if (subjects != null) {
      InputFile.read(spec, "--subjects", subjects);
    }
    return new TaskSettings(form, split, shots, limit, seed, subjects);
  }

  ExamSettings exam() {
    return new ExamSettings(
        published,
        promptTokens,
        maxTokens != null ? maxTokens : ExamSettings.USUAL_MAX_TOKENS,
        pattern,
        stops,
        chat,
        window,
        limit);
  }

  /** Refuses options that a task would not use. */
  void requireEffect(Task task) {
    refuse(task, "--form", form != null, CHOICE);
    refuse(task, "--subjects", subjects != null, CHOICE);
    refuse(task, "--published", published, CHOICE);
    refuse(task, "--shots", shots != null, ASKED);
    refuse(task, "--seed", seed != null, ASKED);
    refuse(task, "--prompt-tokens", promptTokens != null, ASKED);
    refuse(task, "--max-tokens", maxTokens != null, ANSWER);
    refuse(task, "--pattern", pattern != null, ANSWER);
    refuse(task, "--stop", stops != null, ANSWER);
    refuse(task, "--chat", chat, ANSWER);
    refuse(task, "--window", window != null && task.areConversations(), Set.of());
    refuse(task, "--window", window != null, EnumSet.of(Task.Kind.PERPLEXITY));
    if (seed != null && task.shots() == 0) {
      throw wrong("--seed has value " + seed + ", expected examples to shuffle");
    }
    if (chat && promptTokens != null) {
      throw wrong("--prompt-tokens has --chat beside it, expected one of them");
    }
  }

  private void refuse(Task task, String option, boolean isThere, Set<Task.Kind> kinds) {
    if (isThere && !kinds.contains(task.kind())) {
      throw wrong(
          option
              + " has a value beside a task of "
              + task.form()
              + ", expected a task that it has an effect on");
    }
  }

  private ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  /** What outcomes depend on, besides the task and the models. */
  Map<String, Object> description(Task task) {
    Map<String, Object> description = new LinkedHashMap<>();
    description.put("form", task.form());
    description.put("split", task.split());
    description.put("shots", task.shots());
    if (limit != null) {
      description.put("limit", limit);
    }
    if (task.kind() == Task.Kind.PERPLEXITY) {
      description.put("window", window != null ? window : "context");
      return description;
    }
    description.put("prompt_tokens", promptTokens != null ? promptTokens : "usual");
    if (task.kind() == Task.Kind.CHOICE) {
      description.put("published", published);
      return description;
    }
    description.put("max_tokens", exam().maxTokens());
    description.put("pattern", pattern != null ? pattern : "usual");
    description.put("stop", stops != null ? stops : "usual");
    description.put("chat", chat);
    return description;
  }
}
