package dev.baichuan4j.cli;

import dev.baichuan4j.MemoryPlan;
import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.style.Styler.LegendPosition;

/** Draws the memory that a model takes as a stacked bar for each kind of weights. */
final class MemoryPicture {
  private MemoryPicture() {}

  /**
   * Writes a picture.
   *
   * @param file ends in .png or .svg
   * @throws IOException when it cannot be written, or this Java cannot draw
   */
  static void write(Map<String, MemoryPlan> plans, String title, Path file) throws IOException {
    Picture.write(() -> chart(plans, title), file, "inspect: --picture");
  }

  private static CategoryChart chart(Map<String, MemoryPlan> plans, String title) {
    CategoryChart chart =
        new CategoryChartBuilder().width(720).height(480).title(title).yAxisTitle("GB").build();
    chart.getStyler().setStacked(true);
    chart.getStyler().setLegendPosition(LegendPosition.OutsideS);
    chart.getStyler().setChartBackgroundColor(Color.WHITE);
    chart.getStyler().setYAxisDecimalPattern("#,##0.###");
    add(chart, "weights", plans, MemoryPlan::weights);
    add(chart, "cache", plans, MemoryPlan::cache);
    add(chart, "workspace", plans, MemoryPlan::workspace);
    return chart;
  }

  private static void add(
      CategoryChart chart,
      String name,
      Map<String, MemoryPlan> plans,
      ToLongFunction<MemoryPlan> part) {
    List<Double> sizes = new ArrayList<>();
    plans.values().forEach(plan -> sizes.add(part.applyAsLong(plan) / 1e9));
    chart.addSeries(name, List.copyOf(plans.keySet()), sizes);
  }
}
