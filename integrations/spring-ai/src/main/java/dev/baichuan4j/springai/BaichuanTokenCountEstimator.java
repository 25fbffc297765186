package dev.baichuan4j.springai;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.InvalidRequestException;
import java.util.Objects;
import org.springframework.ai.content.MediaContent;
import org.springframework.ai.tokenizer.TokenCountEstimator;

/** Counts the tokens of texts exactly, with the tokenizer of a model. Thread-safe. */
public final class BaichuanTokenCountEstimator implements TokenCountEstimator {
  private final Baichuan model;

  /**
   * Counts with the tokenizer of a model, which is not closed.
   *
   * @throws NullPointerException if it is null
   */
  public BaichuanTokenCountEstimator(Baichuan model) {
    this.model = Objects.requireNonNull(model, "model");
  }

  @Override
  public int estimate(String text) {
    return text == null || text.isEmpty() ? 0 : model.countTokens(text);
  }

  /**
   * @throws InvalidRequestException if there is something that is no text
   */
  @Override
  public int estimate(MediaContent content) {
    if (!content.getMedia().isEmpty()) {
      throw new InvalidRequestException(
          "content", content.getMedia().iterator().next().getMimeType(), "text");
    }
    return estimate(content.getText());
  }

  /**
   * @throws InvalidRequestException if there is something that is no text
   */
  @Override
  public int estimate(Iterable<MediaContent> contents) {
    int tokens = 0;
    for (MediaContent content : contents) {
      tokens += estimate(content);
    }
    return tokens;
  }
}
