package dev.baichuan4j.langchain4j;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.Constraint;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.tools.Tool;
import dev.baichuan4j.tools.Tools;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.ToolChoice;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A chat request as the library takes it.
 *
 * @param modelName the name of the model
 * @param model the one that answers
 * @param messages the prompt, with the declarations of tools
 * @param options what the answer is asked for
 * @param tools those declared
 */
record ChatCall(
    String modelName,
    Baichuan model,
    List<ChatMessage> messages,
    GenerationOptions options,
    Optional<Tools> tools) {
  private static final String ANY_OBJECT = "{\"type\": \"object\"}";

  /**
   * @throws RuntimeException one of those that {@code package-info} lists, when the request cannot
   *     be put to the model
   */
  static ChatCall of(ChatRequest request, Models models) {
    BaichuanChatRequestParameters parameters =
        BaichuanChatRequestParameters.of(request.parameters());
    String name = Objects.requireNonNullElse(parameters.modelName(), models.defaultName());
    Baichuan model = models.get(name);
    List<ChatMessage> messages = Messages.of(request.messages());
    return Failures.mapped(
        () -> {
          GenerationOptions options = options(parameters, model.defaultOptions());
          Optional<Tools> tools =
              tools(parameters).map(declared -> declared.withForm(model.info().toolForm()));
          return new ChatCall(
              name,
              model,
              tools.map(declared -> declared.prompt(messages)).orElse(messages),
              tools.map(declared -> declared.options(options)).orElse(options),
              tools);
        });
  }

  /** Begins the answer. */
  Generation start() {
    return Failures.mapped(() -> model.chat(messages, options));
  }

  private static GenerationOptions options(
      BaichuanChatRequestParameters parameters, GenerationOptions advised) {
    GenerationOptions options = parameters.applyTo(advised);
    ResponseFormat format = parameters.responseFormat();
    if (format == null || format.type() == ResponseFormatType.TEXT) {
      return options;
    }
    if (options.constraint().isPresent()) {
      throw new InvalidRequestException(
          "constraint has " + options.constraint().get() + " beside responseFormat, expected one");
    }
    String schema =
        format.jsonSchema() == null ? ANY_OBJECT : SchemaText.of(format.jsonSchema().rootElement());
    return options.withConstraint(Constraint.jsonSchemaOnOneLine(schema));
  }

  private static Optional<Tools> tools(BaichuanChatRequestParameters parameters) {
    List<ToolSpecification> specifications = parameters.toolSpecifications();
    ToolChoice choice = parameters.toolChoice();
    if (specifications.isEmpty()) {
      if (choice == ToolChoice.REQUIRED) {
        throw new InvalidRequestException("toolChoice has REQUIRED, expected tools beside it");
      }
      return Optional.empty();
    }
    Tools tools =
        Tools.of(specifications.stream().map(ChatCall::tool).toList())
            .withChoice(choice(choice))
            .withParallel(!Boolean.FALSE.equals(parameters.parallelToolCalls()));
    return Optional.of(tools);
  }

  private static Tool tool(ToolSpecification specification) {
    return new Tool(
        specification.name(),
        Objects.requireNonNullElse(specification.description(), ""),
        SchemaText.ofParameters(specification.parameters()));
  }

  private static dev.baichuan4j.tools.ToolChoice choice(ToolChoice choice) {
    return switch (choice == null ? ToolChoice.AUTO : choice) {
      case AUTO -> dev.baichuan4j.tools.ToolChoice.auto();
      case REQUIRED -> dev.baichuan4j.tools.ToolChoice.required();
      case NONE -> dev.baichuan4j.tools.ToolChoice.none();
    };
  }
}
