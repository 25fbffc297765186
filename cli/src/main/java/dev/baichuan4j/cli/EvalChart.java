package dev.baichuan4j.cli;

import dev.baichuan4j.internal.evaluate.Figure;
import dev.baichuan4j.internal.evaluate.Figures;
import java.awt.BasicStroke;
import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Draws each subject as a point on its interval, one below the other. */
final class EvalChart {
  private static final Color[] COLORS = {new Color(0x1F77B4), new Color(0xD62728)};
  private static final int ROW_HEIGHT = 34;

  /** With so many pixels at most, XChart has a tick at every whole number and every half. */
  private static final int TICK_SPACING = 20;

  private static final double APART = 0.22; // two runs of a subject

  private final EvalReport report;
  private final List<String> names = new ArrayList<>();

  private EvalChart(EvalReport report) {
    this.report = report;
    Figures figures = report.runs().get(0).figures();
    figures.subjects().forEach(figure -> names.add(figure.name()));
    if (names.size() > 1) {
      names.add("all together");
    }
  }

  /**
   * Writes a picture.
   *
   * @param file ends in .png or .svg
   * @throws IOException when it cannot be written, or this Java cannot draw
   */
  static void write(EvalReport report, Path file) throws IOException {
    Picture.write(() -> new EvalChart(report).chart(), file, "eval: --chart");
  }

  private XYChart chart() {
    XYChart chart =
        new XYChartBuilder()
            .width(960)
            .height(170 + ROW_HEIGHT * names.size())
            .title(report.title())
            .xAxisTitle(report.isPerplexity() ? "perplexity" : "% of the answers are right")
            .build();
    chart.getStyler().setLegendPosition(LegendPosition.OutsideS);
    chart.getStyler().setChartBackgroundColor(Color.WHITE);
    chart.getStyler().setYAxisMin(0.0).setYAxisMax(names.size() + 1.0);
    chart.getStyler().setYAxisTickMarkSpacingHint(TICK_SPACING);
    chart.getStyler().setyAxisTickLabelsFormattingFunction(this::name);
    chart.getStyler().setAxisTicksMarksVisible(false);
    chart.getStyler().setPlotGridHorizontalLinesVisible(false);
    if (!report.isPerplexity()) {
      chart.getStyler().setXAxisMin(0.0).setXAxisMax(100.0);
    }
    for (int run = 0; run < report.runs().size(); run++) {
      add(chart, run);
    }
    return chart;
  }

  /**
   * The name at a height, where there is one: the first subject is at the top. XChart takes ticks
   * away until no label is there twice, so each of the others has blank space of its own: ordinary
   * and unbreakable spaces for the digits of a binary number.
   */
  private String name(double height) {
    long halves = Math.round(2 * height);
    long row = names.size() - halves / 2;
    if (halves % 2 == 0 && row >= 0 && row < names.size()) {
      return names.get((int) row);
    }
    return Long.toBinaryString(halves + names.size()).replace('0', ' ').replace('1', '\u00A0');
  }

  private void add(XYChart chart, int run) {
    Figures figures = report.runs().get(run).figures();
    List<Figure> rows = new ArrayList<>(figures.subjects());
    if (rows.size() > 1) {
      rows.add(figures.all());
    }
    double scale = report.isPerplexity() ? 1 : 100;
    double shift = report.runs().size() == 1 ? 0 : run == 0 ? APART : -APART;
    double[] points = new double[rows.size()];
    double[] heights = new double[rows.size()];
    for (int i = 0; i < rows.size(); i++) {
      Figure figure = rows.get(i);
      points[i] = scale * figure.value();
      heights[i] = names.size() - i + shift;
      double height = heights[i];
      String label = "interval " + run + " " + i;
      figure
          .interval()
          .ifPresent(
              found -> {
                double[] ends = {scale * found.low(), scale * found.high()};
                XYSeries line = chart.addSeries(label, ends, new double[] {height, height});
                line.setMarker(SeriesMarkers.NONE).setShowInLegend(false);
                line.setLineColor(COLORS[run]).setLineStyle(new BasicStroke(2));
              });
    }
    XYSeries series = chart.addSeries(report.runs().get(run).label(), points, heights);
    series.setXYSeriesRenderStyle(XYSeries.XYSeriesRenderStyle.Scatter);
    series.setMarker(SeriesMarkers.CIRCLE).setMarkerColor(COLORS[run]);
  }
}
