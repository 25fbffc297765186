package dev.baichuan4j;

import java.util.Objects;

/**
 * The question by which a chat model ranks a document.
 *
 * @param question the message of the user's, with {@code {query}} and {@code {document}} once each.
 *     What stands before the document is read once for all documents, so the document should come
 *     late
 * @param yes the answer of a relevant document
 * @param no the answer of another
 */
public record RerankTemplate(String question, String yes, String no) {
  private static final String QUERY = "{query}";
  private static final String DOCUMENT = "{document}";

  /** Asks in Chinese, for the answer 是 or 否. */
  public static final RerankTemplate DEFAULT =
      new RerankTemplate("判断下面的文档是否包含回答问题所需的内容，只回答“是”或“否”。\n问题：{query}\n文档：{document}", "是", "否");

  /**
   * Checks the parts.
   *
   * @throws InvalidRequestException when a place is missing or there twice, an answer is empty, or
   *     both answers are the same
   */
  public RerankTemplate {
    Objects.requireNonNull(question, "question");
    Objects.requireNonNull(yes, "yes");
    Objects.requireNonNull(no, "no");
    requireOnce(question, QUERY);
    requireOnce(question, DOCUMENT);
    if (yes.isEmpty() || no.isEmpty() || yes.equals(no)) {
      throw new InvalidRequestException(
          "yes", "\"" + yes + "\" beside no \"" + no + "\"", "two texts that are not the same");
    }
  }

  private static void requireOnce(String question, String place) {
    int first = question.indexOf(place);
    if (first < 0 || first != question.lastIndexOf(place)) {
      throw new InvalidRequestException(
          "question", "\"" + question + "\"", "one place for " + place);
    }
  }

  /** Returns the question about a document. */
  public String question(String query, String document) {
    Objects.requireNonNull(query, "query");
    Objects.requireNonNull(document, "document");
    int q = question.indexOf(QUERY);
    int d = question.indexOf(DOCUMENT);
    StringBuilder text = new StringBuilder(question);
    // The later place first, so that the other one stays where it is, whatever the texts have.
    if (q < d) {
      text.replace(d, d + DOCUMENT.length(), document).replace(q, q + QUERY.length(), query);
    } else {
      text.replace(q, q + QUERY.length(), query).replace(d, d + DOCUMENT.length(), document);
    }
    return text.toString();
  }
}
