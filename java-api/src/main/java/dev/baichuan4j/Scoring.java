package dev.baichuan4j;

import java.time.Duration;
import java.util.List;
import java.util.Objects;

/**
 * How likely the model finds given texts: for classification and reranking, without writing
 * anything. Immutable and thread-safe: each {@code with} returns another object.
 *
 * <pre>{@code
 * List<Scoring.Candidate> labels =
 *     model.scoring().classify("“房间很干净。”这句话的情感是", List.of("正面", "负面"));
 * }</pre>
 *
 * <p>Texts are requests like others, which wait in the queue and are batched with what else runs; a
 * number has the bits that it has alone. What the texts of a call have in common at their beginning
 * is read once, where the cache has room for it. Logarithms are natural.
 *
 * <p>Every call waits until done and throws
 *
 * <ul>
 *   <li>{@link InvalidRequestException} when there is no candidate, one is empty, or a prompt has
 *       no token
 *   <li>{@link ContextOverflowException} when a text has more tokens than the context has positions
 *   <li>{@link QueueFullException} when too many requests wait
 *   <li>{@link OperationTimeoutException} when the timeout is over before the end
 *   <li>{@link OperationInterruptedException} when this thread is interrupted before the end
 *   <li>{@link IllegalStateException} when the model is closed before the end, or has no tokenizer
 * </ul>
 */
public interface Scoring {
  /**
   * A candidate and how likely it is.
   *
   * @param index its place in the list that was given
   * @param text the candidate
   * @param tokens its tokens
   * @param logprob the sum of their log-probabilities: the logarithm of the probability that the
   *     model continues with this text. Longer texts have less; divide by the tokens where that is
   *     not wanted
   * @param probability its share of the probability of all candidates
   */
  record Candidate(int index, String text, int tokens, double logprob, double probability) {
    /**
     * Checks that there is a text.
     *
     * @throws NullPointerException if it is null
     */
    public Candidate {
      Objects.requireNonNull(text, "text");
    }
  }

  /**
   * A document and how relevant it is.
   *
   * @param index its place in the list that was given
   * @param document the document
   * @param score P(yes) / (P(yes) + P(no)), from 0 to 1
   */
  record Relevance(int index, String document, double score) {
    /**
     * Checks that there is a document.
     *
     * @throws NullPointerException if it is null
     */
    public Relevance {
      Objects.requireNonNull(document, "document");
    }
  }

  /** Returns this scoring with another {@link GenerationOptions#caller()}. */
  Scoring withCaller(String caller);

  /**
   * Returns these scores with a {@link GenerationOptions#adapter()}.
   *
   * @throws InvalidRequestException when the name is empty
   */
  Scoring withAdapter(String adapter);

  /** Returns this scoring with another {@link GenerationOptions#priority()}. */
  Scoring withPriority(Priority priority);

  /**
   * Returns this scoring with a time from the submission of each text to its end.
   *
   * @throws InvalidRequestException when it is not above 0
   */
  Scoring withTimeout(Duration timeout);

  /**
   * Scores continuations of a text. The tokens of a candidate are those that the tokenizer gives to
   * prompt and candidate together, after those that all of them and the prompt alone begin with. So
   * where a token reaches across the border, as a space and a word may, it is scored as the model
   * would write it.
   *
   * @param candidates at least one
   * @return the candidates, likeliest first
   */
  List<Candidate> classify(String prompt, List<String> candidates);

  /**
   * Scores answers to a conversation, as {@link Baichuan#chat(List, GenerationOptions)} would put
   * it together with {@link PromptOverflow#FAIL}.
   *
   * @param messages oldest first, at least one
   * @param candidates at least one
   * @return the candidates, likeliest first
   * @throws InvalidRequestException also when the checkpoint has no chat roles, or a message is out
   *     of its place
   */
  List<Candidate> classify(List<ChatMessage> messages, List<String> candidates);

  /** Ranks documents with {@link RerankTemplate#DEFAULT}. */
  List<Relevance> rerank(String query, List<String> documents);

  /**
   * Ranks documents by what a chat model answers when it is asked whether each is relevant.
   *
   * @param documents may be empty
   * @return the documents, most relevant first; of equals the first comes first
   * @throws InvalidRequestException also when the checkpoint has no chat roles
   */
  List<Relevance> rerank(String query, List<String> documents, RerankTemplate template);
}
