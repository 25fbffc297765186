package dev.baichuan4j.tools;

import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatMessage.Role;
import dev.baichuan4j.ChatMessage.ToolPart;
import dev.baichuan4j.ChatMessage.ToolPart.Kind;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ToolForm;
import dev.baichuan4j.internal.engine.constrain.CompiledConstraint;
import dev.baichuan4j.internal.engine.constrain.TaggedText;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Declared tools. They become a part of the prompt, and a constraint by which each call that the
 * model writes is one of a declared tool, with arguments that are valid by its schema:
 *
 * <pre>{@code
 * Tools tools = Tools.of(List.of(new Tool("get_weather", "The weather of a city.", schema)));
 * GenerationOptions options = tools.options(model.defaultOptions());
 * try (Generation answer = model.chat(tools.prompt(messages), options)) {
 *   ToolCallReader reader = tools.newReader();
 *   for (Chunk chunk : answer) reader.accept(chunk.text(), sink);
 *   reader.finish(sink);
 *   reader.calls();
 * }
 * }</pre>
 *
 * <p>A model calls, the program answers: {@link #assistant} and {@link #results} are the messages
 * that go on with the conversation.
 *
 * <p>Immutable and safe for any number of threads. Keep it for further requests; what is computed
 * of the constraint is shared, also by tools that were declared anew with the same names and
 * schemas.
 */
public final class Tools {
  private final List<Declaration> declarations; // by name
  private final ToolChoice choice;
  private final boolean parallel;
  private final ToolForm form;

  private Tools(
      List<Declaration> declarations, ToolChoice choice, boolean parallel, ToolForm form) {
    this.declarations = declarations;
    this.choice = choice;
    this.parallel = parallel;
    this.form = form;
  }

  /**
   * Declares tools, in any order: they are sorted by name, so that equal tools are an equal prompt,
   * of which nothing has to be read twice.
   *
   * @throws InvalidRequestException if there is none, two have the same name, or the parameters of
   *     one are no JSON Schema of objects, or have a keyword that cannot be enforced; the message
   *     names the tool and the keyword
   */
  public static Tools of(List<Tool> tools) {
    Objects.requireNonNull(tools, "tools");
    if (tools.isEmpty()) {
      throw new InvalidRequestException("tools", tools, "at least one");
    }
    List<Declaration> declarations = new ArrayList<>();
    for (int i = 0; i < tools.size(); i++) {
      Tool tool = Objects.requireNonNull(tools.get(i), "tools[" + i + "]");
      if (declarations.stream().anyMatch(d -> d.name().equals(tool.name()))) {
        throw new InvalidRequestException(
            "tools[" + i + "].name", tool.name(), "a name that no other tool has");
      }
      declarations.add(Declaration.of(tool, "tools[" + i + "].parameters"));
    }
    declarations.sort(Comparator.comparing(Declaration::name));
    return new Tools(List.copyOf(declarations), ToolChoice.auto(), true, ToolForm.TEXT);
  }

  /**
   * Returns these tools with another choice than {@link ToolChoice#auto()}.
   *
   * @throws InvalidRequestException if it names a tool that is not declared
   */
  public Tools withChoice(ToolChoice choice) {
    Objects.requireNonNull(choice, "choice");
    if (choice instanceof ToolChoice.Named named && !names().contains(named.name())) {
      throw new InvalidRequestException(
          "choice", "a tool " + named.name(), "one of " + String.join(", ", names()));
    }
    return new Tools(declarations, choice, parallel, form);
  }

  /** Returns these tools with or without several calls in one text; they have them at first. */
  public Tools withParallel(boolean parallel) {
    return new Tools(declarations, choice, parallel, form);
  }

  /**
   * Returns these tools as a model is told of them, by {@link dev.baichuan4j.ModelInfo#toolForm()};
   * they have {@link ToolForm#TEXT} at first, which every model that takes a system text reads.
   */
  public Tools withForm(ToolForm form) {
    return new Tools(declarations, choice, parallel, Objects.requireNonNull(form, "form"));
  }

  /**
   * Returns a conversation with the declarations behind the system text, which is added where there
   * is none. They are the same for every choice but {@link ToolChoice#none()}, which adds nothing.
   * Where the template of the model declares tools, by {@link #withForm}, nothing is added either.
   *
   * @param messages the conversation, the oldest message first
   * @throws InvalidRequestException if there is no message
   */
  public List<ChatMessage> prompt(List<ChatMessage> messages) {
    Objects.requireNonNull(messages, "messages");
    if (messages.isEmpty()) {
      throw new InvalidRequestException("messages", "no message", "at least one");
    }
    if (choice instanceof ToolChoice.None || form != ToolForm.TEXT) {
      return List.copyOf(messages);
    }
    ChatMessage first = messages.get(0);
    boolean hasSystem = first.role() == Role.SYSTEM;
    String before = hasSystem && !first.content().isEmpty() ? first.content() + "\n\n" : "";
    List<ChatMessage> prompt = new ArrayList<>(messages.size() + 1);
    prompt.add(ChatMessage.system(before + Declaration.prompt(declarations)));
    prompt.addAll(messages.subList(hasSystem ? 1 : 0, messages.size()));
    return List.copyOf(prompt);
  }

  /**
   * Returns options by which the text is content and calls as {@link ToolChoice} and {@link
   * #withParallel} have it, and ends behind the calls. A constraint of the given options binds the
   * content then: the text is one of its language, or calls. Where the template of the model
   * declares tools, they are among its variables.
   *
   * @throws InvalidRequestException if they ask for a beam search, or have a constraint by which a
   *     text may begin as a call does; for {@link ToolForm#MISTRAL} if there is any constraint,
   *     another choice than auto and none, or calls are not to be parallel
   */
  public GenerationOptions options(GenerationOptions options) {
    Objects.requireNonNull(options, "options");
    if (options.beamSearch().width() > 1) {
      throw new InvalidRequestException(
          "beamSearch", options.beamSearch() + " beside tools", "no beam search");
    }
    if (choice instanceof ToolChoice.None) {
      return options;
    }
    GenerationOptions told = form == ToolForm.TEXT ? options : declared(options);
    if (form == ToolForm.MISTRAL) {
      requireUnbound(options);
      return told;
    }
    List<TaggedText.Tag> tags =
        declarations.stream()
            .filter(this::isChosen)
            .map(declaration -> syntax().tag(declaration.name(), declaration.arguments()))
            .toList();
    boolean several = parallel && syntax() != CallSyntax.LLAMA;
    TaggedText text = new TaggedText(content(options), syntax().mark, tags, several);
    return told.withConstraint(CompiledConstraint.tagged(text));
  }

  private CallSyntax syntax() {
    return CallSyntax.of(form);
  }

  /** Gives the declarations to the template of the model. */
  private GenerationOptions declared(GenerationOptions options) {
    List<Map<String, Object>> tools = declarations.stream().map(Declaration::plain).toList();
    return options.withTemplateVariables(options.templateVariables().withTools(tools));
  }

  /** A special token begins the calls of such a model, and texts of a constraint have none. */
  private void requireUnbound(GenerationOptions options) {
    String found =
        !(choice instanceof ToolChoice.Auto)
            ? choice + ""
            : !parallel
                ? "calls that are not parallel"
                : options.constraint().map(constraint -> "constraint " + constraint).orElse(null);
    if (found != null) {
      throw new InvalidRequestException(
          "choice",
          found + " for a model whose calls begin with a special token",
          "auto or none, parallel calls and no constraint");
    }
  }

  private boolean isChosen(Declaration declaration) {
    return !(choice instanceof ToolChoice.Named named) || named.name().equals(declaration.name());
  }

  private TaggedText.Content content(GenerationOptions options) {
    if (!(choice instanceof ToolChoice.Auto)) {
      return new TaggedText.None();
    }
    if (options.constraint().isEmpty()) {
      return syntax().free();
    }
    CompiledConstraint language = (CompiledConstraint) options.constraint().get();
    char first = syntax().mark.charAt(0);
    if (language.firstBytes().get(first)) {
      throw new InvalidRequestException(
          "constraint",
          "constraint "
              + language
              + " beside tools has texts that begin with "
              + first
              + ", expected none: a call begins so");
    }
    return new TaggedText.Bound(language);
  }

  /** Returns a reader for one text that a model writes. */
  public ToolCallReader newReader() {
    return new ToolCallReader(choice instanceof ToolChoice.None ? Set.of() : names(), syntax());
  }

  /**
   * Returns a turn of the model: what it has said, and behind that its calls, as it would have
   * written them.
   *
   * @param content what it has said; may be empty
   */
  public static ChatMessage assistant(String content, List<ToolCall> calls) {
    Objects.requireNonNull(content, "content");
    Objects.requireNonNull(calls, "calls");
    String written = calls.stream().map(CallText::of).collect(Collectors.joining("\n"));
    boolean joined = content.isEmpty() || written.isEmpty() || content.endsWith("\n");
    List<ToolPart> parts = new ArrayList<>();
    if (!calls.isEmpty()) {
      String said = content.endsWith("\n") ? content.substring(0, content.length() - 1) : content;
      parts.add(new ToolPart(Kind.SAID, "", "", said)); // templates end the line themselves
    }
    for (ToolCall call : calls) {
      parts.add(new ToolPart(Kind.CALL, call.id(), call.name(), call.arguments()));
    }
    return new ChatMessage(Role.ASSISTANT, content + (joined ? "" : "\n") + written, parts);
  }

  /**
   * Returns the message that answers the calls of one turn.
   *
   * @param results one of each call, in the order of the calls
   * @throws InvalidRequestException if there is none
   */
  public static ChatMessage results(List<ToolResult> results) {
    Objects.requireNonNull(results, "results");
    if (results.isEmpty()) {
      throw new InvalidRequestException("results", results, "at least one");
    }
    String written = results.stream().map(CallText::of).collect(Collectors.joining("\n"));
    List<ToolPart> parts =
        results.stream()
            .map(result -> new ToolPart(Kind.RESULT, result.id(), result.name(), result.content()))
            .toList();
    return new ChatMessage(Role.USER, written, parts);
  }

  private Set<String> names() {
    return declarations.stream().map(Declaration::name).collect(Collectors.toUnmodifiableSet());
  }
}
