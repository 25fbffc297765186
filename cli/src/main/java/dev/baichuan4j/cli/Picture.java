package dev.baichuan4j.cli;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.function.Supplier;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.BitmapEncoder.BitmapFormat;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.VectorGraphicsEncoder.VectorGraphicsFormat;
import org.knowm.xchart.internal.chartpart.Chart;

/** Writes a chart to a file: .svg, else .png. */
final class Picture {
  private Picture() {}

  /**
   * Writes a chart.
   *
   * @param what the command and the option that asked for it, for the message
   * @throws IOException when it cannot be written, or this Java cannot draw
   */
  static void write(Supplier<? extends Chart<?, ?>> made, Path file, String what)
      throws IOException {
    System.setProperty("java.awt.headless", "true");
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file))) {
      Chart<?, ?> chart = made.get();
      if (file.toString().toLowerCase(Locale.ROOT).endsWith(".svg")) {
        VectorGraphicsEncoder.saveVectorGraphic(chart, out, VectorGraphicsFormat.SVG);
      } else {
        BitmapEncoder.saveBitmap(chart, out, BitmapFormat.PNG);
      }
    } catch (LinkageError | InternalError e) { // what AWT throws where it has no fonts
      Files.deleteIfExists(file);
      throw new IOException(
          what
              + " has failed with "
              + e
              + ", expected a Java that can draw text: install fontconfig and a font, or leave"
              + what.substring(what.lastIndexOf(' '))
              + " out",
          e);
    }
  }
}
