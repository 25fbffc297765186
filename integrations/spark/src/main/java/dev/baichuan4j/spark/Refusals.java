package dev.baichuan4j.spark;

/** What becomes of a row whose text the model does not take, such as one that is too long. */
public enum Refusals {
  /** The task fails, and with it the job, once Spark has tried it as often as it was told to. */
  FAIL,
  /** The row has the message in the field {@code error} of its result, and the job goes on. */
  RECORD
}
