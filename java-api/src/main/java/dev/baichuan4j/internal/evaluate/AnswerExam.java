package dev.baichuan4j.internal.evaluate;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.PromptOverflow;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** Written answers: the model writes the likeliest tokens, and what it answers is compared. */
final class AnswerExam implements Exam {
  /** Texts that are written together gain by it, and not much more beyond so many. */
  private static final int AHEAD = 8;

  private final Baichuan model;
  private final Places places;
  private final AnswerPrompt prompts;
  private final AnswerRule rule;
  private final GenerationOptions options;
  private final boolean isChat;
  private final int promptLimit;

  AnswerExam(Task task, ExamSettings settings, Baichuan model) {
    this.model = model;
    this.places = new Places(task.subjects());
    this.prompts = new AnswerPrompt(task.answerForm());
    this.rule = new AnswerRule(settings.pattern(), task.answerForm() == AnswerForm.GSM8K);
    this.isChat = settings.isChat();
    this.promptLimit =
        settings.promptLimit(model.info().contextLength(), settings.maxTokens(), Integer.MAX_VALUE);
    List<String> usual = isChat ? List.of() : prompts.stops(task.shots() > 0);
    List<String> stops = settings.stops() != null ? settings.stops() : usual;
    this.options =
        GenerationOptions.greedy()
            .withMaxNewTokens(settings.maxTokens())
            .withStop(stops.toArray(String[]::new))
            .withPromptOverflow(PromptOverflow.DROP_OLDEST_ROUNDS);
  }

  @Override
  public List<Place> places() {
    return places.places();
  }

  @Override
  public Prompt prompt(Place place) {
    List<Question> examples = places.subject(place).examples();
    Question question = places.question(place);
    if (isChat) {
      String text =
          prompts.messages(examples, question).stream()
              .map(AnswerExam::line)
              .collect(Collectors.joining("\n"));
      return new Prompt(text, new int[0], 0, 0);
    }
    return Prompt.fit(
        model.tokenizer(), examples, promptLimit, shown -> prompts.text(shown, question));
  }

  private static String line(ChatMessage message) {
    return (message.role() == ChatMessage.Role.USER ? "user: " : "assistant: ") + message.content();
  }

  @Override
  public Supplier<Outcome> begin(Place place) {
    Question question = places.question(place);
    if (isChat) {
      List<Question> examples = places.subject(place).examples();
      Generation answer = model.chat(prompts.messages(examples, question), options);
      return () -> {
        GenerationResult result = answer.result();
        return outcome(place, question, result, result.droppedRounds(), result.cutTokens());
      };
    }
    Prompt prompt = prompt(place);
    Generation answer = model.complete(prompt.ids(), options);
    return () ->
        outcome(place, question, answer.result(), prompt.droppedShots(), prompt.cutTokens());
  }

  private Outcome outcome(
      Place place, Question question, GenerationResult result, int dropped, int cut) {
    Optional<String> said = rule.find(result.text());
    return new Outcome(
        place,
        question.line(),
        said.orElse(null),
        question.expected(),
        said.isPresent() && rule.isRight(said.get(), question.expected()),
        result.text(),
        List.of(),
        0,
        0,
        dropped,
        cut);
  }

  @Override
  public int ahead() {
    return AHEAD;
  }
}
