package dev.baichuan4j.internal.evaluate;

/** In which form a task of multiple choice is written, which also says how it is asked. */
public enum ChoiceForm {
  /** Columns {@code id,question,A,B,C,D,answer}, {@code explanation} among the examples. */
  CEVAL,
  /** Columns {@code Question,A,B,C,D,Answer} behind one without a name. */
  CMMLU,
  /** Question, four choices and the answer, without a header; in English. */
  MMLU,
  /** Columns {@code question,A,B,C,D,answer}, or the choices in the text of the question. */
  GAOKAO;

  /** Returns whether questions are asked in Chinese. */
  boolean isChinese() {
    return this != MMLU;
  }
}
