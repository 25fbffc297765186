package dev.baichuan4j.internal.nn;

import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.LayerTensors;
import dev.baichuan4j.internal.arch.LinearSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * The residual stream of all tokens of a calibration, which passes through a model one layer at a
 * time, in chunks of whole texts. What a matrix is multiplied by is computed anew whenever it is
 * asked for: but for the residual stream, only what a chunk takes is in memory.
 */
final class CalibrationPass implements AutoCloseable {
  /** What a group of matrices is multiplied by. */
  enum Input {
    /** The norm that queries, keys and values are made of. */
    ATTENTION,
    /** What attention gives. */
    OUTPUT,
    /** The norm that gate and up are made of. */
    FEED_FORWARD,
    /** SwiGLU's product. */
    DOWN,
    /** The norm behind the last layer. */
    HEAD;

    /** Those of a layer, in the order of the pass. */
    static final List<Input> OF_LAYER = List.of(ATTENTION, OUTPUT, FEED_FORWARD, DOWN);

    /** The matrices of a layer that are multiplied by it. */
    List<LinearSpec> matrices(LayerTensors layer) {
      return switch (this) {
        case ATTENTION -> layer.qkv();
        case OUTPUT -> List.of(layer.output());
        case FEED_FORWARD -> List.of(layer.gate(), layer.up());
        case DOWN -> List.of(layer.down());
        case HEAD -> List.of();
      };
    }
  }

  private final Ops ops;
  private final Architecture model;
  private final CalibrationTokens tokens;
  private final Rotation rotation; // null without RoPE
  private final Tensor slopes; // [H]; null without ALiBi
  private final Tensor stream; // [B S,C]
  private final StepInputs inputs;
  private final KvCache cache; // of which one layer's pages are used
  private final Tensor h;
  private final Tensor delta;
  private final Tensor attention;
  private final Tensor qkv;
  private final Tensor hidden;
  private final Tensor room;

  CalibrationPass(Ops ops, Architecture model, Tensor embedding, CalibrationTokens tokens) {
    this.ops = ops;
    this.model = model;
    this.tokens = tokens;
    this.rotation = Rotation.of(model, tokens.window());
    this.slopes = Pass.slopes(ops, model, tokens.window());
    long c = model.hiddenSize();
    int chunk = tokens.chunkWindows() * tokens.window();
    int slots = tokens.pages() / tokens.chunkWindows();
    this.stream = f32(tokens.ids().length, c);
    this.inputs = StepInputs.of(ops, chunk, tokens.chunkWindows(), 1, slots, 1);
    this.cache = new KvCache(ops, model, ElementType.F32, tokens.pages());
    this.h = f32(chunk, c);
    this.delta = f32(chunk, c);
    this.attention = f32(chunk, model.heads().width());
    this.qkv = f32(chunk, model.heads().qkvWidth());
    this.hidden = f32(chunk, model.intermediateSize());
    this.room = f32(chunk, model.intermediateSize());
    for (int i = 0; i < tokens.chunks(); i++) {
      chunk(i, step -> ops.embed(step.x, step.in.ids(), embedding));
    }
  }

  private Tensor f32(long... shape) {
    return ops.tensor(ElementType.F32, shape);
  }

  /** Bytes that a pass takes, all tensors together. */
  static long bytes(Architecture model, CalibrationTokens tokens) {
    long c = model.hiddenSize();
    long chunk = (long) tokens.chunkWindows() * tokens.window();
    long row =
        2 * c + model.heads().width() + model.heads().qkvWidth() + 2L * model.intermediateSize();
    return 4 * (tokens.ids().length * c + chunk * row)
        + tokens.pages() * KvCache.pageBytes(model, ElementType.F32) / model.layers();
  }

  /** A chunk on its way: views of the leading rows of the buffers. */
  private record Step(
      StepInputs in,
      Tensor x,
      Tensor h,
      Tensor delta,
      Tensor attention,
      Tensor qkv,
      Tensor hidden,
      Tensor room) {
    List<Tensor> all() {
      List<Tensor> all = new ArrayList<>(in.all());
      all.addAll(List.of(x, h, delta, attention, qkv, hidden, room));
      return all;
    }
  }

  /** Calls {@code body} for a chunk of texts. */
  private void chunk(int number, Consumer<Step> body) {
    OperationInterruptedException.check("calibrating");
    int from = number * tokens.chunkWindows();
    Batch batch = tokens.batch(from, Math.min(tokens.chunkWindows(), tokens.windows() - from));
    inputs.write(batch);
    int rows = batch.tokens();
    Step step =
        new Step(
            inputs.first(StepSize.of(batch)),
            stream.rows((long) from * tokens.window(), rows),
            h.first(rows),
            delta.first(rows),
            attention.first(rows),
            qkv.first(rows),
            hidden.first(rows),
            room.first(rows));
    try {
      body.accept(step);
    } finally {
      step.all().forEach(Tensor::close);
    }
  }

  /**
   * Hands out what some matrices are multiplied by, of a chunk of texts.
   *
   * @param layer the tensors that come before those matrices; null for the head
   * @param number of the layer
   * @param norm the weight of the norm for {@link Input#HEAD}, else not used
   * @param take is given [T,K]
   */
  void input(
      int chunk, Input input, Weights.Layer layer, int number, Tensor norm, Consumer<Tensor> take) {
    chunk(chunk, step -> take.accept(input(input, layer, number, norm, step)));
  }

  private Tensor input(Input input, Weights.Layer layer, int number, Tensor norm, Step step) {
    switch (input) {
      case ATTENTION -> ops.rmsNorm(step.h, step.x, layer.inputNorm(), model.normEps());
      case OUTPUT -> {
        return attention(layer, number, step);
      }
      case FEED_FORWARD -> ops.rmsNorm(step.h, step.x, layer.postAttentionNorm(), model.normEps());
      case DOWN -> {
        ops.rmsNorm(step.h, step.x, layer.postAttentionNorm(), model.normEps());
        layer.gateUp().apply(ops, step.hidden, step.room, step.h);
        return step.hidden;
      }
      case HEAD -> ops.rmsNorm(step.h, step.x, norm, model.normEps());
    }
    return step.h;
  }

  private Tensor attention(Weights.Layer layer, int number, Step step) {
    ops.rmsNorm(step.h, step.x, layer.inputNorm(), model.normEps());
    long column = 0;
    for (Linear linear : layer.qkv()) {
      try (Tensor part = step.qkv.columns(column, linear.outputs())) {
        linear.apply(ops, part, step.h);
      }
      column += linear.outputs();
    }
    if (rotation != null) {
      ops.rope(step.qkv, step.in.positions(), rotation, layer.headNorms());
    }
    KvCache.Layer pages = cache.layer(0);
    ops.kvAppend(pages, step.qkv, step.in);
    ops.attention(step.attention, step.qkv, pages, step.in, slopes, model.window(number));
    return step.attention;
  }

  /** The residual stream gains what attention, or the feed-forward part, of a layer adds. */
  void advance(Input input, Weights.Layer layer, int number) {
    Linear last = input == Input.OUTPUT ? layer.output() : layer.down();
    for (int i = 0; i < tokens.chunks(); i++) {
      chunk(
          i,
          step -> {
            last.apply(ops, step.delta, input(input, layer, number, null, step));
            // The norm is computed anew where it is needed.
            ops.addRmsNorm(step.x, step.h, step.delta, layer.postAttentionNorm(), model.normEps());
          });
    }
  }

  @Override
  public void close() {
    List.of(stream, h, delta, attention, qkv, hidden, room).forEach(Tensor::close);
    inputs.all().forEach(Tensor::close);
    cache.close();
    if (slopes != null) {
      slopes.close();
    }
  }
}
