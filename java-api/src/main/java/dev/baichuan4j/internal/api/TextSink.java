package dev.baichuan4j.internal.api;

import dev.baichuan4j.Chunk;
import dev.baichuan4j.GenerationResult;

/** Where a text goes: its chunks as they come, and one end. */
interface TextSink {
  void emit(Chunk chunk);

  void finish(GenerationResult result);

  void fail(RuntimeException failure);
}
