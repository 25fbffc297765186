package dev.baichuan4j.internal.evaluate;

import dev.baichuan4j.Baichuan;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * Multiple choice: the answer is the letter whose token has the greatest logit behind the prompt.
 */
final class ChoiceExam implements Exam {
  /** Baichuan's script drops examples from longer prompts of MMLU. */
  private static final int MMLU_PROMPT_TOKENS = 2048;

  private final Baichuan model;
  private final Places places;
  private final ChoicePrompt prompts;
  private final int promptLimit;
  private final int[] letters;

  ChoiceExam(Task task, ExamSettings settings, Baichuan model) {
    this.model = model;
    this.places = new Places(task.subjects());
    this.prompts = new ChoicePrompt(task.choiceForm(), settings.isPublished());
    this.promptLimit =
        settings.promptLimit(
            model.info().contextLength(),
            0,
            task.choiceForm() == ChoiceForm.MMLU ? MMLU_PROMPT_TOKENS : Integer.MAX_VALUE);
    this.letters = LetterTokens.of(model.tokenizer());
  }

  @Override
  public List<Place> places() {
    return places.places();
  }

  @Override
  public Prompt prompt(Place place) {
    Subject subject = places.subject(place);
    return Prompt.fit(
        model.tokenizer(),
        subject.examples(),
        promptLimit,
        examples -> prompts.text(subject.title(), examples, places.question(place)));
  }

  @Override
  public Supplier<Outcome> begin(Place place) {
    return () -> {
      Prompt prompt = prompt(place);
      List<Double> scores = new ArrayList<>();
      model.logits(
          prompt.ids(),
          false,
          0,
          (position, row) -> {
            for (int letter : letters) {
              scores.add((double) row[letter]);
            }
          });
      return Outcome.choice(place, places.question(place), best(scores), scores, prompt);
    };
  }

  /** The letter with the greatest logit, the first of equal ones. */
  private static String best(List<Double> scores) {
    int best = 0;
    for (int i = 1; i < scores.size(); i++) {
      best = scores.get(i) > scores.get(best) ? i : best;
    }
    return LetterTokens.LETTERS.get(best);
  }

  /** A prompt keeps the processor busy, and what prompts have in common is read once. */
  @Override
  public int ahead() {
    return 1;
  }
}
