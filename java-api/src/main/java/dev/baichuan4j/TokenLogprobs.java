package dev.baichuan4j;

import java.util.List;
import java.util.Objects;

/**
 * How likely a generated token was, in the model's own distribution: the softmax of the logits as
 * the model gave them, before penalties, bias, temperature and any cut.
 *
 * @param id the generated token
 * @param logprob the natural logarithm of its probability
 * @param top the likeliest tokens, likeliest first, of equals the lower id first; as many as were
 *     asked for, which may be none, and the generated token is not always among them
 */
public record TokenLogprobs(int id, double logprob, List<Candidate> top) {

  /**
   * A token and its probability.
   *
   * @param id the token
   * @param logprob the natural logarithm of its probability
   */
  public record Candidate(int id, double logprob) {}

  /**
   * Copies the list.
   *
   * @throws NullPointerException if it is null or has a null in it
   */
  public TokenLogprobs {
    top = List.copyOf(Objects.requireNonNull(top, "top"));
  }
}
