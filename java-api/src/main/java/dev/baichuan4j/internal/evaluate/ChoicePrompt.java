package dev.baichuan4j.internal.evaluate;

import java.util.List;

/**
 * How questions of multiple choice are asked: a heading, then examples and the question as blocks
 * with blank lines between them, the last of which ends before its answer.
 *
 * @param form tells the language
 * @param isPublished whether it has the bytes of the scripts that Baichuan published with
 *     Baichuan-7B: in Chinese the blocks follow each other without a blank line, and in English two
 *     spaces are before the subject
 */
record ChoicePrompt(ChoiceForm form, boolean isPublished) {
  private static final String LETTERS = "ABCD";

  /** Returns the text that ends where the answer begins. */
  String text(String title, List<Question> examples, Question question) {
    StringBuilder text = new StringBuilder(heading(title)).append("\n\n");
    String between = isPublished && form.isChinese() ? "\n" : "\n\n";
    for (Question example : examples) {
      text.append(block(example)).append(form.isChinese() ? "" : " ");
      text.append(example.answer()).append(between);
    }
    return text.append(block(question)).toString();
  }

  private String heading(String title) {
    return form.isChinese()
        ? "以下是中国关于" + title + "考试的单项选择题，请选出其中的正确答案。"
        : "The following are multiple choice questions (with answers) about "
            + (isPublished ? " " : "")
            + title
            + ".";
  }

  private String block(Question question) {
    StringBuilder block = new StringBuilder(question.text()).append('\n');
    for (int i = 0; i < question.choices().size(); i++) {
      block.append(LETTERS.charAt(i)).append(". ").append(question.choices().get(i)).append('\n');
    }
    return block.append(form.isChinese() ? "答案：" : "Answer:").toString();
  }
}
