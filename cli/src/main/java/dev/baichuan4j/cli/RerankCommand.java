package dev.baichuan4j.cli;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.RerankTemplate;
import dev.baichuan4j.Scoring;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code rerank}: which texts answer a question. */
@Command(
    name = "rerank",
    mixinStandardHelpOptions = true,
    description =
        "Asks a chat model whether each text is relevant, and prints the texts, most relevant"
            + " first: P(yes) / (P(yes) + P(no)), the text.")
final class RerankCommand implements Callable<Integer> {
  @Option(names = "--query", required = true, paramLabel = "TEXT", description = "The question.")
  private String query;

  @Option(
      names = "--template",
      paramLabel = "TEXT",
      description =
          "What the model is asked, with {query} and {document} once each; \\n is a line break"
              + " (default: in Chinese).")
  private String template = RerankTemplate.DEFAULT.question();

  @Option(
      names = "--yes",
      paramLabel = "TEXT",
      description = "Its answer for a relevant text (default: ${DEFAULT-VALUE}).")
  private String yes = RerankTemplate.DEFAULT.yes();

  @Option(
      names = "--no",
      paramLabel = "TEXT",
      description = "Its answer for another (default: ${DEFAULT-VALUE}).")
  private String no = RerankTemplate.DEFAULT.no();

  @Option(names = "--json", description = "Print a JSON array.")
  private boolean json;

  @Mixin private GivenTexts texts;
  @Mixin private ModelOptions modelOptions;

  @Override
  public Integer call() throws IOException {
    texts.require();
    RerankTemplate asked = new RerankTemplate(template.replace("\\n", "\n"), yes, no);
    List<Scoring.Relevance> ranked;
    try (Baichuan model = modelOptions.load()) {
      ranked = model.scoring().rerank(query, texts.all(), asked);
    }
    if (json) {
      Terminal.printJson(ranked);
      return 0;
    }
    for (Scoring.Relevance r : ranked) {
      Terminal.out().println(r.score() + "\t" + r.document().replace("\n", "\\n"));
    }
    return 0;
  }
}
