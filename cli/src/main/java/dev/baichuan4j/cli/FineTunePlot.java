package dev.baichuan4j.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.awt.Color;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.Styler.YAxisPosition;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Draws the loss and the learning rate of a run. */
final class FineTunePlot {
  private FineTunePlot() {}

  /**
   * Writes a picture of a curve.
   *
   * @param curve a JSON object a line, as a run writes them
   * @param file ends in .png or .svg
   * @throws IOException when it cannot be written, or this Java cannot draw
   */
  static void write(Path curve, Path file) throws IOException {
    List<JsonNode> steps = new ArrayList<>();
    for (String line : Files.readAllLines(curve)) {
      steps.add(Terminal.json().readTree(line));
    }
    Picture.write(() -> chart(steps), file, "finetune: curve");
  }

  private static XYChart chart(List<JsonNode> steps) {
    XYChart chart =
        new XYChartBuilder()
            .width(960)
            .height(540)
            .title("loss by steps")
            .xAxisTitle("step")
            .yAxisTitle("nats a token")
            .build();
    chart.getStyler().setLegendPosition(LegendPosition.OutsideS);
    chart.getStyler().setChartBackgroundColor(Color.WHITE);
    chart.getStyler().setXAxisDecimalPattern("#");
    chart.getStyler().setYAxisGroupPosition(1, YAxisPosition.Right);
    chart.setYAxisGroupTitle(1, "learning rate");
    add(chart, steps, "loss", "loss", 0);
    add(chart, steps, "validation", "validation", 0);
    add(chart, steps, "rate", "learning rate", 1);
    return chart;
  }

  private static void add(XYChart chart, List<JsonNode> steps, String key, String name, int axis) {
    List<JsonNode> there = steps.stream().filter(step -> step.has(key)).toList();
    if (there.isEmpty()) {
      return;
    }
    double[] x = there.stream().mapToDouble(step -> step.get("step").asDouble()).toArray();
    double[] y = there.stream().mapToDouble(step -> step.get(key).asDouble()).toArray();
    chart
        .addSeries(name, x, y)
        .setMarker(key.equals("validation") ? SeriesMarkers.CIRCLE : SeriesMarkers.NONE)
        .setYAxisGroup(axis);
  }
}
