/**
 * Runs the Baichuan language models from Java; {@link dev.baichuan4j.Baichuan} is where to begin.
 * The packages that are exported to {@code dev.baichuan4j.server} alone are internal and change
 * without notice.
 */
@SuppressWarnings("module") // dev.baichuan4j.server is built after this module
module dev.baichuan4j {
  requires com.fasterxml.jackson.core;
  requires dev.baichuan4j.natives;
  requires org.bytedeco.javacpp;
  requires org.slf4j;
  requires pickle;

  exports dev.baichuan4j;
  exports dev.baichuan4j.tokenizer;
  exports dev.baichuan4j.checkpoint to
      dev.baichuan4j.server;
  exports dev.baichuan4j.engine to
      dev.baichuan4j.server;
  exports dev.baichuan4j.evaluate to
      dev.baichuan4j.server;
  exports dev.baichuan4j.nn to
      dev.baichuan4j.server;
}
