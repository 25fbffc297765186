package dev.baichuan4j.cli;

import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Draws times of requests as their distribution. */
final class ServePlot {
  private static final double LEAST_MS = 0.001; // the axis is logarithmic

  private ServePlot() {}

  /**
   * Writes a picture of how many requests had at most which time.
   *
   * @param times sorted, in milliseconds, by what they are
   * @param file ends in .png or .svg
   * @throws IOException when it cannot be written, or this Java cannot draw
   */
  static void write(Map<String, double[]> times, String title, Path file) throws IOException {
    Picture.write(() -> chart(times, title), file, "bench: --plot");
  }

  private static XYChart chart(Map<String, double[]> times, String title) {
    XYChart chart =
        new XYChartBuilder()
            .width(960)
            .height(540)
            .title(title)
            .xAxisTitle("ms")
            .yAxisTitle("% of requests that had at most this time")
            .build();
    chart.getStyler().setXAxisLogarithmic(true);
    chart.getStyler().setLegendPosition(LegendPosition.OutsideS);
    chart.getStyler().setYAxisMin(0.0).setYAxisMax(100.0);
    chart.getStyler().setYAxisDecimalPattern("#");
    chart.getStyler().setChartBackgroundColor(Color.WHITE);
    times.forEach((name, sorted) -> addSeries(chart, name, sorted));
    return chart;
  }

  /** A step at each value. */
  private static void addSeries(XYChart chart, String name, double[] sorted) {
    if (sorted.length == 0) {
      return;
    }
    double[] x = new double[2 * sorted.length + 1];
    double[] y = new double[x.length];
    for (int i = 0; i < sorted.length; i++) {
      x[2 * i + 1] = Math.max(LEAST_MS, sorted[i]);
      x[2 * i + 2] = x[2 * i + 1];
      y[2 * i + 1] = 100.0 * i / sorted.length;
      y[2 * i + 2] = 100.0 * (i + 1) / sorted.length;
    }
    // XChart labels an axis with the values themselves where they are equally far from each other,
    // instead of with round numbers. One more value on the first step, below its top, prevents
    // that.
    x[0] = x[1];
    y[0] = y[2] / 3;
    chart.addSeries(name, x, y).setMarker(SeriesMarkers.NONE);
  }
}
