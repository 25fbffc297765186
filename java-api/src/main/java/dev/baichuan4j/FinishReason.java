package dev.baichuan4j;

/** Why a generation ended. */
public enum FinishReason {
  /** The model ended its text, or a stop string or token was met. */
  STOP,
  /** The limit of new tokens, or the end of the context, was reached. */
  LENGTH,
  /** The caller cancelled or closed it. */
  CANCELLED,
  /** The time that it was given is over; what it has until then is its text. */
  TIMEOUT
}
