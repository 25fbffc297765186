/**
 * Runs the Baichuan language models from Java; {@link dev.baichuan4j.Baichuan} is where to begin.
 * The packages that are exported to {@code dev.baichuan4j.cli} alone are internal and change
 * without notice.
 *
 * <p>Packages form layers. The types of {@code dev.baichuan4j} are interfaces, values and
 * exceptions, which everything below may name; {@code internal.api} implements the interfaces on
 * {@code internal.session} and {@code internal.engine}, that on {@code internal.sampling} and
 * {@code internal.nn}, and all of them on {@code internal.arch}, {@code internal.checkpoint} and
 * {@code internal.tokenizer}. The public package reaches {@code internal.api} through the service
 * {@code EntryPoints}, so that no cycle arises. {@code dev.baichuan4j.tools} is above it, and uses
 * {@code internal.engine.constrain}.
 */
@SuppressWarnings("module") // dev.baichuan4j.cli is built after this module
module dev.baichuan4j {
  requires com.fasterxml.jackson.core;
  requires dev.baichuan4j.natives;
  requires flatbuffers.java;
  requires jdk.jfr;
  requires org.bytedeco.javacpp;
  requires org.slf4j;
  requires pickle;
  requires static micrometer.core;

  exports dev.baichuan4j;
  exports dev.baichuan4j.micrometer;
  exports dev.baichuan4j.tools;
  exports dev.baichuan4j.internal.checkpoint to
      dev.baichuan4j.cli;
  exports dev.baichuan4j.internal.convert to
      dev.baichuan4j.cli;
  exports dev.baichuan4j.internal.engine.constrain to
      dev.baichuan4j.cli;
  exports dev.baichuan4j.internal.evaluate to
      dev.baichuan4j.cli;
  exports dev.baichuan4j.internal.inspect to
      dev.baichuan4j.cli;
  exports dev.baichuan4j.internal.nn to
      dev.baichuan4j.cli;

  uses dev.baichuan4j.internal.spi.EntryPoints;

  provides dev.baichuan4j.internal.spi.EntryPoints with
      dev.baichuan4j.internal.api.PublicEntryPoints;
}
