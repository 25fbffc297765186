package dev.baichuan4j.server.fastchat;

/**
 * The codes by which FastChat's clients tell errors apart: those of {@code ErrorCode} in {@code
 * fastchat/constants.py} that a worker has use for.
 */
enum ErrorCode {
  VALIDATION_TYPE_ERROR(40001),
  INVALID_MODEL(40301),
  PARAM_OUT_OF_RANGE(40302),
  CONTEXT_OVERFLOW(40303),
  ENGINE_OVERLOADED(42903),
  INTERNAL_ERROR(50001),
  CUDA_OUT_OF_MEMORY(50002);

  private final int number;

  ErrorCode(int number) {
    this.number = number;
  }

  int number() {
    return number;
  }
}
